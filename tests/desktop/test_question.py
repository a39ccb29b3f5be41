"""A task that asks a person, by pixels: answered on its notice, in the menu, in the window; there is one result."""

import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest

from agent.ui.icons import Picture
from agent.ui.view import IconState
from tests.desktop.tray import PATIENCE
from tests.desktop.workplace import Workplace
from tests.servers.popups import popups
from tests.servers.programs import until
from tests.station.tasks.test_site import SILENT

pytestmark = pytest.mark.desktop

LOCKED, SHUT = "carla Asks: Is the back door locked?", "carla Asks: Is it shut?"
WINE, WORTH = "carla Asks: Which wine?", "carla Asks: What is it worth?"


@pytest.fixture(scope="module")
def asking(started: Workplace) -> Workplace:
    """Carla may hand out tasks and has no desktop; eda in the store is a worker."""
    started.site.enrol("office", "carla", "lead")
    started.site.start_station("office", SILENT)
    started.join("store", "eda", "worker", "[worker]\nenabled = true\nat_once = 3\n")
    return started


@pytest.fixture
def workplace(asking: Workplace) -> Iterator[Workplace]:
    """Nothing is asked yet, and no window is open."""
    asking.calm("store")
    yield asking
    asking.close_windows()


def ask(workplace: Workplace, title: str, *choices: str) -> str:
    """Let carla ask; returns the task's id as soon as eda is asked."""
    data = {"question": title.removeprefix("carla Asks: "), "choices": choices}
    task: str = workplace.ask("office", "task.send", type="ask", data=data)["task"]
    until(lambda: workplace.state("store")["questions"], "the question", PATIENCE)
    return task


def answered(workplace: Workplace, task: str) -> dict[str, Any]:
    """What carla got, once it is there and nothing of the question is left at eda's."""

    def shown() -> dict[str, Any]:
        found: dict[str, Any] = workplace.ask("office", "task.show", task=task)
        return found

    until(lambda: shown()["ended"], "the result", PATIENCE)
    assert (shown()["state"], shown()["n"]) == ("done", 1)
    workplace.pages_shown(0)
    assert not workplace.state("store")["questions"]
    until(lambda: not [line for line in workplace.lines("store") if "Asks" in line], "a menu without it", PATIENCE)
    until(lambda: wears(workplace, IconState.OK, 0), "the icon as before", PATIENCE)
    result: dict[str, Any] = shown()["result"]
    return result


def wears(workplace: Workplace, state: IconState, count: int) -> bool:
    return workplace.tray.wears(workplace.site.pid("store"), Picture(state, count))


def test_a_question_rings_and_is_answered_with_a_button_of_its_notice(workplace: Workplace) -> None:
    heard = workplace.sink.from_here()
    task = ask(workplace, LOCKED, "Yes", "No")
    (box,) = workplace.pages_shown()
    assert workplace.asked("store", LOCKED).buttons == {"choice-0": "Yes", "choice-1": "No", "default": "Open"}
    until(lambda: heard.loud_seconds() > 0.2, "the sound", PATIENCE)
    until(lambda: wears(workplace, IconState.ATTENTION, 1), "an icon with a 1", PATIENCE)
    workplace.shot("question")
    workplace.press(box, 1)
    assert answered(workplace, task) == {"choice": "No", "text": ""}


def test_a_question_is_answered_in_the_menu(workplace: Workplace) -> None:
    task = ask(workplace, WINE, "Red", "White", "Rosé", "None")
    assert workplace.asked("store", WINE).buttons == {"default": "Answer"}, "all choices or none"
    workplace.choose("store", WINE, "Rosé", shot="question-menu")
    assert answered(workplace, task) == {"choice": "Rosé", "text": ""}


def test_a_question_is_answered_in_words_in_the_window_its_notice_opens(workplace: Workplace) -> None:
    task = ask(workplace, WORTH)
    until(lambda: popups(workplace.desktop, "NOTIFICATION"), "the notice", PATIENCE)
    workplace.still()
    (box,) = popups(workplace.desktop, "NOTIFICATION")
    workplace.press(box, 0)
    until(workplace.window, "eda's window", PATIENCE)
    workplace.still()
    workplace.desktop.type("twelve crowns")
    workplace.shot("question-window")
    workplace.desktop.key("Return")
    assert answered(workplace, task) == {"choice": "", "text": "twelve crowns"}


def test_a_question_answered_in_two_places_at_once_has_one_answer(workplace: Workplace) -> None:
    task = ask(workplace, SHUT, "Yes", "No")
    workplace.ask("store", "open", window="pages")
    until(workplace.window, "eda's window", PATIENCE)
    (box,) = workplace.pages_shown()
    pid = workplace.site.pid("store")
    os.kill(pid, signal.SIGSTOP)  # it hears of both answers in one go
    try:
        workplace.press(box, 0)
        workplace.desktop.key("2")
        workplace.pages_shown(0)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert answered(workplace, task)["choice"] in ("Yes", "No")
    workplace.shot("question-both")
    assert "Traceback" not in workplace.logs()["store"]
