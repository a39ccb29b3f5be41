"""A question to a person and the answer to it: whole, short, and of what was asked."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.domain.asking import Question, Reply
from agent.domain.errors import BadInput

DOOR = Question("Is the back door locked?", ("Yes", "No"))
OPEN = Question("What is missing?")
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.sampled_from(["question", "choices", "x"]), inner),
    max_leaves=9,
)


def test_a_question_is_the_same_after_it_was_sent() -> None:
    assert Question.from_wire(DOOR.to_wire()) == DOOR
    assert Question.from_wire({"question": " What is missing? "}) == OPEN


def test_a_reply_is_one_of_the_choices_and_a_text() -> None:
    assert DOOR.reply({"choice": "No", "text": "Ben has\nthe key "}) == Reply("No", "Ben has\nthe key")
    assert DOOR.reply({"choice": "Yes"}).to_wire() == {"choice": "Yes", "text": ""}
    assert OPEN.reply({"text": "milk"}) == Reply("", "milk")


@pytest.mark.parametrize(
    ("data", "field"),
    [
        (None, "question"),
        ([], "question"),
        ({}, "question"),
        ({"question": " \n"}, "question"),
        ({"question": 7}, "question"),
        ({"question": "x" * 501}, "question"),
        ({"question": "x", "choices": "Yes"}, "choices"),
        ({"question": "x", "choices": None}, "choices"),
        ({"question": "x", "choices": ["a", "a"]}, "choices"),
        ({"question": "x", "choices": ["a", " a"]}, "choices"),
        ({"question": "x", "choices": ["a", ""]}, "choices"),
        ({"question": "x", "choices": ["a", 1]}, "choices"),
        ({"question": "x", "choices": ["x" * 81]}, "choices"),
        ({"question": "x", "choices": list("123456789")}, "choices"),
        ({"question": "x", "choice": "a"}, "choice"),
    ],
)
def test_what_is_no_question_is_refused_by_name(data: object, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        Question.from_wire(data)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("question", "said", "field"),
    [
        (DOOR, None, "choice"),
        (DOOR, {}, "choice"),
        (DOOR, {"choice": "yes"}, "choice"),
        (DOOR, {"choice": ""}, "choice"),
        (DOOR, {"choice": ["Yes"]}, "choice"),
        (DOOR, {"choice": "Yes", "text": "x" * 501}, "text"),
        (DOOR, {"choice": "Yes", "text": 7}, "text"),
        (DOOR, {"choice": "Yes", "why": ""}, "why"),
        (OPEN, {"choice": ""}, "text"),
        (OPEN, {"choice": "Yes", "text": "milk"}, "choice"),
    ],
)
def test_what_is_no_answer_to_the_question_is_refused_by_name(question: Question, said: object, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        question.reply(said)
    assert refused.value.field == field


@given(JSON)
def test_whatever_is_sent_is_a_question_or_refused(data: Any) -> None:
    try:
        asked = Question.from_wire(data)
    except BadInput:
        return
    assert Question.from_wire(asked.to_wire()) == asked
