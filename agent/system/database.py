"""A database file from nothing, from an older version or from a damaged one to an open connection."""

import errno
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from agent.domain.errors import NmrError
from agent.system.damage import beside, forget_sum, put_aside, why_damaged
from agent.system.files import swap_in

_APPLICATION = 0x4E4D5200  # "NMR"; application_id = this + user_version, so a flipped bit in either shows
_BUSY_SECONDS = 5.0  # one agent per profile is the rule; a doctor or a shell may look in for a moment
_CACHE_KIB = 512
_DAMAGE = {
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_IOERR_READ,  # the disk cannot read it any more
    sqlite3.SQLITE_IOERR_SHORT_READ,
    sqlite3.SQLITE_IOERR_CORRUPTFS,
}
_FULL = {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE}  # no room for the shared index is no room either
# the statement is wrong, not the file: no such table, bad syntax
_MISTAKE = {sqlite3.SQLITE_ERROR, sqlite3.SQLITE_MISMATCH, sqlite3.SQLITE_RANGE}


class StoreError(NmrError):
    """The store cannot be opened, read or written."""

    default_code = "store"


class StoreFull(StoreError):
    """The disk is full; nothing was written, and it works again once there is room."""

    default_code = "store-full"


class StoreDamaged(StoreError):
    """The file turned out damaged while open; the next start sets it aside."""

    default_code = "store-damaged"


class StoreTooNew(StoreError):
    """The file was written by a newer version of this program."""

    default_code = "store-too-new"


class Opened(NamedTuple):
    """A connection ready to write, and where a damaged file went that was there before."""

    connection: sqlite3.Connection
    set_aside: Path | None


def open_database(path: Path, migrations: Sequence[str]) -> Opened:
    """Open the database at `path` for one writer, whole and at version `len(migrations)`.

    `migrations[n]` is a script that leads from version n to n + 1; before the first of them touches an existing file it
    is copied to NAME.before-<the newest version>, and an older copy goes. All of them count or none does, so whoever is
    cut off on the way has the file as it was. A damaged file is set aside as NAME.damaged-<n> and a new one made.
    Raises StoreTooNew, StoreFull, StoreError.
    """
    set_aside = None
    try:
        if _is_damaged(path):
            set_aside = put_aside(path)
        if not path.exists():
            _make(path, migrations)
        forget_sum(path)
        connection = connect(path)
        try:
            upgrade(connection, path, migrations)
        except BaseException:
            connection.close()
            raise
    except (sqlite3.Error, OSError) as error:
        if isinstance(told := explained(error, path), StoreError):
            raise told from error
        raise StoreError("The store cannot be opened", f"{path}: {error}.") from error
    return Opened(connection, set_aside)


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit with our settings; any thread may use it, one at a time."""
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.executescript(
        f"""PRAGMA synchronous = FULL;
            PRAGMA cache_size = -{_CACHE_KIB};
            PRAGMA temp_store = MEMORY;
            PRAGMA journal_size_limit = {4 << 20};
            PRAGMA wal_autocheckpoint = 0;""",  # the writer does it when nobody waits
    )
    return connection


def upgrade(connection: sqlite3.Connection, path: Path, migrations: Sequence[str]) -> None:
    """Bring an open database to version `len(migrations)`, in one transaction."""
    version, newest = _version(connection), len(migrations)
    if version > newest:
        raise StoreTooNew(
            "The store was written by a newer version",
            f"Install that version again, or put {path.name}.before-{version} in the place of {path}, if it is there, "
            f"and remove {path.name}.sum, {path.name}-wal and {path.name}-shm: what came since is lost then.",
        )
    if version == newest:
        return
    if version > 0:
        _keep_copy(connection, path, newest)
    steps = (f"{script}\n;{_stamp(number)}" for number, script in enumerate(migrations[version:], version + 1))
    try:
        connection.executescript("BEGIN IMMEDIATE;\n" + "\n".join(steps) + "COMMIT;")
    except sqlite3.Error as error:
        failed = version + 1
        if connection.in_transaction:
            failed = _version(connection) + 1
            connection.execute("ROLLBACK")
        if isinstance(told := explained(error, path), StoreError):
            raise told from error
        raise StoreError(f"The store could not be brought to version {failed}", f"{path}: {error}.") from error


def explained(error: Exception, path: Path) -> Exception:
    """`error` as a StoreError where the file or disk is at fault; as it is where the statement is."""
    code = _code(error)
    number = error.errno if isinstance(error, OSError) else None
    if code in _FULL or number in (errno.ENOSPC, errno.EDQUOT):
        return StoreFull("The disk is full", f"Free some space on the disk of {path}. Nothing was written.")
    if code in _DAMAGE:
        return StoreDamaged("The store is damaged", f"Start the agent again: it sets {path} aside and tells the hub.")
    if code == sqlite3.SQLITE_BUSY:
        return StoreError("The store is in use", f"Another program has {path} open. Close it and try again.")
    if isinstance(error, OSError | sqlite3.OperationalError) and code not in _MISTAKE:
        return StoreError("The store cannot be used", f"{path}: {error}. Does its folder exist, and is it yours?")
    return error


def _code(error: Exception) -> int | None:
    """SQLite's error code: the whole one where a set above names it, else its general kind; None if it has none."""
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return code if code is None or code in _DAMAGE | _FULL else code & 0xFF


def _is_damaged(path: Path) -> bool:
    try:
        if why_damaged(path):
            return True
    except OSError as error:
        if error.errno == errno.EIO:
            return True
        raise
    return path.exists() and not _is_sound(path)


def _is_sound(path: Path) -> bool:
    """Let SQLite look at the whole structure; one page out of place and the answer is no."""
    connection = connect(path)
    try:
        return connection.execute("PRAGMA quick_check(1)").fetchall() == [("ok",)] and _version(connection) >= 0
    except sqlite3.DatabaseError as error:
        if _code(error) in _DAMAGE | _MISTAKE | {None}:  # None: a text that is no text
            return False
        raise
    finally:
        connection.close()


def _version(connection: sqlite3.Connection) -> int:
    """The version of the schema; -1 where its two places disagree."""
    ((version,),) = connection.execute("PRAGMA user_version")
    ((application,),) = connection.execute("PRAGMA application_id")
    return version if application == _APPLICATION + version else -1


def _stamp(version: int) -> str:
    return f"PRAGMA user_version = {version};PRAGMA application_id = {_APPLICATION + version};"


def _make(path: Path, migrations: Sequence[str]) -> None:
    """A new database, made beside and renamed when it is whole: one that is there and empty is always damage."""
    new = beside(path, ".new")
    for part in ("", "-journal", "-wal", "-shm"):
        beside(new, part).unlink(missing_ok=True)
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # its log and index inherit the mode
    connection = connect(new)
    try:
        connection.executescript(_stamp(0))
        upgrade(connection, new, migrations)
        connection.execute("PRAGMA journal_mode = WAL")
    finally:
        connection.close()
    swap_in(new, path)


def _keep_copy(connection: sqlite3.Connection, path: Path, newest: int) -> None:
    """Copy the database as it is to NAME.before-<newest>; the copy made before an earlier upgrade goes then."""
    copy = beside(path, f".before-{newest}")
    new = beside(copy, ".new")
    new.unlink(missing_ok=True)
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    target = sqlite3.connect(new, isolation_level=None)
    try:
        connection.backup(target)
    finally:
        target.close()
    swap_in(new, copy)
    for old in path.parent.glob(f"{path.name}.before-*"):
        if old != copy:
            old.unlink(missing_ok=True)
