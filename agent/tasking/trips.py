"""How long a message and its answer take by mail, from what was seen; mail is slow in a different way at each site."""

from collections import deque
from math import ceil

SAMPLES = 32
UNKNOWN_S = 60.0
"""The 95th percentile as long as nothing was seen."""


class Trips:
    """The last round trips by mail, seconds."""

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=SAMPLES)

    def saw(self, seconds: float) -> None:
        """Take one in."""
        self._seen.append(max(0.0, seconds))

    @property
    def p95(self) -> float:
        """The time within which 19 of 20 came."""
        if not self._seen:
            return UNKNOWN_S
        return sorted(self._seen)[ceil(0.95 * len(self._seen)) - 1]
