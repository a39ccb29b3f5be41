"""How fast each station may speak: who is faster is not refused, but read more slowly."""

from dataclasses import dataclass, field

_MOST_DEBT_S = 5.0
"""Nobody is made to wait longer, however often it came back to say one thing more."""


@dataclass(slots=True)
class Paces:
    """By station: how many more messages it may send at once, `rate` a second coming in, at most `burst`.

    They outlive a socket, so that a new one is no way around them.
    """

    rate: float
    burst: float
    _levels: dict[str, tuple[float, float]] = field(default_factory=dict)

    def spend(self, station: str, now: float) -> float:
        """Count one message at monotonic time `now`; return for how many seconds none more shall be read."""
        level, since = self._levels.get(station, (self.burst, now))
        level = min(self.burst, level + (now - since) * self.rate) - 1
        level = max(level, -_MOST_DEBT_S * self.rate)
        self._levels[station] = (level, now)
        return max(0.0, -level / self.rate)

    def forget_idle(self, now: float) -> None:
        """Drop those who may send a whole burst: a new one may too."""
        for station, (level, since) in list(self._levels.items()):
            if level + (now - since) * self.rate >= self.burst:
                del self._levels[station]
