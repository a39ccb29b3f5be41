"""A database file comes up to date with a copy of what it was, or stays what it was."""

import os
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from agent.system.database import StoreError, StoreFull, StoreTooNew, open_database
from tests.servers.programs import until

STEPS = [
    "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL);",
    "ALTER TABLE note ADD COLUMN at INTEGER NOT NULL DEFAULT 0; CREATE INDEX note_at ON note (at)",
    "CREATE TABLE other (x) -- a comment at the end",
]


def made(path: Path, steps: list[str]) -> None:
    connection, _ = open_database(path, steps)
    connection.execute("INSERT INTO note (text) VALUES ('kept')")
    connection.close()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_new_database_is_in_the_newest_version_without_a_backup(tmp_path: Path) -> None:
    connection, set_aside = open_database(tmp_path / "s.db", STEPS)
    assert connection.execute("PRAGMA user_version").fetchall() == [(3,)]
    assert connection.execute("SELECT at FROM note UNION SELECT x FROM other").fetchall() == []
    connection.close()
    assert set_aside is None
    assert names(tmp_path) == ["s.db"]


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX matters")
def test_nobody_else_may_open_the_database_its_log_or_its_backup(tmp_path: Path) -> None:
    made(tmp_path / "s.db", STEPS[:1])
    connection, _ = open_database(tmp_path / "s.db", STEPS)
    connection.execute("INSERT INTO note (text) VALUES ('x')")
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    connection.close()
    assert modes == dict.fromkeys(["s.db", "s.db-wal", "s.db-shm", "s.db.before-3"], 0o600)


@pytest.mark.parametrize("old", [1, 2])
def test_an_older_database_is_brought_forward_and_a_copy_kept(tmp_path: Path, old: int) -> None:
    made(tmp_path / "s.db", STEPS[:old])
    connection, set_aside = open_database(tmp_path / "s.db", STEPS)
    assert connection.execute("SELECT text, at FROM note").fetchall() == [("kept", 0)]
    connection.close()
    assert set_aside is None
    backup = sqlite3.connect(tmp_path / "s.db.before-3")
    assert backup.execute("SELECT text FROM note").fetchall() == [("kept",)]
    assert backup.execute("PRAGMA user_version").fetchall() == [(old,)]
    backup.close()


def test_a_step_that_fails_leaves_the_version_before_it(tmp_path: Path) -> None:
    made(tmp_path / "s.db", STEPS[:1])
    with pytest.raises(StoreError, match="could not be brought to version 3"):
        open_database(tmp_path / "s.db", [*STEPS[:2], "CREATE TABLE half (x); CREATE TABLE note (x)"])
    connection, set_aside = open_database(tmp_path / "s.db", STEPS[:2])
    assert connection.execute("SELECT name FROM sqlite_schema WHERE name = 'half'").fetchall() == []
    assert connection.execute("SELECT text FROM note").fetchall() == [("kept",)]
    connection.close()
    assert set_aside is None


def test_one_copy_is_kept_the_newest(tmp_path: Path) -> None:
    made(tmp_path / "s.db", STEPS[:1])
    for count in (2, 3):
        connection, _ = open_database(tmp_path / "s.db", STEPS[:count])
        connection.close()
        assert names(tmp_path) == ["s.db", f"s.db.before-{count}"]


def test_a_newer_database_is_refused_with_the_name_of_the_copy_made_before(tmp_path: Path) -> None:
    made(tmp_path / "s.db", STEPS[:1])
    connection, _ = open_database(tmp_path / "s.db", STEPS)
    connection.close()
    with pytest.raises(StoreTooNew, match=r"put s\.db\.before-3 in the place of"):
        open_database(tmp_path / "s.db", STEPS[:1])
    (tmp_path / "s.db.before-3").replace(tmp_path / "s.db")
    connection, set_aside = open_database(tmp_path / "s.db", STEPS[:1])
    assert connection.execute("SELECT text FROM note").fetchall() == [("kept",)]
    connection.close()
    assert set_aside is None


COUNTING = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i FROM n) SELECT i FROM n"
ENDLESS = f"CREATE TABLE half (x); INSERT INTO half {COUNTING}"
CUT_OFF = f"""
from pathlib import Path
from agent.system.database import open_database
open_database(Path("s.db"), {[*STEPS[:2], ENDLESS]!r})
"""


def test_an_upgrade_that_is_killed_leaves_the_database_as_it_was(tmp_path: Path) -> None:
    made(tmp_path / "s.db", STEPS[:1])
    cut_off = subprocess.Popen(
        [sys.executable, "-c", CUT_OFF],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdin=subprocess.DEVNULL,
    )
    grown = tmp_path / "s.db-wal"
    try:
        until(lambda: grown.exists() and grown.stat().st_size > 1 << 20, "an upgrade half done")
    finally:
        cut_off.kill()
        cut_off.wait()
    connection, set_aside = open_database(tmp_path / "s.db", STEPS[:1])
    assert connection.execute("PRAGMA user_version").fetchall() == [(1,)]
    assert connection.execute("SELECT text FROM note").fetchall() == [("kept",)]
    connection.close()
    assert set_aside is None
    assert (tmp_path / "s.db.before-3").exists()


def test_a_making_that_was_cut_short_leaves_nothing_in_the_way(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        open_database(tmp_path / "s.db", ["CREATE TABLE a (x); CREATE TABLE a (x)"])
    assert not (tmp_path / "s.db").exists()
    (tmp_path / "s.db.new-journal").write_bytes(b"left behind")
    connection, set_aside = open_database(tmp_path / "s.db", STEPS)
    connection.close()
    assert set_aside is None
    assert names(tmp_path) == ["s.db"]


def test_a_database_of_another_program_is_set_aside_not_used(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "s.db")
    other.executescript("PRAGMA journal_mode = WAL; CREATE TABLE theirs (x); PRAGMA user_version = 1")
    other.close()
    connection, set_aside = open_database(tmp_path / "s.db", STEPS)
    assert connection.execute("SELECT count(*) FROM note").fetchall() == [(0,)]
    connection.close()
    assert set_aside == tmp_path / "s.db.damaged-1"


def test_a_full_disk_at_the_upgrade_is_told_and_does_not_condemn_the_file(tmp_path: Path) -> None:
    made(tmp_path / "s.db", STEPS[:1])
    grow = "PRAGMA max_page_count = 3; CREATE TABLE big AS SELECT zeroblob(100000) AS x;"
    with pytest.raises(StoreFull):
        open_database(tmp_path / "s.db", [STEPS[0], grow])
    connection, set_aside = open_database(tmp_path / "s.db", STEPS)
    assert connection.execute("SELECT text FROM note").fetchall() == [("kept",)]
    connection.close()
    assert set_aside is None


def test_a_database_in_use_elsewhere_is_told_not_condemned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.system.database._BUSY_SECONDS", 0.05)
    made(tmp_path / "s.db", STEPS[:1])
    other = sqlite3.connect(tmp_path / "s.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="in use"):
        open_database(tmp_path / "s.db", STEPS)
    other.execute("ROLLBACK")
    connection, set_aside = open_database(tmp_path / "s.db", STEPS)
    connection.close()
    other.close()
    assert set_aside is None
