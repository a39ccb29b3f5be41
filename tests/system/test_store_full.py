"""A full disk is told in words, costs nothing that was acknowledged, and is over as soon as there is room."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from agent.system.files import NotWritten, write_atomically
from agent.system.store import Store, StoreError, StoreFull

SCHEMA = "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one MiB."""
    if sys.platform != "linux" or os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root on Linux")
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"nothing can be mounted here: {mounted.stderr.decode()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)


def add(number: int, size: int = 2000) -> Callable[[sqlite3.Connection], int]:
    def work(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO note VALUES (?, ?)", (number, "x" * size))
        return number

    return work


def ids(store: Store) -> list[int]:
    return [number for (number,) in store.read("SELECT id FROM note ORDER BY id")]


def fill(disk: Path) -> Path:
    """Take all the room that is left, in one file to be removed again."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(b"x" * 1024)
    return ballast


async def write_all(store: Store, numbers: range) -> tuple[list[int], list[Exception]]:
    """Submit them all at once; which were acknowledged, and the other ones' errors."""
    done: list[int] = []
    failed: list[Exception] = []
    settled = asyncio.Event()

    def tell(what: int | Exception) -> None:
        if isinstance(what, Exception):
            failed.append(what)
        else:
            done.append(what)
        if len(done) + len(failed) == len(numbers):
            settled.set()

    for number in numbers:
        store.submit(add(number), tell, tell)
    await settled.wait()
    return done, failed


def test_rows_are_acknowledged_or_refused_and_room_ends_the_trouble(disk: Path) -> None:
    async def run() -> list[int]:
        store = Store.open(disk / "s.db", [SCHEMA])
        await store.write(add(0))
        ballast = fill(disk)
        done, failed = await write_all(store, range(1, 600))
        assert {type(error) for error in failed} == {StoreFull}
        assert str(disk) in str(failed[0])
        assert ids(store) == [0, *done]
        ballast.unlink()
        later, failed = await write_all(store, range(1000, 1050))
        assert (later, failed) == (list(range(1000, 1050)), [])
        store.close()
        return [0, *done, *later]

    acknowledged = asyncio.run(run())
    store = Store.open(disk / "s.db", [SCHEMA])
    assert (store.set_aside, ids(store)) == (None, acknowledged)
    assert store.read("PRAGMA integrity_check") == [("ok",)]
    store.close()


def test_a_disk_that_fills_up_by_our_own_rows_keeps_all_that_was_acknowledged(disk: Path) -> None:
    async def run() -> list[int]:
        store = Store.open(disk / "s.db", [SCHEMA])
        done, failed = await write_all(store, range(3000))
        assert done
        assert failed
        assert ids(store) == done
        store.close()
        return done

    acknowledged = asyncio.run(run())
    store = Store.open(disk / "s.db", [SCHEMA])
    assert (store.set_aside, ids(store)) == (None, acknowledged)
    store.close()


def test_a_full_disk_at_the_start_condemns_no_store(disk: Path) -> None:
    async def run() -> None:
        store = Store.open(disk / "s.db", [SCHEMA])
        await write_all(store, range(20))
        store.close()

    asyncio.run(run())
    ballast = fill(disk)
    with pytest.raises(StoreFull, match="The disk is full"):
        Store.open(disk / "s.db", [SCHEMA])
    with pytest.raises(StoreFull, match="The disk is full"):
        Store.open(disk / "new.db", [SCHEMA])
    ballast.unlink()
    store = Store.open(disk / "s.db", [SCHEMA])
    assert (store.set_aside, ids(store)) == (None, list(range(20)))
    store.close()


def test_a_file_that_finds_no_room_leaves_the_old_one(disk: Path) -> None:
    write_atomically(disk / "key", b"old")
    fill(disk)
    with pytest.raises(NotWritten, match="No space left"):
        write_atomically(disk / "key", b"n" * 100_000)
    assert (disk / "key").read_bytes() == b"old"
    assert sorted(path.name for path in disk.iterdir()) == ["ballast", "key"]


def test_a_disk_that_may_only_be_read_is_told_and_condemns_no_store(disk: Path) -> None:
    def remount(mode: str) -> None:
        subprocess.run(["mount", "-o", f"remount,{mode}", str(disk)], check=True, capture_output=True)

    Store.open(disk / "s.db", [SCHEMA]).close()
    remount("ro")
    with pytest.raises(StoreError, match="The store cannot be used"):
        Store.open(disk / "s.db", [SCHEMA])
    remount("rw")
    store = Store.open(disk / "s.db", [SCHEMA])
    assert store.set_aside is None
    store.close()
