"""Faults planted in the database of a station, in its list of members and on its disks."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.routing import rows
from agent.station.doctor.finding import Level
from agent.system.paths import Profile
from agent.system.pin import Pin, save_pin
from tests.station.doctor.scene import GOOD, changed, examined, said, spoil, with_store
from tests.walks.members import Members

pytestmark = pytest.mark.servers
PSK, SECRETS, WRAP = "psk.bin", "secrets.bin", "wrap.key"


# ---- members ----
def test_a_station_that_was_removed_is_told(station: Profile) -> None:
    file = with_store(station)
    members = Members()
    members.add("anna", "kitchen")
    members.revoke("anna")
    changed(station, genesis=members.frames[0].decode())
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
