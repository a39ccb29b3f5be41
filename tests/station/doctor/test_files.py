"""Faults planted in the files of a station: the doctor names each, and what to do about it."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent import __version__
from agent.domain.bundle import Bundle
from agent.routing import rows
from agent.station.doctor.checks import CHECKS, examine
from agent.station.doctor.finding import Findings, Level
from agent.station.doctor.report import as_text, as_wire, summary, worst
from agent.station.doctor.sight import take_sight
from agent.system.lock import ProfileLock
from agent.system.paths import Profile
from agent.system.pin import Pin, save_pin
from agent.system.psk_file import load_bundle, save_bundle
from agent.system.store import Store
from agent.ui.texts.doctor import doctor_texts
from tests.station.doctor.scene import GOOD, LivingHub, examined, said

pytestmark = pytest.mark.servers
PSK, SECRETS, WRAP = "psk.bin", "secrets.bin", "wrap.key"


def spoil(file: Path, at: int = -1) -> None:
    """Turn one byte over."""
    content = bytearray(file.read_bytes())
    content[at] ^= 0xFF
    file.write_bytes(content)


def dead_pid() -> int:
    """The number of a process that has ended."""
    done = subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.DEVNULL)
    done.wait()
    return done.pid


def bundle_of(station: Profile) -> Bundle:
    return load_bundle(station.secrets_folder, "s1", "anna")


def with_store(station: Profile) -> Path:
    """Give the station the database its agent would make."""
    Store.open(station.data_file, rows.MIGRATIONS).close()
    return station.data_file


def test_a_station_that_is_well_has_nothing_to_complain_about(station: Profile) -> None:
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
    from msgspec import json, structs

    from agent.system import psk_file
    from agent.system.wrapping_key import load_key

    key = load_key(station.secrets_folder)
    assert key is not None
    gen = old.gen.to_bytes(8, "big")
    content = json.encode(structs.replace(old, backup=b""))
    sealed = key.seal(content, psk_file._aad("s1", "anna", gen), gen + psk_file._who("s1", "anna"))
    (station.secrets_folder / PSK).write_bytes(sealed)
    assert said(station, "key") == [("failure", "backup-missing")]


def test_an_expired_psk_is_told(station: Profile) -> None:
    from msgspec import structs

    save_bundle(station.secrets_folder, "s1", "anna", structs.replace(bundle_of(station), not_after=1_000))
    assert said(station, "key") == [("warning", "expired")]


def test_weak_storage_is_told(station: Profile) -> None:
    assert said(station, "storage") == [("warning", "weak")]


# ---- the agent ----
def test_an_agent_that_does_not_run_is_told(station: Profile) -> None:
    assert said(station, "agent") == [("failure", "not-running")]


def test_a_lock_left_by_an_agent_that_was_killed_is_told(station: Profile) -> None:
    station.lock_file.write_text(f"{dead_pid()}\n")
    assert said(station, "agent") == [("failure", "stale")]


def test_an_agent_that_hangs_is_told_with_its_number(station: Profile) -> None:
    with ProfileLock(station.lock_file) as lock:
        assert lock.acquire()
        (found,) = examined(station, "agent")
    assert (found.what, found.values["pid"]) == ("hangs", os.getpid())


def test_an_agent_of_an_older_version_is_told(station: Profile) -> None:
    (found,) = examined(station, "agent", status={**GOOD, "version": "0.0.1"})
    assert (found.level, found.what) == (Level.WARNING, "other-version")
    assert (found.values["running"], found.values["here"]) == ("0.0.1", __version__)


@pytest.mark.parametrize(
    ("change", "level", "what"),
    [
        ({"state": "down", "detail": "no broker runs there"}, "failure", "down"),
        ({"state": "refused", "detail": "the password"}, "failure", "refused"),
        ({"rtt_ms": 2400.0}, "warning", "slow"),
        ({"name": "p2p", "state": "down", "detail": "no signaling"}, "warning", "down-besides"),
    ],
)
def test_a_link_that_is_not_well_is_told(station: Profile, change: dict[str, object], level: str, what: str) -> None:
    assert said(station, "link", status={**GOOD, "links": [{**GOOD["links"][0], **change}]}) == [(level, what)]


@pytest.mark.parametrize(
    ("state", "heard", "level", "what"),
    [
        ("failed", "up", "failure", "failed"),
        ("unproven", "up", "failure", "unproven"),
        ("amber", "up", "warning", "silent"),
        ("proven", "silent", "warning", "silent"),
    ],
)
def test_a_hub_that_is_silent_or_unproven_is_told(
    station: Profile, state: str, heard: str, level: str, what: str
) -> None:
    status = {**GOOD, "proof": {**GOOD["proof"], "state": state}, "hub": {**GOOD["hub"], "state": heard}}
    assert said(station, "proof", status=status) == [(level, what)]


def test_do_not_disturb_and_notices_of_the_agent_are_told(station: Profile) -> None:
    status = {**GOOD, "dnd_until_ms": 1_790_000_000_000, "notices": ["Configuration Not Changed"]}
    assert said(station, "quiet", status=status) == [("warning", "on"), ("warning", "notice")]


# ---- members ----
def test_a_station_that_was_removed_is_told(hub: LivingHub, station: Profile) -> None:
    file = with_store(station)
    from tests.walks.members import Members

    members = Members()
    members.add("anna", "kitchen")
    members.revoke("anna")
    from agent.system.credentials import load_credentials, save_credentials
    from agent.system.wrapping_key import load_key

    key = load_key(station.secrets_folder)
    old = load_credentials(station.secrets_folder, key)
    assert key is not None
    assert old is not None
    from msgspec import structs

    save_credentials(station.secrets_folder, structs.replace(old, genesis=members.frames[0].decode()), key)
    with sqlite3.connect(file) as db:
        for number, frame in enumerate(members.frames[1:], 2):
            rows.keep(db, "ledger", f"{number:012d}", frame)
    db.close()
    assert said(station, "member") == [("failure", "revoked")]


def test_a_station_that_has_no_list_yet_is_told(station: Profile) -> None:
    assert said(station, "member") == [("warning", "unknown")]


def test_a_damaged_list_of_members_is_told(station: Profile) -> None:
    with sqlite3.connect(with_store(station)) as db:
        rows.keep(db, "ledger", f"{2:012d}", b"not an entry")
    db.close()
    (found,) = examined(station, "member")
    assert (found.level, found.what, found.values["entry"]) == (Level.FAILURE, "ledger-damaged", 2)


def test_a_damaged_pin_is_told(station: Profile) -> None:
    save_pin(station.secrets_folder, Pin(3, b"x" * 32))
    spoil(station.secrets_folder / "ledger.pin", at=-3)
    assert said(station, "member") == [("failure", "pin-damaged")]


def test_a_list_that_was_put_back_is_told(station: Profile) -> None:
    save_pin(station.secrets_folder, Pin(30, b"x" * 32))
    assert said(station, "member") == [("warning", "behind")]


# ---- disk and database ----
@pytest.fixture
def small_disk(station: Profile) -> Iterator[Path]:
    """A real disk of 2 MiB under the station's data."""
    if sys.platform != "linux" or os.getuid() != 0:
        pytest.skip("mounting a small disk needs root on Linux")
    place = station.log_folder
    place.mkdir(exist_ok=True)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.decode()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_is_told(station: Profile, small_disk: Path) -> None:
    (small_disk / "full").write_bytes(bytes((1 << 20) + 4096))
    (found,) = examined(station, "disk")
    assert (found.level, found.what, found.values["folder"]) == (Level.FAILURE, "full", str(small_disk))


