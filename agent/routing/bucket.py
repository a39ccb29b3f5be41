"""How much one peer may send us: a token bucket for each, so that a flood costs its sender and nobody else."""

from dataclasses import dataclass, field

MOST_PEERS = 4096
"""With more of them than any site has, those that are full are dropped: a broker can invent names."""


@dataclass(slots=True)
class Buckets:
    """Token buckets by (link, peer); `rate` tokens a second, at most `burst`."""

    rate: float
    burst: float
    _levels: dict[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def take(self, link: str, peer: str, now: float) -> bool:
        """Use one token at monotonic time `now`; False when there is none."""
        if len(self._levels) >= MOST_PEERS and (link, peer) not in self._levels:
            self._make_room(now)
        level, since = self._levels.get((link, peer), (self.burst, now))
        level = min(self.burst, level + (now - since) * self.rate)
        if level < 1.0:
            self._levels[link, peer] = (level, now)
            return False
        self._levels[link, peer] = (level - 1.0, now)
        return True

    def forget_idle(self, now: float) -> None:
        """Drop full buckets: they are what a new one would be."""
        idle = [k for k, (level, since) in self._levels.items() if level + (now - since) * self.rate >= self.burst]
        for key in idle:
            del self._levels[key]

    def _make_room(self, now: float) -> None:
        """Drop the full ones, or else the half that was used longest ago."""
        self.forget_idle(now)
        if len(self._levels) >= MOST_PEERS:
            for key in sorted(self._levels, key=lambda key: self._levels[key][1])[: MOST_PEERS // 2]:
                del self._levels[key]
