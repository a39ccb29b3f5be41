"""Files a broker reads: written whole or not at all, and private."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.hub.broker.base import BrokerFailed


@contextmanager
def disk() -> Iterator[None]:
    """A full disk or a missing right is the broker's failure too: OSError becomes BrokerFailed."""
    try:
        yield
    except OSError as error:
        raise BrokerFailed("The broker's files cannot be written", str(error)) from error


def write_private(path: Path, content: bytes | str) -> None:
    """Replace `path` atomically; nobody but the owner can read it, not even while it is being written."""
    data = content.encode() if isinstance(content, str) else content
    new = path.with_name(path.name + ".new")
    new.unlink(missing_ok=True)
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def tail(path: Path, size: int = 800, since: int = 0) -> str:
    """The last `size` bytes of a log, none before byte `since`; empty if there is no log."""
    try:
        with path.open("rb") as file:
            file.seek(max(since, path.stat().st_size - size))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
