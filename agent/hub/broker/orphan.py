"""A broker that outlived its hub: found again by number and birth, and ended before a new one starts."""

import os
import signal
import sys
import time
from pathlib import Path

from agent.hub.broker.files import write_private

_PATIENCE = 15.0  # seconds until it is killed


def note(file: Path, pid: int) -> None:
    """Write down which process is ours; its birth tells it from a later one with the same number."""
    write_private(file, f"{pid} {birth(pid)}\n")


def end_orphan(file: Path) -> bool:
    """End the process noted in `file` if it still lives, and wait until it has; True if there was one."""
    try:
        pid, born = (int(word) for word in file.read_text().split())
    except (OSError, ValueError):
        return False
    if not born or birth(pid) != born:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + _PATIENCE
    while birth(pid) == born and time.monotonic() < deadline:
        time.sleep(0.02)  # at the hub's start, before anything else can happen
    if birth(pid) == born:
        os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))
    return True


def birth(pid: int) -> int:
    """When the process was started, in the system's own unit; 0 if there is none, or it has ended."""
    if sys.platform == "win32":
        from agent.hub.broker.birth_windows import birth
    else:
        from agent.hub.broker.birth_linux import birth
    return birth(pid)
