"""One agent per profile: a lock on a file, which the system lets go when the process ends, however it ends."""

import contextlib
import os
import sys
from pathlib import Path
from typing import Self

_FAR_AWAY = 1 << 30  # Windows keeps others from reading what is locked, so the locked byte is not one of the number's


class ProfileLock:
    """The lock of one profile; the file holds the owner's process id and stays when nobody holds it."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._opened: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._opened is not None

    def acquire(self) -> bool:
        """Take the lock, without waiting; False if another process (or object) has it."""
        if self.held:
            return True
        opened = os.open(self.file, os.O_RDWR | os.O_CREAT, 0o600)
        if not _lock(opened):
            os.close(opened)
            return False
        os.truncate(opened, 0)
        os.write(opened, f"{os.getpid()}\n".encode())
        self._opened = opened
        return True

    def release(self) -> None:
        """Let others have it; the file stays, because removing it could give two processes a lock each."""
        if self._opened is not None:
            os.truncate(self._opened, 0)
            os.close(self._opened)
            self._opened = None

    def owner(self) -> int | None:
        """The process id in the file: who holds the lock, if anybody does."""
        with contextlib.suppress(OSError, ValueError):
            return int(self.file.read_text(encoding="ascii"))
        return None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _lock(opened: int) -> bool:
    """Lock the open file for this process; False if somebody else has."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(opened, _FAR_AWAY, os.SEEK_SET)
            msvcrt.locking(opened, msvcrt.LK_NBLCK, 1)
            os.lseek(opened, 0, os.SEEK_SET)
        else:
            import fcntl

            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
