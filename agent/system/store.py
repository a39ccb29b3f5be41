"""The station's SQLite store: what `done` says is on the disk, whatever happens next."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Self, TypeVar

from agent.domain.errors import NmrError
from agent.system.damage import keep_sum
from agent.system.database import StoreDamaged, StoreError, StoreFull, StoreTooNew, connect, explained, open_database
from agent.system.writer import Item, Writer

__all__ = ["Store", "StoreDamaged", "StoreError", "StoreFull", "StoreTooNew", "commit"]

T = TypeVar("T")

_log = logging.getLogger(__name__)


def commit(connection: sqlite3.Connection) -> None:
    """End a group's transaction; on return it has reached the disk."""
    connection.execute("COMMIT")


class Store:
    """One SQLite file for one event loop.

    A work gets the writing connection inside a transaction and a savepoint. It runs statements and returns what
    `done` is to get; it neither commits nor touches what belongs to the loop, and it must be re-runnable, because a
    group that failed as a whole is tried again item by item.
    """

    def __init__(
        self,
        path: Path,
        migrations: Sequence[str],
        *,
        commit: Callable[[sqlite3.Connection], None] = commit,
    ) -> None:
        self._path = path
        self._connection, self.set_aside = open_database(path, migrations)
        self._reader = connect(path)
        self._reader.execute("PRAGMA query_only = ON")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False
        self._damaged = False
        self._writer = Writer(self._connection, commit, self._tell)

    @classmethod
    def open(cls, path: Path, migrations: Sequence[str]) -> Self:
        """Open or make the store at `path` in version `len(migrations)`, as `open_database` says.

        `set_aside` then says where a damaged file went that was there before: tell the user and ask the hub.
        Raises StoreTooNew, StoreFull, StoreError.
        """
        return cls(path, migrations)

    def submit(
        self,
        work: Callable[[sqlite3.Connection], T],
        done: Callable[[T], None] | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Write soon; call it in the loop. After the commit `done(result)` is called there, in order of submission.

        `failed` gets what the work raised, or a StoreError where file or disk are at fault; nothing was written then.
        Raises StoreError after `close`.
        """
        self._refuse_if_closed()
        self._loop = asyncio.get_running_loop()
        self._writer.put(Item(work, done, failed))

    async def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Write and wait for the commit; raises what `failed` would get. Cancelling ends the waiting, not the write."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def done(result: T) -> None:
            if not future.done():
                future.set_result(result)

        def failed(error: Exception) -> None:
            if not future.done():
                future.set_exception(error)

        self.submit(work, done, failed)
        return await future

    def read(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a query, at once, as they are committed. Raises StoreError where file or disk are at fault."""
        self._refuse_if_closed()
        try:
            return self._reader.execute(sql, parameters).fetchall()
        except sqlite3.Error as error:
            if (told := self._explained(error)) is error:
                raise
            raise told from error

    def close(self) -> None:
        """Commit all that was submitted, then close; its callbacks still come, in the loop."""
        if self._closed:
            return
        self._closed = True
        self._writer.finish()
        self._reader.close()
        self._connection.close()
        if not self._damaged:
            with suppress(OSError, NmrError):  # without the sum the next start only looks less closely
                keep_sum(self._path)

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise StoreError("The store is closed", "The agent is ending. Start it again.")

    def _tell(self, group: list[Item]) -> None:
        """Called in the writer's thread after a commit: one hop to the loop for the whole group."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: nobody there to be told
                self._loop.call_soon_threadsafe(self._call_back, self._loop, group)

    def _call_back(self, loop: asyncio.AbstractEventLoop, group: list[Item]) -> None:
        for item in group:
            try:
                if item.error is not None:
                    self._fail(item, self._explained(item.error))
                elif item.done is not None:
                    item.done(item.result)
            except Exception as error:  # noqa: BLE001 - its neighbours must hear of their commits
                loop.call_exception_handler({"message": "after a write", "exception": error})

    def _fail(self, item: Item, error: Exception) -> None:
        if item.failed is None:
            _log.error("a write failed and nobody asked to know: %r", error)
        else:
            item.failed(error)

    def _explained(self, error: Exception) -> Exception:
        told = explained(error, self._path)
        self._damaged = self._damaged or isinstance(told, StoreDamaged)
        return told
