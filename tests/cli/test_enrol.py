"""`nmr enrol --by-mail`: what it leaves in the settings, and what it says where something is missing."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent.cli import run
from agent.station.enrolment.by_mail import ByMail, use_mail
from agent.system.config.load import load
from agent.system.credentials import Credentials
from agent.system.paths import Profile
from agent.wire.invite import new_secret, write_code, write_file
from tests.wire.test_invite import CARD

MAIL = '[link.mail]\naddress = "a@b.example"\nimap = "b.example:993"\nsmtp = "b.example:465"\n'


@pytest.fixture
def profile(tmp_path: Path) -> Profile:
    made = Profile.at(tmp_path / "desk")
    made.create()
    return made


def links(profile: Profile) -> tuple[bool, bool]:
    """Whether the links to the broker and over the mailbox are on."""
    link = load(profile).config.link
    return link.mqtt.enabled, link.mail.enabled


def test_a_station_that_joined_by_mail_alone_uses_nothing_else(profile: Profile) -> None:
    profile.config_file.write_text(MAIL)
    (told,) = use_mail(profile, alone=True)
    assert links(profile) == (False, True)
    assert "nmr config set link.mqtt.enabled true" in told


def test_a_station_whose_hub_was_away_tries_the_network_again(profile: Profile) -> None:
    profile.config_file.write_text(MAIL + "enabled = true\n")
    before = profile.config_file.read_text()
    (told,) = use_mail(profile, alone=False)
    assert links(profile) == (True, True)
    assert profile.config_file.read_text() == before
    assert "until it can" in told


def test_what_policy_fixed_stays_and_is_told(profile: Profile) -> None:
    profile.config_file.write_text(MAIL)
    profile.machine_folder.mkdir(parents=True, exist_ok=True)
    (profile.machine_folder / "policy.toml").write_text("[link.mqtt]\nenabled = true\n")
    assert links(profile)[0]
    told = use_mail(profile, alone=True)
    assert links(profile) == (True, True)
    assert any("link.mqtt.enabled = false" in line for line in told)


def nmr(profile: Profile, *words: str) -> int:
    return run(["--profile", str(profile.folder), "enrol", *words])


def test_by_mail_it_needs_a_file_and_a_mailbox(profile: Profile, capsys: pytest.CaptureFixture[str]) -> None:
    secret = new_secret(bytes(13))
    file = profile.config_folder / "invite.json"
    assert nmr(profile, write_code(secret), "--by-mail") == 2
    assert "invite file" in capsys.readouterr().err
    file.write_text(json.dumps(write_file(secret, CARD)))
    assert nmr(profile, str(file), "--by-mail") == 2
    assert "nmr mail login --hub" in capsys.readouterr().err
    made: dict[str, Any] = write_file(secret, CARD)
    made["card"]["mail"] = "hub@b.example"
    file.write_text(json.dumps(made))
    assert nmr(profile, str(file), "--by-mail") == 78
    assert "nmr mail login" in capsys.readouterr().err
    made["card"]["renews"] = "anna"
    file.write_text(json.dumps(made))
    profile.config_file.write_text(MAIL)
    assert nmr(profile, str(file), "--by-mail") == 77
    assert "only for the station “anna”" in capsys.readouterr().err


def test_the_command_says_what_happens_beside_its_result(
    profile: Profile, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def joined(_: Profile, __: str, *, mail: ByMail, only_mail: bool, **___: object) -> Credentials:
        assert only_mail
        mail.joined = True
        mail._tell("asking")
        names = ("sign_key", "receive_key", "url", "password", "client_id", "ca_pem", "genesis")
        nothing: dict[str, Any] = dict.fromkeys(names, "")
        return Credentials(site="s1", station="anna", person="anna", brokers=(), **nothing)

    profile.config_file.write_text(MAIL)
    monkeypatch.setattr("agent.station.enrolment.enrol.enrol", joined)
    assert nmr(profile, "anything", "--by-mail", "--json") == 0
    said = capsys.readouterr()
    assert json.loads(said.out) == {"site": "s1", "station": "anna", "person": "anna"}
    assert "nmr: asking" in said.err
    assert "link.mqtt is off" in said.err
