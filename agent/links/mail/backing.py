"""Who gets no mail until when: after a server's "later" for a growing while, after its "never" for hours."""

import math

FIRST_S, LONGEST_S = 15.0, 900.0
"""The first pause; the next is twice as long, up to the longest."""
NEVER_S = 6 * 3600.0
"""How long a "never" is believed: it may have been a spam filter, or what may be sent in a day was used up."""
CHANCE = 0.25
"""How much longer than that a pause may be, so that not all stations of a site come back at one moment."""
ALL = ""
"""The name under which a fault counts that concerns everybody: the connection, or our own login."""


class Backing:
    """The pauses of all recipients; `now` is monotonic, seconds, `chance` lies between 0 and 1."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}
        self._pauses: dict[str, float] = {}
        self._never: dict[str, tuple[str, float]] = {}

    def later(self, station: str, now: float, chance: float) -> float:
        """Begin the next pause of a station, or of ALL; return its seconds."""
        if now < self._until.get(station, -math.inf):
            return self._until[station] - now  # several mails failed together: that is one failure
        pause = self._pauses[station] = min(LONGEST_S, 2 * self._pauses.get(station, FIRST_S / 2))
        pause = min(LONGEST_S, pause * (1 + CHANCE * chance))
        self._until[station] = now + pause
        return pause

    def never(self, station: str, address: str, now: float) -> None:
        """Send nothing more to this station while it has this address, for hours."""
        self._never[station] = address, now + NEVER_S

    def sent(self, station: str) -> None:
        """A server took a mail for this station: the next pause is the shortest again."""
        for name in (station, ALL):
            self._until.pop(name, None)
            self._pauses.pop(name, None)

    def is_open(self, station: str, address: str, now: float) -> bool:
        """Whether a mail to this station at this address may be tried."""
        waiting = any(now < self._until.get(name, -math.inf) for name in (station, ALL))
        refused, until = self._never.get(station, ("", 0.0))
        return not waiting and (refused != address or now >= until)

    def next_opening(self, now: float) -> float | None:
        """When the next pause ends, of those that have not; None if there is none."""
        untils = (*self._until.values(), *(until for _, until in self._never.values()))
        return min((until for until in untils if until > now), default=None)
