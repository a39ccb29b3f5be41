"""Which questions are shown, and that each can be read and answered."""

import pytest

from agent.ui.texts.window import window_texts
from agent.ui.window.model.asking import at_once, words
from agent.ui.window.model.model import Model
from agent.ui.window.model.shapes import Question

ENGLISH = window_texts("en")
SHORT: Question = {"task": "t", "from": "carla", "question": "Is it locked?", "choices": ["Yes", "No"]}
LONG: Question = {"task": "u", "from": "carla", "question": "w" * 500, "choices": []}


@pytest.mark.parametrize(
    ("questions", "pages", "shown"),
    [([SHORT] * 30, 0, 3), ([SHORT] * 30, 2, 1), ([SHORT] * 2, 9, 1), ([LONG, LONG, SHORT], 0, 1), ([], 0, 0)],
    ids=["three at most", "pages have their places first", "one always", "no more than can be read", "none"],
)
def test_what_waits_never_pushes_an_answer_off_the_screen(questions: list[Question], pages: int, shown: int) -> None:
    assert at_once(questions, pages) == questions[:shown]


def test_a_question_keeps_few_of_its_line_breaks_and_all_of_its_words() -> None:
    said = words({**SHORT, "question": "one\ntwo\n" * 30}, ENGLISH)
    assert said.startswith("carla Asks: one\ntwo\n")
    assert said.count("\n") == 5
    assert said.split()[2:] == ["one", "two"] * 30


def test_what_waits_is_counted_with_the_questions() -> None:
    assert Model({"status": {"unanswered": 2}, "questions": [SHORT, LONG]}).unanswered == 4
