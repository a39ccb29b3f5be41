"""What waits is written in groups, and what goes wrong in one work stays its own."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.system import writer
from agent.system.store import Store, StoreError, StoreFull, commit

SCHEMA = "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"
Work = Callable[[sqlite3.Connection], int]


def add(number: int, text: str | None = "x") -> Work:
    def work(connection: sqlite3.Connection) -> int:
        connection.execute("INSERT INTO note VALUES (?, ?)", (number, text))
        return number

    return work


class Gate:
    """Lets tests hold the writer in a commit, and counts commits and their sizes."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()
        self.refusals = 0
        self.sizes: list[int] = []
        self._changes = 0

    def __call__(self, connection: sqlite3.Connection) -> None:
        assert self.open.wait(30)
        if self.refusals:
            self.refusals -= 1
            raise sqlite3.OperationalError("disk I/O error")
        commit(connection)
        self.sizes.append(connection.total_changes - self._changes)
        self._changes = connection.total_changes


@contextmanager
def opened(path: Path, gate: Callable[[sqlite3.Connection], None] = commit) -> Iterator[Store]:
    store = Store(path, [SCHEMA], commit=gate)
    try:
        yield store
    finally:
        store.close()


def ids(store: Store) -> list[int]:
    return [number for (number,) in store.read("SELECT id FROM note ORDER BY id")]


async def outcomes(store: Store, works: list[Work]) -> list[int | Exception]:
    """Submit all at once; the results and errors in the order in which they were told."""
    told: list[int | Exception] = []
    all_told = asyncio.get_running_loop().create_future()

    def tell(what: int | Exception) -> None:
        told.append(what)
        if len(told) == len(works):
            all_told.set_result(None)

    for work in works:
        store.submit(work, tell, tell)
    await all_told
    return told


def test_sixty_four_that_wait_are_one_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_GROUP_SECONDS", 60)  # however busy this computer is

    async def run() -> None:
        gate = Gate()
        with opened(tmp_path / "s.db", gate) as store:
            gate.open.clear()
            first = asyncio.create_task(store.write(add(0)))
            while store._writer._queue.qsize() or not store._connection.in_transaction:
                await asyncio.sleep(0)
            rest = asyncio.create_task(outcomes(store, [add(n) for n in range(1, 201)]))
            await asyncio.sleep(0)
            gate.open.set()
            assert await first == 0
            assert await rest == list(range(1, 201))
        assert gate.sizes[0] <= 64
        assert sum(gate.sizes) == 201
        assert len(gate.sizes) <= 5

    asyncio.run(run())


def test_sqlite_itself_sees_one_commit_for_a_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "_GROUP_SECONDS", 60)

    async def run() -> None:
        statements: list[str] = []
        with opened(tmp_path / "s.db") as store:
            store._connection.set_trace_callback(statements.append)
            await outcomes(store, [add(n) for n in range(500)])
        assert 500 / 64 <= statements.count("COMMIT") < 100

    asyncio.run(run())


def test_a_lone_write_does_not_wait_for_company(tmp_path: Path) -> None:
    async def run() -> None:
        gate = Gate()
        with opened(tmp_path / "s.db", gate) as store:
            for n in range(20):
                assert await asyncio.wait_for(store.write(add(n)), 5) == n
        assert gate.sizes == [1] * 20

    asyncio.run(run())


def test_slow_works_do_not_gather_into_a_long_transaction(tmp_path: Path) -> None:
    async def run() -> None:
        gate, never = Gate(), threading.Event()

        def slow(number: int) -> Work:
            def work(connection: sqlite3.Connection) -> int:
                never.wait(0.004)
                return add(number)(connection)

            return work

        with opened(tmp_path / "s.db", gate) as store:
            await outcomes(store, [slow(n) for n in range(12)])
        assert max(gate.sizes) <= 2

    asyncio.run(run())


def test_results_come_in_order_of_submission_and_in_the_loop(tmp_path: Path) -> None:
    async def run() -> None:
        threads = set()
        with opened(tmp_path / "s.db") as store:
            store.submit(add(1000), lambda _: threads.add(threading.current_thread()))
            assert await outcomes(store, [add(n) for n in range(300)]) == list(range(300))
        assert threads == {threading.current_thread()}

    asyncio.run(run())


def test_a_group_is_told_with_one_call_into_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        calls: list[object] = []
        loop = asyncio.get_running_loop()
        call_soon = loop.call_soon_threadsafe

        def counted(*given: object, **named: object) -> object:
            calls.append(given)
            return call_soon(*given, **named)  # type: ignore[arg-type]

        monkeypatch.setattr(loop, "call_soon_threadsafe", counted)
        gate = Gate()
        with opened(tmp_path / "s.db", gate) as store:
            await outcomes(store, [add(n) for n in range(300)])
        assert len(calls) == len(gate.sizes)

    asyncio.run(run())


