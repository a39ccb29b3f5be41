"""Ends the process at a named point when a test asks for it: the proof that no step may be the last one."""

# NMR_KILL_AT=name:n     the n-th time the point `name` is reached, the process ends as if by SIGKILL.

import os

EXIT_CODE = 137
"""What a shell says of a process that was killed."""

_wanted, _, _times = os.environ.get("NMR_KILL_AT", "").rpartition(":")
_left = int(_times) if _times.isdigit() else 1


def point(name: str) -> None:
    """Go on, unless this point is the wanted one and was reached as often as wanted."""
    global _left
    if name != _wanted:
        return
    _left -= 1
    if _left == 0:
        os._exit(EXIT_CODE)


def end_at(name: str, times: int = 1) -> None:
    """Want another point than the environment said; for processes that were forked."""
    global _wanted, _left
    _wanted, _left = name, times
