"""Who gets no mail until when: after a server's "later" for a growing while, after its "never" until that changes."""

import math

FIRST_S, LONGEST_S = 15.0, 900.0
"""The first pause; the next is twice as long, up to the longest."""
CHANCE = 0.25
"""How much longer than that a pause may be, so that not all stations of a site come back at one moment."""
ALL = ""
"""The name under which a fault counts that concerns everybody: the connection, or our own login."""


class Backing:
    """The pauses of all recipients; `now` is monotonic, seconds, `chance` lies between 0 and 1."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._pauses: dict[str, float] = {}
        self._never: dict[str, str] = {}

    def later(self, station: str, now: float, chance: float) -> float:
        """Begin the next pause of a station, or of ALL; return its seconds."""
        if now < self._until.get(station, -math.inf):
            return self._until[station] - now  # several mails failed together: that is one failure
        pause = self._pauses[station] = min(LONGEST_S, 2 * self._pauses.get(station, FIRST_S / 2))
        pause = min(LONGEST_S, pause * (1 + CHANCE * chance))
        self._until[station] = now + pause
        return pause

    def never(self, station: str, address: str) -> None:
        """Send nothing more to this station while it has this address."""
        self._never[station] = address

    def sent(self, station: str) -> None:
        """A server took a mail for this station: the next pause is the shortest again."""
        for name in (station, ALL):
            self._until.pop(name, None)
            self._pauses.pop(name, None)

    def is_open(self, station: str, address: str, now: float) -> bool:
        """Whether a mail to this station at this address may be tried."""
        waiting = any(now < self._until.get(name, -math.inf) for name in (station, ALL))
        return not waiting and self._never.get(station) != address

    def next_opening(self, now: float) -> float | None:
        """When the next pause ends, of those that have not; None if there is none."""
        return min((until for until in self._until.values() if until > now), default=None)