@pytest.mark.parametrize("bad", [0, 7, 19])
def test_a_failing_work_fails_alone(tmp_path: Path, bad: int) -> None:
    async def run() -> None:
        def half(connection: sqlite3.Connection) -> int:
            add(900)(connection)
            return add(901, None)(connection)  # NOT NULL

        gate = Gate()
        with opened(tmp_path / "s.db", gate) as store:
            works = [add(n) for n in range(20)]
            works[bad] = half
            told = await outcomes(store, works)
            assert isinstance(told[bad], sqlite3.IntegrityError)
            good = [n for n in range(20) if n != bad]
            assert [what for what in told if isinstance(what, int)] == good
            assert ids(store) == good

    asyncio.run(run())


def test_a_work_that_breaks_the_whole_transaction_fails_alone(tmp_path: Path) -> None:
    async def run() -> None:
        def breaks(connection: sqlite3.Connection) -> int:
            connection.execute("ROLLBACK")  # as SQLite itself does when a statement finds the disk full
            raise sqlite3.OperationalError("database or disk is full")

        with opened(tmp_path / "s.db") as store:
            told = await outcomes(store, [add(1), add(2), breaks, add(4), add(5)])
            assert isinstance(told.pop(2), StoreError)
            assert told == [1, 2, 4, 5]
            assert ids(store) == [1, 2, 4, 5]

    asyncio.run(run())


def test_a_refused_commit_writes_nothing_of_it_and_the_next_one_works(tmp_path: Path) -> None:
    async def run() -> None:
        gate = Gate()
        with opened(tmp_path / "s.db", gate) as store:
            gate.refusals = 1
            with pytest.raises(StoreError) as told:
                await store.write(add(1))
            assert told.value.title == "The store cannot be used"
            assert ids(store) == []
            assert await store.write(add(1)) == 1
            assert ids(store) == [1]

    asyncio.run(run())


def test_a_group_whose_commit_is_refused_once_is_written_item_by_item(tmp_path: Path) -> None:
    async def run() -> None:
        gate = Gate()
        with opened(tmp_path / "s.db", gate) as store:
            gate.open.clear()
            first = asyncio.create_task(outcomes(store, [add(n) for n in range(10)]))
            await asyncio.sleep(0)
            gate.refusals = 1
            gate.open.set()
            assert await first == list(range(10))
            assert ids(store) == list(range(10))

    asyncio.run(run())


def test_a_full_disk_is_called_by_its_name(tmp_path: Path) -> None:
    async def run() -> None:
        with opened(tmp_path / "s.db") as store:
            store._connection.execute("PRAGMA max_page_count = 20")
            with pytest.raises(StoreFull, match="Free some space"):
                await store.write(add(1, "x" * 200_000))
            assert await store.write(add(2)) == 2
            assert ids(store) == [2]

    asyncio.run(run())


def test_a_big_work_that_fills_the_disk_does_not_take_its_neighbours_along(tmp_path: Path) -> None:
    async def run() -> None:
        with opened(tmp_path / "s.db") as store:
            store._connection.execute("PRAGMA max_page_count = 20")
            told = await outcomes(store, [add(1), add(2, "x" * 200_000), add(3)])
            assert isinstance(told[1], StoreFull)
            assert ids(store) == [1, 3]

    asyncio.run(run())


def test_an_error_in_a_callback_does_not_hide_the_commits_of_others(tmp_path: Path) -> None:
    async def run() -> None:
        heard: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))

        def stumble(_: int) -> None:
            raise RuntimeError("not the store's fault")

        with opened(tmp_path / "s.db") as store:
            store.submit(add(1), stumble)
            assert await outcomes(store, [add(n) for n in (2, 3)]) == [2, 3]
        assert len(heard) == 1
        assert isinstance(heard[0]["exception"], RuntimeError)

    asyncio.run(run())


def test_a_failure_nobody_asked_about_is_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        with opened(tmp_path / "s.db") as store:
            store.submit(add(1, None))
            await store.write(add(2))

    asyncio.run(run())
    assert "NOT NULL" in caplog.text


def test_the_log_goes_into_the_main_file_when_nobody_waits(tmp_path: Path) -> None:
    async def run() -> None:
        path = tmp_path / "s.db"
        with opened(path) as store:
            empty = path.stat().st_size
            await outcomes(store, [add(n, "y" * 500) for n in range(400)])
            async with asyncio.timeout(10):  # the copying may have to find a moment in which nobody waits
                while path.stat().st_size <= empty + 400 * 500:
                    await asyncio.sleep(0.01)

            await outcomes(store, [add(n, "z" * 500) for n in range(2000, 12000)])
            assert path.with_name("s.db-wal").stat().st_size < 16 << 20

    asyncio.run(run())


def test_an_idle_store_never_wakes(tmp_path: Path) -> None:
    async def run() -> None:
        with opened(tmp_path / "s.db") as store:
            await store.write(add(1))
            before = -1
            while before != (before := voluntary_switches(store)):  # until it has gone to sleep after the write
                await asyncio.sleep(0.1)
            await asyncio.sleep(1)
            assert voluntary_switches(store) == before

    asyncio.run(run())


def voluntary_switches(store: Store) -> int:
    """How often the writer's thread went to sleep so far."""
    status = Path(f"/proc/self/task/{store._writer._thread.native_id}/status")
    if not status.exists():
        pytest.skip("only Linux counts the switches of a thread")
    (line,) = (line for line in status.read_text().splitlines() if line.startswith("voluntary_ctxt_switches"))
    return int(line.split()[1])
