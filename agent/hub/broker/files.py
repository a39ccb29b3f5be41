"""Files a broker reads: written whole or not at all, and private."""

import os
from pathlib import Path


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


def tail(path: Path, size: int = 600) -> str:
    """The last lines of a log, at most `size` bytes; empty if there is none."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - size))
            return file.read().decode(errors="replace").strip()
    except OSError:
        return ""
