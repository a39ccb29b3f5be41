"""One thread that writes what waits for it in groups, each group one transaction and one fsync (group commit).

    loop                         writer thread
    put(item)           ──────▶  BEGIN
    put(item)           ──────▶    SAVEPOINT work RELEASE      for what waits already: ≤ 64 items or 5 ms
                                 COMMIT                         WAL, synchronous=FULL: it is on the disk
    tell(group)         ◀──────  once per group

An idle writer commits the first item at once, and sleeps without ever waking by itself.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from time import monotonic
from typing import Any

_GROUP_ITEMS = 64
_GROUP_SECONDS = 0.005
# Changed rows after which the log is copied into the main file: when nobody waits, and when they never stop coming.
_TIDY_IDLE_ROWS = 300
_TIDY_BUSY_ROWS = 3000


@dataclass(slots=True)
class Item:
    """One work, what to call afterwards, and how it went."""

    work: Callable[[sqlite3.Connection], Any]
    done: Callable[[Any], None] | None
    failed: Callable[[Exception], None] | None
    result: Any = None
    error: Exception | None = None


class Writer:
    """Runs every item's work inside a savepoint of its group's transaction and calls `tell` after the commit.

    When a whole group fails (disk full, commit refused), its works run once more, each in a transaction of its own,
    so that one bad work never takes its neighbours with it.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        commit: Callable[[sqlite3.Connection], None],
        tell: Callable[[list[Item]], None],
    ) -> None:
        self._connection = connection
        self._commit = commit
        self._tell = tell
        self._queue: SimpleQueue[Item | None] = SimpleQueue()
        self._tidied_at = connection.total_changes
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def put(self, item: Item) -> None:
        """Write it soon, after all that was put before."""
        self._queue.put(item)

    def finish(self) -> None:
        """Write all that was put, then end the thread; nothing may be put any more."""
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        while first := self._queue.get():
            self._tell(self._write(self._waiting(first)))
            self._tidy()

    def _waiting(self, first: Item) -> Iterator[Item]:
        """`first` and what else waits already, as far as a group may grow."""
        until = monotonic() + _GROUP_SECONDS
        yield first
        for _ in range(_GROUP_ITEMS - 1):
            try:
                item = self._queue.get_nowait()
            except Empty:
                return
            if item is None:
                self._queue.put(None)  # the end, for _run to see
                return
            yield item
            if monotonic() > until:
                return

    def _write(self, items: Iterable[Item]) -> list[Item]:
        group: list[Item] = []
        try:
            for item in items:
                group.append(item)
                self._do(item)
            self._commit(self._connection)
        except Exception as error:  # noqa: BLE001 - whatever it is, it belongs to those who wait for this group
            self._undo()
            if len(group) > 1:
                return [alone for item in group for alone in self._write([item])]
            group[0].error = error
        return group

    def _do(self, item: Item) -> None:
        connection = self._connection
        if not connection.in_transaction:
            connection.execute("BEGIN IMMEDIATE")
        connection.execute("SAVEPOINT work")
        try:
            item.result, item.error = item.work(connection), None
        except Exception as error:
            if not connection.in_transaction:
                raise  # SQLite gave up the whole group
            connection.execute("ROLLBACK TO work")
            item.error = error
        connection.execute("RELEASE work")

    def _undo(self) -> None:
        if self._connection.in_transaction:
            with suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")

    def _tidy(self) -> None:
        """Copy the log into the main file, after the group was told of its commit and not while others wait."""
        changes = self._connection.total_changes
        if changes - self._tidied_at >= (_TIDY_IDLE_ROWS if self._queue.empty() else _TIDY_BUSY_ROWS):
            self._tidied_at = changes
            with suppress(sqlite3.Error):  # no room for it now: the log keeps everything, the next time will do
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
