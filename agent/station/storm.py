"""Whether one sender rings more often than a person can bear."""

from collections import deque

MINUTE_S = 60.0
MOST = 100_000


class Storm:
    """The rings of the last minute by sender."""

    def __init__(self) -> None:
        self._rings: dict[str, deque[float]] = {}

    def ring(self, sender: str, now: float) -> int:
        """Count a ring; return how many the last minute saw, this one included."""
        rings = self._rings.setdefault(sender, deque(maxlen=MOST))
        while rings and rings[0] <= now - MINUTE_S:
            rings.popleft()
        rings.append(now)
        return len(rings)