def test_a_disk_that_became_read_only_is_told(station: Profile, small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    assert said(station, "disk") == [("failure", "read-only")]


@pytest.mark.parametrize(("free_mib", "level", "what"), [(3, "failure", "full"), (100, "warning", "low")])
def test_a_disk_that_fills_up_is_told(
    station: Profile, monkeypatch: pytest.MonkeyPatch, free_mib: int, level: str, what: str
) -> None:
    usage = shutil.disk_usage(station.data_folder)._replace(free=free_mib << 20)
    monkeypatch.setattr("agent.station.doctor.disk.shutil.disk_usage", lambda _: usage)
    assert set(said(station, "disk")) == {(level, what)}


@pytest.mark.parametrize("running", [False, True])
def test_a_damaged_database_is_told_and_left_where_it_is(station: Profile, *, running: bool) -> None:
    file = with_store(station)
    content = bytearray(file.read_bytes())
    content[4096:] = b"\x55" * (len(content) - 4096)
    file.write_bytes(content)
    status = GOOD if running else None
    assert said(station, "database", status=status) == [("failure", "damaged")]
    assert file.read_bytes() == bytes(content)


def test_a_database_of_a_newer_version_is_told(station: Profile) -> None:
    file = with_store(station)
    with sqlite3.connect(file) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    file.with_name(f"{file.name}.sum").unlink()
    (found,) = examined(station, "database")
    assert (found.level, found.what, found.values["version"]) == (Level.FAILURE, "too-new", 99)


def test_a_database_that_was_set_aside_is_told(station: Profile) -> None:
    with_store(station)
    station.data_file.with_name(f"{station.data_file.name}.damaged-1").write_bytes(b"old")
    assert said(station, "database") == [("warning", "set-aside"), ("ok", "ok")]


# ---- the whole ----
def test_a_check_that_fails_itself_costs_no_other(station: Profile) -> None:
    import asyncio

    async def broken(_: object) -> list[object]:
        raise ValueError("a mistake")

    async def look() -> list[str]:
        found = await examine(await take_sight(station), (broken, CHECKS[0]))  # type: ignore[arg-type]  # on purpose
        return [finding.what for finding in found]

    assert asyncio.run(look()) == ["mistake", "ok"]


def test_the_summary_answers_whether_it_will_ring() -> None:
    well, bad = Findings("mail").off(), Findings("agent").failure("not-running")
    so_so = Findings("storage").warning("weak")
    english, german = doctor_texts("en"), doctor_texts("de")
    assert summary([well], english) == "It will ring."
    assert summary([well, so_so], english) == "It will ring, but: storage of keys."
    assert summary([so_so, bad, well], german) == "Es klingelt nicht, oder niemand hört es: Agent."
    assert (worst([well]), worst([so_so, well]), worst([so_so, bad])) == ("ok", "warning", "failure")
    assert as_text([bad], english).splitlines()[:2] == [
        "FAILURE  agent              The agent is not running",
        "                            → Start it: nmr run",
    ]
    report = as_wire([bad, well], english)
    assert (report["rings"], report["level"]) == (False, "failure")
    assert report["findings"][0] == {
        "check": "agent",
        "level": "failure",
        "what": "not-running",
        "title": "The agent is not running",
        "cure": "Start it: nmr run",
        "values": {},
    }
