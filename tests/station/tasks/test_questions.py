"""Questions before a person: shown with buttons, answered once and only as asked, taken away with their task."""

from types import SimpleNamespace
from typing import Any

import pytest

from agent.domain.errors import BadInput
from agent.domain.task import Outcome, PutQuestion, QuestionAnswered, RunTask
from agent.station.notices import question_notice
from agent.station.tasks.questions import Open, Questions
from agent.station.tasks.room import TaskRoom, buttons_of
from agent.ui.notify.base import Urgency
from agent.ui.texts import Texts

TASK = RunTask("t@customer", 1, "ask", "customer")
LOCKED = b'{"question": "Is the back door locked?", "choices": ["Yes", "No"]}'


def test_a_question_is_open_until_it_is_answered_with_one_of_its_choices() -> None:
    questions = Questions()
    asked = questions.ask(TASK, LOCKED)
    assert isinstance(asked, Open)
    with pytest.raises(BadInput, match="No such choice"):
        questions.answer("t@customer", {"choice": "Perhaps"})
    assert questions.all() == [asked]
    answered, outcome = questions.answer("t@customer", {"choice": "No", "text": "grüß"})
    assert (answered, outcome) == (asked, Outcome(ok=True, data='{"choice": "No", "text": "grüß"}'.encode()))
    with pytest.raises(BadInput, match="No such question"):
        questions.answer("t@customer", {"choice": "No"})


@pytest.mark.parametrize(
    "data",
    [b"", b"no JSON", b"{}", b'{"question": ""}', b'{"question": "?", "choices": 3}', b"\xff", b"[" * 100_000],
)
def test_what_is_no_question_fails_at_once(data: bytes) -> None:
    questions = Questions()
    outcome = questions.ask(TASK, data)
    assert isinstance(outcome, Outcome)
    assert (outcome.ok, outcome.code) == (False, "not-json")
    assert questions.all() == []


def test_only_the_run_that_asks_takes_its_question_away() -> None:
    questions = Questions()
    questions.ask(TASK, LOCKED)
    assert not questions.drop("t@customer", 2)
    assert questions.drop("t@customer", 1)
    assert not questions.drop("t@customer", 1)


def test_the_notice_has_a_button_for_each_choice_and_stays() -> None:
    asked = PutQuestion("t@customer", "customer", "Is the back door locked?", ("Yes", "No"))
    notice = question_notice(asked, "carla", Texts.of("en"))
    assert notice.title == "carla Asks: Is the back door locked?"
    assert notice.buttons == (("choice-0", "Yes"), ("choice-1", "No"))
    assert notice.urgency is Urgency.CRITICAL
    assert buttons_of(asked.choices)["choice-1"] == "No"


def test_a_long_question_stands_whole_below_a_short_title() -> None:
    asked = PutQuestion("t@customer", "customer", "Which fish? " * 40, ("Salmon", "Trout"))
    notice = question_notice(asked, "carla", Texts.of("de"))
    assert (notice.title, notice.body, notice.opens) == ("carla fragt dich", asked.question, "Öffnen")


def test_a_notice_without_choices_opens_the_window_to_answer() -> None:
    notice = question_notice(PutQuestion("t@customer", "customer", "How many?", ()), "carla", Texts.of("en"))
    assert (notice.title, notice.buttons, notice.opens) == ("carla Asks: How many?", (), "Answer")


@pytest.mark.parametrize(
    "choices", [("A", "B", "C", "D"), ("Everything is in order", "Something is missing in it", "B")]
)
def test_choices_that_some_desktop_would_cut_off_are_given_in_the_window(choices: tuple[str, ...]) -> None:
    notice = question_notice(PutQuestion("t@customer", "customer", "Well?", choices), "carla", Texts.of("de"))
    assert (notice.buttons, notice.opens) == ((), "Antworten")


def test_a_click_in_a_menu_comes_too_late_without_harm() -> None:
    none: Any = None
    room = TaskRoom(none, none, "", none, none, ledger=none, tell=none, show=none, now=none)
    questions = Questions()
    room._working = SimpleNamespace(questions=questions, answer=questions.answer)  # type: ignore[assignment]  # all it takes
    questions.ask(TASK, LOCKED)
    room.handle(QuestionAnswered("t@customer", "Yes"))
    assert room.handle(QuestionAnswered("t@customer", "No")) == []
    assert questions.all() == []
