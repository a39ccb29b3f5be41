"""A process that writes rows one after the other and says which are safe, to be killed in the middle of it.

`python -m tests.system.store_child PATH MODE BURST` prints the number of each row, one a line, when `done` says so.
MODE `sound` is the store as it is; `hasty` is the weakened one, which says so before it has written anything.
BURST rows are submitted together, then awaited.
"""

import asyncio
import os
import sqlite3
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

from agent.system.store import Store

SCHEMA = "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT"
T = TypeVar("T")


class Hasty(Store):
    """Reports first and writes later: what must never be."""

    def submit(
        self,
        work: Callable[[sqlite3.Connection], T],
        done: Callable[[T], None] | None = None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Say it is done with a result nobody has yet, then write."""
        if done is not None:
            asyncio.get_running_loop().call_soon(cast("Callable[[None], None]", done), None)
        super().submit(work, None, failed)


def add(number: int) -> Callable[[sqlite3.Connection], None]:
    """A work that inserts one row."""

    def work(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO note VALUES (?, ?)", (number, "x" * 300))

    return work


def say(number: int, _: object) -> None:
    """One acknowledgement, at once and in one piece."""
    try:
        os.write(1, b"%d\n" % number)
    except BrokenPipeError:
        os._exit(0)  # nobody listens any more


async def write_forever(store: Store, burst: int) -> None:
    """Until somebody ends it."""
    ((last,),) = store.read("SELECT coalesce(max(id), 0) FROM note")
    while True:
        settled = asyncio.get_running_loop().create_future()
        for number in range(last + 1, last + burst + 1):
            store.submit(add(number), partial(say, number))
        store.submit(lambda _: None, settled.set_result)
        await settled
        last += burst


if __name__ == "__main__":
    kind = {"sound": Store, "hasty": Hasty}[sys.argv[2]]
    asyncio.run(write_forever(kind(Path(sys.argv[1]), [SCHEMA]), int(sys.argv[3])))
