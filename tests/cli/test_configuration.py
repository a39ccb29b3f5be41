"""`nmr config`: what counts and why, and changes that policy allows."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent.cli import run
from agent.system.config.check import whole_settings
from agent.system.config.schema import Config, HubConfig


class Commands:
    """The command line on one profile."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capsys = folder, capsys
        (folder / "machine").mkdir(parents=True)
        self.file, self.policy = folder / "config.toml", folder / "machine" / "policy.toml"

    def __call__(self, *words: str, exit_code: int = 0) -> str:
        """Run one; returns what it said, complaints first."""
        assert run(["--profile", str(self.folder), *words]) == exit_code
        said = self._capsys.readouterr()
        return said.err + said.out

    def asked(self, *words: str, exit_code: int = 0) -> Any:
        """The same with --json."""
        return json.loads(self(*words, "--json", exit_code=exit_code))


@pytest.fixture
def nmr(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Commands:
    return Commands(tmp_path / "p", capsys)


def test_show_lists_every_setting_with_its_value_and_where_it_is_from(nmr: Commands) -> None:
    nmr.file.write_text("[ring]\nagain_seconds = 45\nx = 1\n[ui]\nmask = 7\n", encoding="utf-8")
    found = nmr.asked("config", "show")
    assert [one["key"] for one in found["settings"]] == [one.key for one in whole_settings(Config)]
    (again,) = (one for one in found["settings"] if one["key"] == "ring.again_seconds")
    assert (again["value"], again["from"], again["origin"]) == (45, "user file", f"{nmr.file}, line 2")
    assert (len(found["mistakes"]), len(found["warnings"])) == (1, 1)
    text = nmr("config", "show")
    assert f"mistake: {nmr.file}:5: ui.mask: 7 is not allowed; allowed is true or false" in text
    hub = nmr.asked("config", "show", "--hub")
    assert [one["key"] for one in hub["settings"]] == [one.key for one in whole_settings(HubConfig)]


def test_why_shows_what_every_layer_says_and_which_counts(nmr: Commands) -> None:
    nmr.file.write_text("ring.again_seconds = 45\n", encoding="utf-8")
    nmr.policy.write_text("[ring]\nagain_seconds = 20\n", encoding="utf-8")
    told = nmr("config", "show", "--why", "ring.again_seconds").splitlines()
    assert told == [
        "ring.again_seconds = 20   (locked by policy)",
        f"  → machine policy    20   {nmr.policy}, line 2",
        "    user policy       -",
        "    command line      -",
        "    environment       -",
        f"    user file         45   {nmr.file}, line 1",
        "    machine defaults  -",
        "    built-in          30",
        "    allowed: a whole number from 5 to 3600; Seconds until the sound comes again while nobody answers",
    ]
    (found,) = nmr.asked("config", "show", "--why", "ring.again_seconds")["why"]
    assert [one["layer"] for one in found["layers"] if one["counts"]] == ["machine policy"]
    assert found["locked"]
    assert nmr("config", "show", "--why", "ring").count("allowed: ") == 6
    assert nmr("config", "show", "--why", "hub.site").startswith('hub.site = "site"')
    assert "did you mean" in nmr("config", "show", "--why", "ring.again", exit_code=2)


def test_a_value_that_does_not_count_is_told_where_it_stands(nmr: Commands) -> None:
    nmr.file.write_text("[ring]\nagain_seconds = 4\n", encoding="utf-8")
    told = nmr("config", "show", "--why", "ring.again_seconds")
    assert f"user file         ignored: {nmr.file}:2: ring.again_seconds: 4 is not allowed" in told
    assert "→ built-in          30" in told
    assert "4 is not allowed" in nmr("config", "check", exit_code=78)


def test_set_writes_the_users_file_and_unset_takes_it_out_again(nmr: Commands) -> None:
    nmr.file.write_text("# mine\n", encoding="utf-8")
    assert "takes effect at once" in nmr("config", "set", "ring.again_seconds", "20")
    assert "after the next start" in nmr("config", "set", "link.mqtt.addresses", "a:1,b:2")
    assert nmr.asked("config", "set", "ui.mask", "off")["value"] is False
    text = nmr.file.read_text(encoding="utf-8")
    assert text.startswith("# mine\n")
    assert 'addresses = ["a:1", "b:2"]' in text
    assert nmr("config", "check") == "the configuration is good\n"
    nmr("config", "unset", "ring.again_seconds")
    assert "→ built-in          30" in nmr("config", "show", "--why", "ring.again_seconds")


def test_set_refuses_what_policy_fixed_and_says_who_did(nmr: Commands) -> None:
    nmr.policy.write_text("[ring]\nagain_seconds = 20\n", encoding="utf-8")
    refused = nmr("config", "set", "ring.again_seconds", "45", exit_code=77)
    assert "Set by your administrator" in refused
    assert f"{nmr.policy}, line 2" in refused
    assert not nmr.file.exists()


@pytest.mark.parametrize(
    ("words", "exit_code", "told"),
    [
        (("ring.again_seconds", "4"), 2, "from 5 to 3600"),
        (("ring.again_second", "20"), 2, 'did you mean "ring.again_seconds"'),
        (("quick_page", "[]"), 2, "list of tables"),
        (("hub.listen", "localhost"), 2, "an IP address"),
    ],
)
def test_set_refuses_what_is_not_allowed(nmr: Commands, words: tuple[str, ...], exit_code: int, told: str) -> None:
    assert told in nmr("config", "set", *words, exit_code=exit_code)
    assert not nmr.file.exists()


def test_set_leaves_a_broken_file_alone(nmr: Commands) -> None:
    nmr.file.write_text("[ring\n", encoding="utf-8")
    assert str(nmr.file) in nmr("config", "set", "ring.again_seconds", "20", exit_code=78)
    assert nmr.file.read_text(encoding="utf-8") == "[ring\n"


def test_set_says_that_something_stronger_decides(nmr: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NMR_RING__AGAIN_SECONDS", "60")
    assert "environment variable NMR_RING__AGAIN_SECONDS is stronger" in nmr(
        "config", "set", "ring.again_seconds", "20"
    )
    assert "→ command line      9" in nmr(
        "--set", "ring.again_seconds=9", "config", "show", "--why", "ring.again_seconds"
    )


def test_a_secret_of_the_hub_is_shown_to_nobody(nmr: Commands) -> None:
    (nmr.folder / "hub.toml").write_text('[hub.turn]\nsecret = "canary-1"\n', encoding="utf-8")
    said = nmr("config", "show", "--hub") + nmr("config", "show", "--why", "hub.turn.secret")
    said += nmr("config", "show", "--hub", "--json") + nmr("config", "show", "--why", "hub.turn.secret", "--json")
    (nmr.folder / "hub.toml").write_text(f'[hub.turn]\nsecret = "canary-1{"x" * 500}"\n', encoding="utf-8")
    said += nmr("config", "check", "--hub", exit_code=78)
    said += nmr("config", "set", "hub.turn.secret", f"canary-1{'x' * 500}", exit_code=2)
    assert "(hidden)" in said
    assert "canary" not in said
