"""Ends the process at a named point when a test asks for it: the proof that no step may be the last one."""

# NMR_KILL_AT=name:n     the n-th time the point `name` is reached, the process ends as if by SIGKILL.

import os
from collections import Counter

EXIT_CODE = 137
"""What a shell says of a process that was killed."""

_reached: Counter[str] = Counter()


def point(name: str) -> None:
    """Go on, unless NMR_KILL_AT names this point and how often it was reached."""
    wanted = os.environ.get("NMR_KILL_AT")
    if not wanted:
        return
    _reached[name] += 1
    if wanted == f"{name}:{_reached[name]}":
        os._exit(EXIT_CODE)
