"""What the store adds to SQLite's own durable commit, and how many small rows it takes in groups."""

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from agent.system.store import Store
from tests.bench.report import Options, Report

SCHEMA = "CREATE TABLE inbox (id TEXT PRIMARY KEY, frame BLOB NOT NULL) STRICT, WITHOUT ROWID"
PAIRS = 400
BURST = 20_000
BUSY = 3_000


def insert(number: int) -> Callable[[sqlite3.Connection], int]:
    """A work that stores one arrival; ids grow with time, as ours do."""
    id_, frame = f"{number:032x}", b"x" * 400

    def work(connection: sqlite3.Connection) -> int:
        return connection.execute("INSERT OR IGNORE INTO inbox VALUES (?, ?)", (id_, frame)).rowcount

    return work


def bare_store(path: Path) -> sqlite3.Connection:
    """The floor: plain SQLite with the same durability, in the same thread."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(f"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; {SCHEMA}")
    return connection


async def pairs(store: Store, bare: sqlite3.Connection, pause: float) -> tuple[list[float], list[float]]:
    """Milliseconds of single commits, bare and from submit to done, taking turns so that the disk treats both alike."""
    floor, ours = [], []
    for number in range(PAIRS):
        began = perf_counter()
        bare.execute("BEGIN IMMEDIATE")
        insert(number)(bare)
        bare.execute("COMMIT")
        floor.append(1000 * (perf_counter() - began))
        await asyncio.sleep(pause)

        told = asyncio.get_running_loop().create_future()
        began = perf_counter()
        store.submit(insert(number), lambda _, told=told: told.set_result(perf_counter()))  # type: ignore[misc]
        ours.append(1000 * (await told - began))
        await asyncio.sleep(pause)
    return floor, ours


async def burst(store: Store, first: int, count: int, in_flight: int, busy: float) -> float:
    """Rows per second with so many in flight, while the loop itself works `busy` seconds on each."""
    room = asyncio.Semaphore(in_flight)
    began = perf_counter()
    for number in range(first, first + count):
        await room.acquire()
        busy_until = perf_counter() + busy
        while perf_counter() < busy_until:
            pass
        store.submit(insert(number), lambda _: room.release())
    for _ in range(in_flight):
        await room.acquire()
    return count / (perf_counter() - began)


async def measure(folder: Path, options: Options, report: Report) -> None:
    """Fill the report."""
    hops, rates, loaded = [], [], []
    for turn in range(options.rounds):
        store, bare = Store.open(folder / f"{turn}.db", [SCHEMA]), bare_store(folder / f"{turn}-bare.db")
        floor, ours = await pairs(store, bare, 0.002)
        hops.append(sorted(ours)[PAIRS // 2] - sorted(floor)[PAIRS // 2])
        rates.append(await burst(store, PAIRS, BURST, BURST, 0))
        loaded.append(await burst(store, PAIRS + BURST, BUSY, 20, 200e-6))
        bare.close()
        store.close()
    report.figure("bare commit", floor, "ms")
    report.figure("submit to done", ours, "ms")
    hop = report.figure("added at p50", hops, "ms")
    rate = report.figure("burst", rates, "rows/s")
    report.figure("20 in flight, loop works 0.2 ms a row", loaded, "rows/s")
    report.at_most("added at p50", hop.median, 0.15, "ms")
    report.at_least("burst", rate.median, 20_000, "rows/s")


def run(options: Options) -> Report:
    """Measure on the disk of this computer's temporary folder."""
    report = Report("store")
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder), options, report))
    report.note(
        f"rows of 400 bytes, WAL, synchronous=FULL, SQLite {sqlite3.sqlite_version}, on {tempfile.gettempdir()}"
    )
    return report
