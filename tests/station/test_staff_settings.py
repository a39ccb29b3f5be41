"""What staff may choose in the window is the schema's, with what fixes it."""

from pathlib import Path

from agent.station.staff_settings import staff_settings
from agent.system.config.check import whole_settings
from agent.system.config.load import load
from agent.system.config.schema import FOR_STAFF, Config, needs_restart
from agent.system.paths import Profile
from agent.ui.texts.window import window_texts


def test_each_setting_for_staff_is_one_and_takes_effect_at_once() -> None:
    keys = {one.key for one in whole_settings(Config)}
    assert keys.issuperset(FOR_STAFF)
    assert not any(map(needs_restart, FOR_STAFF))


def test_each_setting_for_staff_has_its_words_in_both_languages(tmp_path: Path) -> None:
    for texts in (window_texts("en"), window_texts("de")):
        for one in staff_settings(load(Profile.at(tmp_path))):
            assert texts.has(f"setting.{one['key']}")
            assert all(texts.has(f"setting.{one['key']}.{choice}") for choice in one.get("choices", ()))


def test_a_setting_says_how_it_is_chosen_and_what_fixes_it(tmp_path: Path) -> None:
    profile = Profile.at(tmp_path)
    profile.machine_folder.mkdir(parents=True)
    (profile.machine_folder / "policy.toml").write_text("ring.again_seconds = 20\n", encoding="utf-8")
    found = {one["key"]: one for one in staff_settings(load(profile))}
    assert found["ring.again_seconds"] == {
        "key": "ring.again_seconds", "value": 20, "fixed": "policy", "kind": "number", "least": 5, "most": 3600,
    }  # fmt: skip
    assert found["ui.mask"] == {"key": "ui.mask", "value": True, "fixed": "", "kind": "flag"}
    assert found["ui.language"]["choices"] == ["auto", "de", "en"]
