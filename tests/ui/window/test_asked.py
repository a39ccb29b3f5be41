"""A task that asks the person here, answered in the window by its buttons or in words."""

from collections.abc import Callable

import pytest

from agent.ui.window.model.shapes import State
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


def test_a_question_without_choices_is_answered_in_words(open_window: Open, evening: State) -> None:
    window = open_window({**evening, "questions": [WORTH]}, "pages")
    window.until_still()
    window.type("twelve crowns")
    window.key("Return")
    assert window.asked("task.answer") == {"task": "u@customer", "choice": "", "text": "twelve crowns"}
