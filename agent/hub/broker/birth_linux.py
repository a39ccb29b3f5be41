"""When a process was started, as Linux tells it in /proc."""

from pathlib import Path

_STATE, _START = 0, 19  # words of /proc/<pid>/stat after the name in brackets


def birth(pid: int) -> int:
    """Clock ticks from boot to the start of the process; 0 if there is none, or it is only waiting to be reaped."""
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    except OSError:
        return 0
    return 0 if words[_STATE] == "Z" else int(words[_START])
