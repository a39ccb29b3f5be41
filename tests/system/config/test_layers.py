"""Every setting from every source: the strongest that speaks counts, and what policy says is locked."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.inspect import StructType, VarTupleType

from agent.domain.errors import NotAllowed
from agent.system.config.change import change, forget, why_fixed
from agent.system.config.check import Setting, unwrap
from agent.system.config.layer import RANKS
from agent.system.config.load import Loaded, load, look_at_hub, reload_if_changed
from agent.system.config.schema import Config, HubConfig
from agent.system.config.why import decision
from tests.system.config.stage import EVERY, SOURCES, Schema, Stage, as_lists, sources_of, two_values

SETTINGS = [pytest.param(schema, one, id=f"{schema.__name__}-{one.key}") for schema, one in EVERY]


def loaded(stage: Stage) -> Loaded[Any]:
    return look_at_hub(stage.profile, stage.around) if stage.hub else load(stage.profile, stage.around)


def in_force(config: msgspec.Struct, setting: Setting) -> Any:
    """What the program runs with."""
    value: Any = msgspec.to_builtins(config)
    for key in setting.place:
        value = value[key]
    if not isinstance(value, list | tuple):
        return value
    kind = unwrap(setting.kind.item_type)[0] if isinstance(setting.kind, VarTupleType) else None
    default = {one.encode_name: one.default for one in kind.fields} if isinstance(kind, StructType) else {}
    # tables come with all their fields
    return as_lists([{k: v for k, v in one.items() if v != default[k]} if default else one for one in value])


@pytest.mark.parametrize(("schema", "setting"), SETTINGS)
def test_of_all_sources_that_say_something_the_strongest_counts(
    tmp_path: Path, schema: Schema, setting: Setting
) -> None:
    value, other = two_values(setting, schema)
    default = list(setting.default) if isinstance(setting.default, tuple) else setting.default
    stage = Stage(tmp_path, schema)
    for source in reversed(sources_of(schema)):  # the weakest first; all below the one in question say something else
        stage.say(source, setting, value)
        found = loaded(stage)
        assert in_force(found.config, setting) == (default if source == "built-in" else value), source
        one = decision(found, setting.key)
        assert (one.winner.rank, one.locked) == (SOURCES[source], "policy" in SOURCES[source])
        assert list(dict.fromkeys(say.rank for say in one.says)) == list(RANKS)
        assert found.mistakes == ()
        stage.say(source, setting, other)


@pytest.mark.parametrize(("schema", "setting"), SETTINGS)
def test_what_policy_fixed_nobody_changes(tmp_path: Path, schema: Schema, setting: Setting) -> None:
    value, other = two_values(setting, schema)
    for source in (name for name in sources_of(schema) if "policy" in name):
        stage = Stage(tmp_path / source, schema)
        stage.say(source, setting, value)
        file = stage.files["user file"]
        with pytest.raises(NotAllowed) as refused:  # on the command line, and in the window, which asks the same
            change(file, loaded(stage), setting.key, other)
        assert (refused.value.exit_code, refused.value.title) == (77, "Set by your administrator")
        assert not file.exists()
        for below in ("command line", "environment", "user file"):
            stage.say(below, setting, other)
        found = loaded(stage)
        assert in_force(found.config, setting) == value, source
        assert why_fixed(decision(found, setting.key)) == "policy"
        told = [(str(one.file), one.key) for one in found.warnings]
        assert (str(file), setting.key) in told
        assert len(told) == 3


def test_two_policies_add_up_and_the_machines_is_the_stronger(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.files["policy file"].write_text("[ring]\nagain_seconds = 20\n", encoding="utf-8")
    stage.files["account's policy file"].write_text("[ring]\nagain_seconds = 25\nper_minute = 5\n", encoding="utf-8")
    ring = load(stage.profile, stage.around).config.ring
    assert (ring.again_seconds, ring.per_minute) == (20, 5)


def test_a_new_policy_counts_while_the_agent_runs_even_if_the_users_file_is_broken(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.files["user file"].write_text("[ring]\nagain_seconds = 45\nper_minute = 7\n", encoding="utf-8")
    running = load(stage.profile, stage.around)
    stage.files["user file"].write_text("[ring", encoding="utf-8")
    stage.registry[stage.keys["machine policy key"]] = {"ring": {"again_seconds": 20}}
    news = reload_if_changed(running, stage.profile, stage.around)
    assert news
    assert (news.config.ring.again_seconds, news.config.ring.per_minute) == (20, 7)
    assert [one.line for one in news.mistakes] == [1]
    assert reload_if_changed(news, stage.profile, stage.around) is None
    stage.registry.clear()
    again = reload_if_changed(news, stage.profile, stage.around)
    assert again
    assert again.config.ring.again_seconds == 45


def test_a_policy_file_of_the_installer_is_a_machine_policy_and_lies_on_this_computer(tmp_path: Path) -> None:
    stage, file = Stage(tmp_path), tmp_path / "given.toml"
    file.write_text("[ring]\nagain_seconds = 20\n", encoding="utf-8")
    deployment = stage.registry[r"HKLM\Software\NoMoreRunning\Deployment"] = {"Policy": str(file)}
    found = load(stage.profile, stage.around)
    assert decision(found, "ring.again_seconds").winner.origin == f"{file}, line 2"
    assert decision(found, "ring.again_seconds").locked
    deployment["Policy"] = r"\\server\share\policy.toml"
    found = load(stage.profile, stage.around)
    assert found.config.ring.again_seconds == 30
    key, why = r"HKLM\Software\NoMoreRunning\Deployment\Policy", "is not on this computer; copy it here"
    assert [str(one) for one in found.mistakes] == [rf"{key}: \\server\share\policy.toml {why}"]


def test_a_profile_of_its_own_has_its_own_defaults_but_the_computers_policy(tmp_path: Path) -> None:
    import dataclasses

    stage = Stage(tmp_path)
    stage.registry[stage.keys["machine's key"]] = {"ring": {"again_seconds": 60}}
    stage.registry[stage.keys["machine policy key"]] = {"ring": {"per_minute": 5}}
    own = dataclasses.replace(stage.profile, folder=tmp_path / "p")
    ring = load(own, stage.around).config.ring
    assert (ring.again_seconds, ring.per_minute) == (30, 5)


def test_the_account_is_asked_for_only_where_accounts_have_policies(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    (stage.policy / "user-policy").rmdir()

    def account() -> str:
        raise AssertionError("it may ask a server in the network")

    assert load(stage.profile, stage.around.__class__({}, lambda *_: {}, account)).config == Config()


def test_a_value_policy_leaves_without_effect_can_be_taken_out(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    stage.files["policy file"].write_text("ring.again_seconds = 20\n", encoding="utf-8")
    file = stage.files["user file"]
    file.write_text("# mine\n[ring]\nagain_seconds = 45\nper_minute = 7\n", encoding="utf-8")
    forget(file, load(stage.profile, stage.around), "ring.again_seconds")
    assert file.read_text(encoding="utf-8") == "# mine\n[ring]\nper_minute = 7\n"
    assert load(stage.profile, stage.around).warnings == ()


def test_what_was_loaded_shows_no_secret_in_its_text(tmp_path: Path) -> None:
    stage = Stage(tmp_path, HubConfig)
    stage.files["user file"].write_text('[hub.turn]\nsecret = "canary-1"\n', encoding="utf-8")
    loaded_ = look_at_hub(stage.profile, stage.around)
    assert loaded_.config.hub.turn.secret == "canary-1"
    assert "canary" not in repr(loaded_)
