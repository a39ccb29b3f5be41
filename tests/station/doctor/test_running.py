"""Faults of a running agent, or of one that does not run, and the answer at the end of a report."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent import __version__
from agent.cli import run
from agent.routing import rows
from agent.station.doctor.checks import CHECKS, examine
from agent.station.doctor.finding import Findings, Level
from agent.station.doctor.report import as_text, as_wire, summary, worst
from agent.station.doctor.sight import take_sight
from agent.system.lock import ProfileLock
from agent.system.paths import Profile
from agent.system.store import Store
from agent.ui.texts.doctor import doctor_texts
from tests.station.doctor.scene import GOOD, examined, said

pytestmark = pytest.mark.servers
ALL = tuple(check.__name__ for check in CHECKS)
PSK, SECRETS, WRAP = "psk.bin", "secrets.bin", "wrap.key"


def dead_pid() -> int:
    """The number of a process that has ended."""
    done = subprocess.Popen([sys.executable, "-c", ""], stdin=subprocess.DEVNULL)
    done.wait()
    return done.pid


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


# ---- the whole ----
def state_of(folder: Path) -> dict[str, tuple[int, int, int, bytes]]:
    """Everything below a folder: mode, size, time of the last change and content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        stat = path.lstat()
        found[str(path)] = (stat.st_mode, stat.st_size, stat.st_mtime_ns, path.read_bytes() if path.is_file() else b"")
    return found


def test_nothing_is_changed_by_looking_not_even_what_a_killed_agent_left(station: Profile) -> None:
    store = Store.open(station.data_file, rows.MIGRATIONS)
    try:
        (station.secrets_folder / "psk.bin.123.new").write_bytes(b"half a key")
        station.lock_file.write_text(f"{dead_pid()}\n")
        assert station.data_file.with_name(f"{station.data_file.name}-wal").exists(), "as after a crash"
        assert station.folder is not None
        before = state_of(station.folder)
        found = {finding.check: finding for finding in examined(station, *ALL, sound=False)}
        assert state_of(station.folder) == before
    finally:
        store.close()
    assert (found["database"].what, found["key"].what, found["agent"].what) == ("ok", "ok", "stale")
    assert set(found) == set(ALL)


def test_the_report_is_in_the_language_of_the_station(station: Profile, capsys: pytest.CaptureFixture[str]) -> None:
    station.config_file.write_text('[ui]\nlanguage = "de"\n')
    assert run([*station.arguments(), "doctor", "--no-sound"]) == 2
    lines = capsys.readouterr().out.splitlines()
    assert "FAILURE  Agent              Der Agent läuft nicht" in lines
    assert lines[-1].startswith("Es klingelt nicht, oder niemand hört es: Agent")


def test_a_check_that_fails_or_hangs_costs_no_other(station: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.station.doctor.checks.PATIENCE_S", 0.1)

    async def broken(_: object) -> list[object]:
        raise ValueError("a mistake")

    async def hanging(_: object) -> list[object]:
        await asyncio.Event().wait()
        return []

    async def look() -> list[str]:
        found = await examine(await take_sight(station), (broken, CHECKS[0], hanging))  # type: ignore[arg-type]  # on purpose
        return [f"{finding.what} {finding.values.get('name', '')}".strip() for finding in found]

    assert asyncio.run(look()) == ["mistake broken", "ok", "mistake hanging"]


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
