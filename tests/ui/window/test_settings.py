"""The settings in the window, by keyboard: what was chosen is sent, what policy fixed cannot be touched."""

from collections.abc import Callable
from typing import Any

import pytest

from agent.ui.window.model.shapes import State
from tests.servers.programs import until
from tests.ui.window import sample
from tests.ui.window.conftest import MAIN, Opened

pytestmark = pytest.mark.desktop
Open = Callable[..., Opened]


def only(evening: State, *keys: str, **changed: Any) -> State:
    """The state with just these settings."""
    kept = [one for one in evening["settings"] if one["key"] in keys]
    return {**evening, "settings": [{**one, **changed} for one in kept]}  # type: ignore[typeddict-item]


WORDS = 20
"""Shades of grey where words stand; a plain ground has few."""


def words(window: Opened) -> bytes:
    """How the line of the language looks."""
    return window.screen.pixels().convert("L").crop((420, 145, 800, 170)).tobytes()


def test_a_flag_is_sent_as_soon_as_it_is_switched(open_window: Open, evening: State) -> None:
    window = open_window(only(evening, "ring.order_sound"), "settings")
    window.until_still()
    window.key("space")
    assert window.asked("settings.set") == {"key": "ring.order_sound", "value": True}


def test_a_choice_is_sent_and_the_window_changes_at_once(open_window: Open, evening: State) -> None:
    window = open_window(only(evening, "ui.language", "ring.order_sound"), "settings")
    window.until_still()
    window.key("shift+Tab", "space")  # from English, which is chosen, back to German
    assert window.asked("settings.set") == {"key": "ui.language", "value": "de"}
    german: Any = {**sample.GERMAN}
    before = words(window)
    window.agent.tell(texts=german, settings=sample.settings(german))
    until(lambda: before != words(window) and len(set(words(window))) > WORDS, "the language on screen")
    window.until_still()
    window.key("Tab", "space")  # the keyboard is still in the language
    until(lambda: len(window.agent.said("settings.set")) == 2, "the second choice")
    assert window.agent.said("settings.set")[1] == {"key": "ui.language", "value": "en"}


def test_a_number_is_sent_when_it_is_one_that_is_allowed(open_window: Open, evening: State) -> None:
    window = open_window(only(evening, "ring.again_seconds"), "settings")
    window.until_still()
    for typed in ("4", "often", "999999999"):
        with window.changing():
            window.key("End", "shift+Home")
            window.type(typed)
            window.key("Return")
    window.key("End", "shift+Home")
    window.type("20")
    window.key("Return")
    assert window.asked("settings.set") == {"key": "ring.again_seconds", "value": 20}
    assert len(window.agent.said("settings.set")) == 1


CONTROLS = [(x, y) for y in (157, 190) for x in (436, 585, 663)] + [(230, y) for y in (222, 253, 327, 358, 432)]
"""Where on the screen choices and flags are when all settings are shown in English."""


def click_everything(window: Opened) -> None:
    """Click on every control there is; then do something else, which is sent after that."""
    for x, y in CONTROLS:
        window.screen.click(x, y)
    window.key("ctrl+1")

    def done() -> object:
        window.key("Down", "ctrl+d")  # again, where a list that is just being drawn missed it
        return window.agent.said("order.done")

    until(done, "an order that is done")


@pytest.mark.parametrize("fixed", ["policy", "given"])
def test_what_somebody_above_fixed_cannot_be_touched(open_window: Open, evening: State, fixed: str) -> None:
    window = open_window(only(evening, *(one["key"] for one in evening["settings"]), fixed=fixed), "settings")
    window.until_still()
    click_everything(window)
    assert window.agent.said("settings.set") == []


def test_a_click_on_what_nobody_fixed_is_a_choice(open_window: Open, evening: State) -> None:
    window = open_window(only(evening, *(one["key"] for one in evening["settings"]), fixed=""), "settings")
    window.until_still()
    click_everything(window)
    assert {one["key"] for one in window.agent.said("settings.set")} == {
        one["key"] for one in evening["settings"] if one["kind"] != "number"
    }


def test_what_the_agent_refuses_is_said_and_what_counts_is_shown_again(open_window: Open, evening: State) -> None:
    window = open_window(only(evening, "ring.order_sound"), "settings")
    error = {"code": "locked", "title": "Set by your administrator", "message": "Ask IT.", "field": None}
    window.agent.answers["settings.set"] = lambda _: {"error": error}
    with window.changing():
        window.key("space")
        window.asked("settings.set")
    window.screen.screenshot("window-settings-refused")
    window.key("space")  # it stands where it stood, so it asks for the same
    until(lambda: len(window.agent.said("settings.set")) == 2, "the second try")
    assert [one["value"] for one in window.agent.said("settings.set")] == [True, True]


def test_a_policy_that_comes_while_one_looks_greys_its_setting(open_window: Open, evening: State) -> None:
    window = open_window(only(evening, "ring.order_sound"), "settings")
    with window.changing():
        window.agent.tell(settings=only(evening, "ring.order_sound", fixed="policy")["settings"])
    click_everything(window)
    assert window.agent.said("settings.set") == []


def test_an_agent_that_tells_no_settings_is_no_trouble(open_window: Open, evening: State) -> None:
    older: Any = {name: part for name, part in evening.items() if name != "settings"}
    window = open_window(older)
    with window.changing():
        window.key("ctrl+4")
    window.sees(MAIN)
