"""Faults planted in the files of a station: the doctor names each, and what to do about it."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from msgspec import json, structs

from agent.domain.bundle import Bundle
from agent.station.doctor.finding import Level
from agent.system import os_keyring, psk_file
from agent.system.credentials import load_credentials, save_credentials
from agent.system.os_keyring import Fault, KeyringRefused
from agent.system.paths import Profile
from agent.system.psk_file import load_bundle, save_bundle
from agent.system.wrapping_key import load_key, make_key
from tests.station.doctor.scene import GOOD, LivingHub, examined, said, spoil, with_store

pytestmark = pytest.mark.servers
PSK, SECRETS, WRAP = "psk.bin", "secrets.bin", "wrap.key"


def bundle_of(station: Profile) -> Bundle:
    return load_bundle(station.secrets_folder, "s1", "anna")


def test_a_station_that_is_well_has_nothing_to_complain_about(station: Profile) -> None:
    with_store(station)
    names = ("configuration", "settings", "enrolment", "key", "agent", "link", "proof", "quiet", "disk", "database")
    found = examined(station, *names, status=GOOD)
    assert [finding.level for finding in found] == [Level.OK] * len(names)


# ---- configuration ----
def test_a_broken_configuration_is_told_with_its_line(station: Profile) -> None:
    station.config_file.write_text("[ring]\npage_sound = maybe\n")
    (found,) = examined(station, "configuration")
    assert (found.level, found.what) == (Level.WARNING, "broken")
    assert "config.toml:2: " in str(found.values["problem"])


def test_a_value_that_is_not_allowed_is_told_with_its_key(station: Profile) -> None:
    station.config_file.write_text("[ring]\nagain_seconds = 1\n")
    (found,) = examined(station, "configuration")
    assert (found.level, found.what) == (Level.WARNING, "broken")
    assert "ring.again_seconds" in str(found.values["problem"])


def test_an_unknown_key_is_told_with_the_one_that_was_meant(station: Profile) -> None:
    station.config_file.write_text("[ring]\nagain_second = 30\n")
    (found,) = examined(station, "configuration")
    assert (found.level, found.what) == (Level.WARNING, "in-vain")
    assert "again_seconds" in str(found.values["problem"])


def test_what_a_policy_fixes_and_somebody_sets_otherwise_is_told(station: Profile) -> None:
    policy = station.policy_folders[-1] / "policy.toml"
    policy.parent.mkdir(parents=True, exist_ok=True)
    policy.write_text("[ring]\npage_sound = true\n")
    station.config_file.write_text("[ring]\npage_sound = false\n")
    (found,) = examined(station, "configuration")
    assert (found.level, found.what) == (Level.WARNING, "in-vain")
    assert "ring.page_sound: has no effect, it is fixed by machine policy" in str(found.values["problem"])


def test_a_station_set_to_be_silent_or_alone_is_told(station: Profile) -> None:
    station.config_file.write_text("[ring]\npage_sound = false\n[link.mqtt]\nenabled = false\n")
    assert said(station, "settings") == [("warning", "no-sound"), ("failure", "no-link")]


# ---- enrolment and keys ----
def test_a_computer_that_is_no_station_is_told(tmp_path: Path) -> None:
    assert said(Profile.at(tmp_path), "enrolment") == [("failure", "none")]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps it in the registry")
def test_an_invite_that_it_left_is_told(tmp_path: Path) -> None:
    profile = Profile.at(tmp_path)
    profile.machine_folder.mkdir()
    left = profile.machine_folder / "deployment.toml"
    left.write_text('invite = "/srv/invites/here.json"\n')
    assert said(profile, "enrolment") == [("failure", "awaited")]
    left.write_text("invite = \n")
    assert said(profile, "enrolment") == [("failure", "deployment")]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows protects the folder by its access list")
@pytest.mark.parametrize("name", ["", SECRETS, WRAP])
def test_keys_that_others_can_read_are_told_and_left_as_they_are(station: Profile, name: str) -> None:
    spoiled = station.secrets_folder / name
    mode = 0o755 if spoiled.is_dir() else 0o644
    spoiled.chmod(mode)
    assert said(station, "enrolment") == [("failure", "unreadable" if name else "open")]
    assert spoiled.stat().st_mode & 0o777 == mode


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows no owners by number")
def test_a_key_file_of_somebody_else_is_told(station: Profile) -> None:
    if os.getuid() != 0:
        pytest.skip("giving a file away needs root")
    os.chown(station.secrets_folder / PSK, 65534, 65534)
    assert said(station, "key") == [("failure", "unreadable")]


@pytest.mark.parametrize("name", [SECRETS, WRAP])
def test_damaged_keys_are_told(station: Profile, name: str) -> None:
    spoil(station.secrets_folder / name)
    assert said(station, "enrolment") == [("failure", "damaged")]


def test_keys_of_another_version_are_told(station: Profile) -> None:
    spoil(station.secrets_folder / SECRETS, at=5)
    assert said(station, "enrolment") == [("failure", "version")]


@pytest.mark.parametrize(("fault", "what"), [("locked", "locked"), ("none", "no-keyring"), ("lacks", "lost")])
def test_a_keyring_that_does_not_give_the_key_is_told(
    station: Profile, monkeypatch: pytest.MonkeyPatch, fault: Fault, what: str
) -> None:
    old = load_credentials(station.secrets_folder)
    assert old is not None
    monkeypatch.setattr(os_keyring, "keep", lambda _name, _key: None)
    save_credentials(station.secrets_folder, old, make_key(station.secrets_folder, keyring=True))

    def fetch(_name: str) -> bytes:
        raise KeyringRefused(fault, "for a test")

    monkeypatch.setattr(os_keyring, "fetch", fetch)
    assert said(station, "enrolment") == [("failure", what)]
    assert said(station, "storage") == [("ok", "ok")]


def test_a_missing_psk_is_told(station: Profile) -> None:
    (station.secrets_folder / PSK).unlink()
    assert said(station, "key") == [("failure", "missing")]


def test_a_damaged_psk_is_told(station: Profile) -> None:
    spoil(station.secrets_folder / PSK)
    assert said(station, "key") == [("failure", "damaged")]


def test_the_psk_of_another_station_is_told(station: Profile, hub: LivingHub) -> None:
    other = hub.enrolled("foreign", "kitchen")
    shutil.copy(other.secrets_folder / PSK, station.secrets_folder / PSK)
    assert said(station, "key") == [("failure", "foreign")]


def test_a_psk_without_its_backup_is_told(station: Profile) -> None:
    old = bundle_of(station)
    key = load_key(station.secrets_folder)
    assert key is not None
    gen = old.gen.to_bytes(8, "big")
    content = json.encode(structs.replace(old, backup=b""))
    sealed = key.seal(content, psk_file._aad("s1", "anna", gen), gen + psk_file._who("s1", "anna"))
    (station.secrets_folder / PSK).write_bytes(sealed)
    assert said(station, "key") == [("failure", "backup-missing")]


def test_an_expired_psk_is_told(station: Profile) -> None:
    save_bundle(station.secrets_folder, "s1", "anna", structs.replace(bundle_of(station), not_after=1_000))
    assert said(station, "key") == [("warning", "expired")]


def test_weak_storage_is_told(station: Profile) -> None:
    assert said(station, "storage") == [("warning", "weak")]
