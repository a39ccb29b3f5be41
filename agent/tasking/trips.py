"""How long a message and its answer take by mail, from what was seen; mail is slow in a different way at each site."""

from collections import deque
from math import ceil

SAMPLES, ENOUGH = 32, 8
UNKNOWN_S = 60.0
"""The 95th percentile is taken for no less as long as fewer than ENOUGH were seen."""
MOST_S = 4 * 3600.0
"""No trip counts for longer: whoever answers on Monday was away, and no mail was on its way since Friday."""
MOST_OPEN = 256
"""So many offers by mail may still be answered, late or not."""


class Trips:
    """The last round trips by mail, seconds."""

    def __init__(self) -> None:
        self._seen: deque[float] = deque(maxlen=SAMPLES)
        self._begun: dict[tuple[str, int], float] = {}

    def begin(self, task: str, n: int, mono: float) -> None:
        """Something was sent that will be answered."""
        self._begun[task, n] = mono
        if len(self._begun) > MOST_OPEN:
            del self._begun[next(iter(self._begun))]

    def answered(self, task: str, n: int, mono: float) -> None:
        """The answer has come, be it too late: only so is it known how long to wait."""
        begun = self._begun.pop((task, n), None)
        if begun is not None:
            self.saw(mono - begun)

    def saw(self, seconds: float) -> None:
        """Take one in."""
        self._seen.append(min(MOST_S, max(0.0, seconds)))

    def at_least(self, seconds: float) -> None:
        """Something took so long, perhaps longer than we would wait: what came quickly says nothing of answers."""
        if seconds > self.p95:
            self.saw(seconds)

    @property
    def p95(self) -> float:
        """The time within which 19 of 20 came."""
        least = UNKNOWN_S if len(self._seen) < ENOUGH else 0.0
        return max([least, *sorted(self._seen)[: ceil(0.95 * len(self._seen))]])
