"""A task that asks the person here, answered in the window by its buttons or in words."""

from collections.abc import Callable

import pytest

from agent.ui.window.model.shapes import State
from tests.servers.programs import until
from tests.ui.window import sample
from tests.ui.window.conftest import Opened

pytestmark = pytest.mark.desktop

Open = Callable[..., Opened]
LOCKED = {"task": "t@customer", "from": "carla", "question": "Is the back door locked?", "choices": ["Yes", "No"]}
WORTH = {"task": "u@customer", "from": "carla", "question": "What is it worth?", "choices": []}


def test_a_question_is_answered_with_one_of_its_choices(open_window: Open, evening: State) -> None:
    window = open_window({**evening, "questions": [LOCKED, WORTH]}, "pages")
    window.until_still()
    window.screen.screenshot("window-asked")
    window.key("Tab", "space")
    assert window.asked("task.answer") == {"task": "t@customer", "choice": "No", "text": ""}
    with window.changing():
        window.agent.tell(questions=[])


def test_the_next_question_gets_the_keyboard_when_one_is_answered(open_window: Open, evening: State) -> None:
    window = open_window({**evening, "questions": [LOCKED, WORTH]}, "pages")
    window.until_still()
    window.key("2")
    assert window.asked("task.answer")["choice"] == "No"
    with window.changing():
        window.agent.tell(questions=[WORTH])
    window.type("twelve crowns")
    window.key("Return")
    until(lambda: len(window.agent.said("task.answer")) == 2, "the second answer")


def test_every_choice_is_in_sight(open_window: Open, evening: State) -> None:
    many = [f"The {number}th of many choices" for number in range(8)]
    window = open_window({**evening, "questions": [{**LOCKED, "choices": many}]}, "pages")
    window.until_still()
    before = window.screen.pixels().tobytes()
    with window.changing():
        window.agent.tell(
            questions=[{**LOCKED, "task": "u@customer", "choices": [*many[:-1], "The 8th of many choices"]}]
        )
    assert window.screen.pixels().tobytes() != before


def test_a_question_without_choices_is_answered_in_words(open_window: Open, evening: State) -> None:
    window = open_window({**evening, "questions": [WORTH]}, "pages")
    window.until_still()
    window.type("twelve crowns")
    window.key("Return")
    assert window.asked("task.answer") == {"task": "u@customer", "choice": "", "text": "twelve crowns"}


def test_an_empty_answer_is_not_sent_and_one_pressed_twice_is_sent_once(open_window: Open, evening: State) -> None:
    window = open_window({**evening, "questions": [WORTH]}, "pages")
    with window.changing():
        window.key("Return")
    window.screen.screenshot("window-asked-empty")
    window.type("twelve")
    window.key("Return", "Return")
    window.until_still()
    assert window.agent.said("task.answer") == [{"task": "u@customer", "choice": "", "text": "twelve"}]


def test_an_answer_that_came_too_late_says_so_and_one_that_did_not_fit_is_given_again(
    open_window: Open, evening: State
) -> None:
    window = open_window({**evening, "questions": [LOCKED]}, "pages")
    gone = {"code": "no-such-task", "title": "No such question", "message": "", "field": "task", "exit": 1}
    window.agent.answers["task.answer"] = lambda _: {"error": gone}
    with window.changing():
        window.key("1")
    window.screen.screenshot("window-asked-late")
    window.key("2")
    until(lambda: [one["choice"] for one in window.agent.said("task.answer")] == ["Yes", "No"], "both answers")


def test_tab_goes_from_the_pages_that_wait_to_the_questions_below_them(open_window: Open, evening: State) -> None:
    pages = [*evening["pages"], *sample.incoming(evening["pages"][0]["asked_ms"])]
    window = open_window({**evening, "pages": pages, "questions": [LOCKED]}, "pages")
    window.until_still()
    window.key(*["Tab"] * 6, "Return")
    assert window.asked("task.answer")["choice"] == "Yes"
