"""A task that only a person can do: what is put before them, and what they may say to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from agent.domain.errors import BadInput
from agent.domain.text import clean

# The data of a task of the type "ask", and its result:
#     {"question": "Is the back door locked?", "choices": ["Yes", "No"]}
#     {"choice": "No", "text": "Ben is looking for the key"}
# Without choices the text is the answer, and "choice" is "".
ASK = "ask"
"""The type of task every worker knows without a program: whoever sits there is asked."""

LONGEST_QUESTION = 500
LONGEST_CHOICE = 80
LONGEST_TEXT = 500
MOST_CHOICES = 8


@dataclass(frozen=True, slots=True)
class Reply:
    """What a person said: one of the choices ("" where there are none), and a text of their own."""

    choice: str
    text: str = ""

    def to_wire(self) -> dict[str, str]:
        """The task's result."""
        return {"choice": self.choice, "text": self.text}


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked, and the buttons they may press; without buttons they write something."""

    question: str
    choices: tuple[str, ...] = ()

    @classmethod
    def from_wire(cls, data: object) -> Self:
        """The question a task's data asks; raises BadInput that names the field at fault."""
        if not isinstance(data, Mapping):
            raise BadInput("Nothing is asked", 'Send {"question": "…", "choices": ["…", "…"]}', field="question")
        _nothing_else(data, ("question", "choices"))
        question = _text(data, "question", LONGEST_QUESTION)
        if not question:
            raise BadInput("Nothing is asked", "Write the question", code="question-missing", field="question")
        return cls(question, _choices(data.get("choices", [])))

    def to_wire(self) -> dict[str, Any]:
        """The task's data."""
        return {"question": self.question, "choices": list(self.choices)}

    def reply(self, said: object) -> Reply:
        """What somebody answered, if it is an answer to this question; raises BadInput that names the field."""
        if not isinstance(said, Mapping):
            raise BadInput("No answer", "Send a choice and a text", field="choice")
        _nothing_else(said, ("choice", "text"))
        choice, text = said.get("choice", ""), _text(said, "text", LONGEST_TEXT)
        if choice not in (self.choices or ("",)):
            offered = ", ".join(self.choices) or "none; write a text"
            raise BadInput("No such choice", f"The choices are: {offered}", code="choice-unknown", field="choice")
        if not self.choices and not text:
            raise BadInput("No answer", "Write what shall be answered", code="text-missing", field="text")
        return Reply(choice, text)


def _choices(given: object) -> tuple[str, ...]:
    if not isinstance(given, list | tuple) or len(given) > MOST_CHOICES:
        raise BadInput("Not a list of choices", f"Send a list of at most {MOST_CHOICES} texts", field="choices")
    choices = tuple(_text({"choices": one}, "choices", LONGEST_CHOICE) for one in given)
    if "" in choices or len(set(choices)) != len(choices):
        raise BadInput("Choices must differ", "Each choice is another text, none is empty", field="choices")
    return choices


def _text(given: Mapping[str, Any], name: str, longest: int) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise BadInput("Not a text", f"{name} must be a text", field=name)
    text = clean(value, lines=True).strip()
    if len(text) > longest:
        raise BadInput("Too long", f"Write {longest} characters at most", code=f"{name}-long", field=name)
    return text


def _nothing_else(given: Mapping[str, Any], known: tuple[str, ...]) -> None:
    unknown = sorted(set(map(str, given)) - set(known))
    if unknown:
        raise BadInput("Unknown field", f"There is no {unknown[0]}, only {' and '.join(known)}", field=unknown[0])
