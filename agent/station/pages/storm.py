"""Whether one sender rings more often than a person can bear, and the one line that then stands for all its pages."""

from collections import deque

from agent.domain.effects import Tell

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


def summary(sender: str, person: str, count: int) -> Tell:
    """Return the line: `person` at the station `sender` paged `count` times."""
    return Tell("notice.page-storm", {"sender": person, "count": str(count)}, key=f"storm {sender}")
