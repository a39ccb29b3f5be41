"""A whole database as bytes: copied while somebody writes to it, checked, and laid down as a file again."""

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from agent.system.damage import beside, forget_sum
from agent.system.database import StoreDamaged, StoreError, explained
from agent.system.files import write_atomically

_READABLE = b"\x01\x01"
"""What stands at 18 in the header of a file without a write-ahead log; SQLite opens no other one in memory."""
_VERSIONS_AT = 18


def copy_database(path: Path) -> bytes:
    """Return the database at `path` as it is committed at this moment, whoever has it open; raises StoreError."""
    try:
        with closing(_read_only(path)) as source, closing(sqlite3.connect(":memory:")) as target:
            source.backup(target)
            return target.serialize()
    except (sqlite3.Error, OSError) as error:
        if isinstance(told := explained(error, path), StoreError):
            raise told from error
        raise StoreError("The database cannot be copied", f"{path}: {error}") from error


def read_image(image: bytes, sql: str, parameters: Sequence[object] = ()) -> list[tuple[object, ...]]:
    """Return the rows of a query on a copy; raises StoreDamaged for one that is not sound."""
    try:
        with closing(sqlite3.connect(":memory:")) as database:
            database.deserialize(image[:_VERSIONS_AT] + _READABLE + image[_VERSIONS_AT + 2 :])
            if database.execute("PRAGMA quick_check(1)").fetchall() != [("ok",)]:
                raise StoreDamaged("The copy of the database is damaged", "Take another one")
            return database.execute(sql, parameters).fetchall()
    except sqlite3.Error as error:
        raise StoreDamaged("The copy of the database is damaged", f"{error}. Take another one") from error


def lay_down(image: bytes, path: Path) -> None:
    """Write a copy to `path`, where no database is; raises NotWritten, OSError, sqlite3.Error."""
    for part in ("-wal", "-shm"):
        beside(path, part).unlink(missing_ok=True)
    forget_sum(path)
    write_atomically(path, image)
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True)
