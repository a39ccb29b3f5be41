"""A person changes a setting in the real window of a real agent, and IT fixes it while they look."""

from typing import Any

import pytest

from tests.desktop.tray import PATIENCE
from tests.desktop.workplace import Workplace
from tests.servers.programs import until

pytestmark = pytest.mark.desktop


WORDS = 20
"""Shades of grey where words stand; a plain ground has a few."""


def told(workplace: Workplace, key: str) -> tuple[Any, str]:
    """What the agent says about a setting of the front desk, and what fixes it."""
    (found,) = (one for one in workplace.state("front")["settings"] if one["key"] == key)
    return found["value"], found["fixed"]


def drawn(workplace: Workplace, name: str) -> None:
    """Wait until the window is drawn anew to its last line, and keep a picture of it."""

    def lines_of_words() -> bool:
        box = workplace.window()
        if box is None:  # while windows are looked through one may change
            return False
        picture = workplace.picture().convert("L").crop((box[0] + 180, box[1], box[2], box[3]))
        left, top, right, bottom = (0, 0, *picture.size)
        places = [(left, top, right, 60), (left, 90, right, 150), (left, bottom - 60, right, bottom)]
        return all(len(picture.crop(place).getcolors() or ()) > WORDS for place in places)

    until(lines_of_words, "a window with words from top to bottom", PATIENCE)
    workplace.still()
    workplace.shot(name)


def test_a_setting_is_chosen_kept_and_then_fixed_by_policy(workplace: Workplace) -> None:
    profile = workplace.site.profile("front")
    before = profile.config_file.read_text(encoding="utf-8")
    policy = profile.machine_folder / "policy.toml"
    workplace.close_windows()
    workplace.ask("front", "open", window="settings")
    until(workplace.window, "the window", PATIENCE)
    workplace.still()
    try:
        workplace.desktop.key("Tab", "space")  # from “as the system” to “Deutsch”
        until(lambda: told(workplace, "ui.language") == ("de", ""), "German", PATIENCE)
        assert 'language = "de"' in profile.config_file.read_text(encoding="utf-8")
        drawn(workplace, "settings-chosen")
        policy.parent.mkdir(exist_ok=True)
        policy.write_text('[ui]\nlanguage = "en"\n', encoding="utf-8")
        workplace.ask("front", "settings.reload")
        until(lambda: told(workplace, "ui.language") == ("en", "policy"), "the policy", PATIENCE)
        drawn(workplace, "settings-fixed")
    finally:
        policy.unlink(missing_ok=True)
        profile.config_file.write_text(before, encoding="utf-8")
        workplace.ask("front", "settings.reload")
    until(lambda: told(workplace, "ui.language") == ("auto", ""), "what was before", PATIENCE)
    workplace.close_windows()
