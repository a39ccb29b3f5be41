"""Files that are whole or not there: atomic replacement, and folders and files nobody else can touch."""

import os
import stat
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from agent.domain.errors import NmrError

_PAUSES = (0.01, 0.02, 0.05, 0.1)  # seconds; a virus scanner may hold the old file for a moment (Windows)


class NotWritten(NmrError):
    """A file could not be written; the old one, if there was one, is untouched."""

    default_code = "not-written"


class NotRead(NmrError):
    """A file is there and cannot be read."""

    default_code = "not-read"


class NotPrivate(NmrError):
    """A folder or file that must be ours alone is a link, somebody else's, or open to others."""

    default_code = "not-private"


def write_atomically(path: Path, data: bytes, mode: int = 0o600, *, written: Callable[[], None] = lambda: None) -> None:
    """Replace `path` by `data`; after a crash at any moment the old or the new content is there, never a mixture.

    On return the new content has reached the disk. `mode` is what it says, whatever the umask (no effect on Windows).
    `written` is called when the new content is safe beside the old, before it takes its place. Raises NotWritten.
    """
    new = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        new.unlink(missing_ok=True)
        _write_synced(new, data, mode)
        written()
        swap_in(new, path)
    except OSError as error:
        _forget(new)
        raise NotWritten(
            f"{path.name} could not be written", f"{path}: {error.strerror}. Put that right and try again."
        ) from error


def clean_leftovers(folder: Path, name: str = "") -> None:
    """Remove what crashes left in `folder`, of all files or of one; only where no other process writes that now."""
    for leftover in folder.glob(f"{name}.*.new" if name else "*.new"):
        _forget(leftover)


def private_folder(path: Path) -> Path:
    """Make `path` a folder only this account can enter (0700), with its parents; returns `path`.

    An own folder that is too open is closed to others; a link or somebody else's folder raises NotPrivate.
    On Windows the profile's own access list protects the folder; only links are refused.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.lstat()
    except FileExistsError as error:  # a file, or a link that leads nowhere
        raise NotPrivate(f"{path} is not a folder", "Move it away and start again.") from error
    except OSError as error:
        raise NotWritten(f"The folder {path} could not be made", f"{error.strerror}.") from error
    _refuse_link(path, found)
    if sys.platform != "win32":
        _refuse_owner(path, found)
        if found.st_mode & 0o077:
            path.chmod(0o700)
    return path


def read_private(path: Path, limit: int = 1 << 20) -> bytes | None:
    """The content of an own file that others cannot touch, or None where there is no such file.

    Raises NotPrivate for a link, somebody else's file or one others may open; NotRead for anything longer than
    `limit` bytes or unreadable.
    """
    # O_NONBLOCK: opening a pipe that somebody put there must not wait for a writer
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        _refuse_link(path, path.lstat())
        with open(os.open(path, flags), "rb") as file:  # noqa: PTH123 - Path.open cannot refuse links
            _refuse_stranger(path, os.fstat(file.fileno()))
            data = file.read(limit + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotRead(f"{path.name} could not be read", f"{path}: {error.strerror}.") from error
    if len(data) > limit:
        raise NotRead(f"{path.name} could not be read", f"{path} is longer than {limit} bytes.")
    return data


def swap_in(new: Path, path: Path) -> None:
    """Rename `new` to `path` in the same folder, whatever was there; the name has reached the disk. Raises OSError."""
    for pause in _PAUSES:
        try:
            new.replace(path)
            break
        except PermissionError:
            threading.Event().wait(pause)
    else:
        new.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Return when the names in `folder` have reached the disk; raises OSError."""
    # Windows keeps names safe by itself and cannot open folders.
    if sys.platform != "win32":
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _write_synced(new: Path, data: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    with open(os.open(new, flags, mode), "wb") as file:  # noqa: PTH123 - Path.open cannot set the mode from the start
        if sys.platform != "win32":
            os.fchmod(file.fileno(), mode)
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _forget(leftover: Path) -> None:
    try:
        leftover.unlink(missing_ok=True)
    except OSError:
        return  # a directory of that name, or not ours: no harm in leaving it


def _refuse_link(path: Path, found: os.stat_result) -> None:
    # A junction is Windows' other link to a folder; it shows as a mount point, not as a symbolic link.
    junction = getattr(found, "st_reparse_tag", 0) == getattr(stat, "IO_REPARSE_TAG_MOUNT_POINT", -1)
    if stat.S_ISLNK(found.st_mode) or junction:
        raise NotPrivate(f"{path} is a link", "It must be a real file or folder of your own. Remove the link.")


def _refuse_stranger(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise NotPrivate(f"{path} is not a file", "Move it away and start again.")
    if sys.platform != "win32":
        _refuse_owner(path, found)
        if found.st_mode & 0o077:
            raise NotPrivate(f"{path} is open to others", f"Somebody may have read it. Then run: chmod 600 {path}")


def _refuse_owner(path: Path, found: os.stat_result) -> None:
    if sys.platform != "win32" and found.st_uid != os.geteuid():
        raise NotPrivate(f"{path} belongs to somebody else", "Run as its owner, or give it back with chown.")
