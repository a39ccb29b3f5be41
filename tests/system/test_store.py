"""The store as its users see it: open, write, read, close, and clear words when it cannot."""

import asyncio
import sqlite3
import threading
from pathlib import Path

import pytest

from agent.system.store import Store, StoreError, StoreTooNew

SCHEMA = "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"


def add(connection: sqlite3.Connection) -> int:
    row = connection.execute("INSERT INTO note (text) VALUES ('x')").lastrowid
    assert row is not None
    return row


def test_what_was_written_is_there_after_closing_and_opening(tmp_path: Path) -> None:
    async def fill() -> None:
        store = Store.open(tmp_path / "s.db", [SCHEMA])
        assert store.set_aside is None
        assert [await store.write(add) for _ in range(3)] == [1, 2, 3]
        store.close()

    asyncio.run(fill())
    store = Store.open(tmp_path / "s.db", [SCHEMA])
    assert store.read("SELECT id, text FROM note") == [(1, "x"), (2, "x"), (3, "x")]
    assert store.set_aside is None
    store.close()


def test_a_read_sees_what_is_committed_and_nothing_else(tmp_path: Path) -> None:
    async def run() -> None:
        written, go_on = threading.Event(), threading.Event()

        def slow(connection: sqlite3.Connection) -> int:
            row = add(connection)
            written.set()
            assert go_on.wait(30)
            return row

        store = Store.open(tmp_path / "s.db", [SCHEMA])
        waiting = asyncio.create_task(store.write(slow))
        await asyncio.to_thread(written.wait)
        assert store.read("SELECT count(*) FROM note") == [(0,)]
        go_on.set()
        await waiting
        assert store.read("SELECT count(*) FROM note") == [(1,)]
        store.close()

    asyncio.run(run())


def test_a_row_can_be_read_when_its_done_is_called(tmp_path: Path) -> None:
    async def run() -> None:
        store = Store.open(tmp_path / "s.db", [SCHEMA])
        seen: list[list[tuple[object, ...]]] = []
        for _ in range(50):
            store.submit(add, lambda row: seen.append(store.read("SELECT id FROM note WHERE id = ?", (row,))))
        await store.write(add)
        assert seen == [[(n,)] for n in range(1, 51)]
        store.close()

    asyncio.run(run())


def test_reading_cannot_write(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db", [SCHEMA])
    with pytest.raises(StoreError):
        store.read("INSERT INTO note (text) VALUES ('x')")
    store.close()


def test_a_wrong_query_stays_a_programmers_mistake(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db", [SCHEMA])
    with pytest.raises(sqlite3.OperationalError, match="no such table"):
        store.read("SELECT * FROM missing")
    store.close()


def test_closing_commits_what_was_submitted_and_its_callbacks_still_come(tmp_path: Path) -> None:
    async def run() -> list[int]:
        told: list[int] = []
        store = Store.open(tmp_path / "s.db", [SCHEMA])
        for _ in range(500):
            store.submit(add, told.append)
        store.close()
        store.close()
        with pytest.raises(StoreError, match="closed"):
            store.submit(add)
        with pytest.raises(StoreError, match="closed"):
            store.read("SELECT 1")
        await asyncio.sleep(0)
        return told

    assert asyncio.run(run()) == list(range(1, 501))
    store = Store.open(tmp_path / "s.db", [SCHEMA])
    assert store.read("SELECT count(*) FROM note") == [(500,)]
    store.close()


def test_a_loop_that_ended_does_not_stop_the_writing(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db", [SCHEMA])

    async def submit() -> None:
        for _ in range(200):
            store.submit(add, lambda _: None)

    asyncio.run(submit())
    asyncio.run(submit())
    store.close()
    store = Store.open(tmp_path / "s.db", [SCHEMA])
    assert store.read("SELECT count(*) FROM note") == [(400,)]
    store.close()


def test_cancelling_a_write_stops_the_waiting_only(tmp_path: Path) -> None:
    async def run() -> None:
        store = Store.open(tmp_path / "s.db", [SCHEMA])
        waiting = asyncio.create_task(store.write(add))
        await asyncio.sleep(0)
        waiting.cancel()
        assert await store.write(add) == 2
        store.close()

    asyncio.run(run())


def test_two_stores_on_one_file_wait_for_each_other_and_lose_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        one = Store.open(tmp_path / "s.db", [SCHEMA])
        other = Store.open(tmp_path / "s.db", [SCHEMA])
        rows = await asyncio.gather(*[store.write(add) for _ in range(200) for store in (one, other)])
        assert sorted(rows) == list(range(1, 401))
        other.close()
        assert one.read("SELECT count(*) FROM note") == [(400,)]
        assert await one.write(add) == 401
        one.close()
        again = Store.open(tmp_path / "s.db", [SCHEMA])
        assert (again.set_aside, again.read("PRAGMA integrity_check")) == (None, [("ok",)])
        again.close()

    asyncio.run(run())


def test_a_store_of_a_newer_version_is_refused_and_untouched(tmp_path: Path) -> None:
    Store.open(tmp_path / "s.db", [SCHEMA, "CREATE TABLE later (x)"]).close()
    before = (tmp_path / "s.db").read_bytes()
    with pytest.raises(StoreTooNew, match="newer version"):
        Store.open(tmp_path / "s.db", [SCHEMA])
    assert (tmp_path / "s.db").read_bytes() == before


def test_following_the_words_of_too_new_gives_the_older_store_back(tmp_path: Path) -> None:
    path, newer = tmp_path / "s.db", [SCHEMA, "CREATE TABLE later (x)"]

    async def write_and_upgrade() -> None:
        store = Store.open(path, [SCHEMA])
        await store.write(add)
        store.close()

    asyncio.run(write_and_upgrade())
    Store.open(path, newer).close()
    with pytest.raises(StoreTooNew) as told:
        Store.open(path, [SCHEMA])
    assert "put s.db.before-2 in the place of" in told.value.message
    assert "remove s.db.sum, s.db-wal and s.db-shm" in told.value.message
    (tmp_path / "s.db.before-2").replace(path)
    for part in (".sum", "-wal", "-shm"):
        path.with_name(f"s.db{part}").unlink(missing_ok=True)
    store = Store.open(path, [SCHEMA])
    assert (store.set_aside, store.read("SELECT id FROM note")) == (None, [(1,)])
    store.close()


@pytest.mark.parametrize("place", ["missing/s.db", "file/s.db"])
def test_a_place_where_no_store_can_be_is_told_in_words(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError) as told:
        Store.open(tmp_path / place, [SCHEMA])
    assert told.value.title
    assert str(tmp_path) in told.value.message


def test_every_commit_is_brought_to_the_disk(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "s.db", [SCHEMA])
    assert store._connection.execute("PRAGMA synchronous").fetchall() == [(2,)]
    assert store._connection.execute("PRAGMA journal_mode").fetchall() == [("wal",)]
    store.close()
