"""One sender per mailbox and computer: whoever transmits holds a lock, the others wait for their turn."""

import hashlib
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from agent.links.mail.settings import MailSettings
from agent.system.lock import ProfileLock

LOOK_AGAIN_S = 0.02
"""No system tells when a file's lock is free; this is only for as long as somebody else transmits."""

_log = logging.getLogger(__name__)


class NoTurn(Exception):
    """Another agent has been transmitting for too long."""


class Turn:
    """The lock of one mailbox at one server, the same for all agents of this computer."""

    def __init__(self, settings: MailSettings) -> None:
        named = hashlib.sha256(f"{settings.login}\n{settings.smtp[0]}".lower().encode()).hexdigest()[:16]
        self._name = f"nmr-mail-{named}.lock"
        self._patience = settings.pace.turn

    @cached_property
    def file(self) -> Path:
        """The file to be locked."""
        from tempfile import gettempdir

        return Path(gettempdir(), self._name)

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold the lock inside; raises NoTurn after waiting for it in vain."""
        lock = ProfileLock(self.file)
        try:
            self._wait(lock)
        except OSError as error:  # it belongs to another account of this computer, which the system keeps us from
            _log.warning("mail: sending without the lock of this mailbox: %s", error.strerror)
        with lock:
            yield

    def _wait(self, lock: ProfileLock) -> None:
        end = time.monotonic() + self._patience
        if self.file.is_symlink():
            raise OSError(0, "the lock is a link, which we did not make")
        while not lock.acquire():
            if time.monotonic() > end:
                raise NoTurn("another agent on this computer does not stop sending from this mailbox")
            time.sleep(LOOK_AGAIN_S)
