"""Whether one sender rings more often than a person can bear."""

from collections import deque

MINUTE_S = 60.0


class Storm:
    """The rings of the last minute by sender."""

    def __init__(self) -> None:
        self._rings: dict[str, deque[float]] = {}

    def too_many(self, sender: str, now: float, most: int) -> bool:
        """Count a ring; True when it is beyond `most` in the last minute."""
        rings = self._rings.setdefault(sender, deque(maxlen=1000))
        while rings and rings[0] <= now - MINUTE_S:
            rings.popleft()
        rings.append(now)
        return len(rings) > most

    def count(self, sender: str) -> int:
        """How many rings of this sender the last minute saw."""
        return len(self._rings.get(sender, ()))
