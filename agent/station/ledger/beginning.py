"""A station that does not stand in its own copy of the ledger yet: by mail a question may be lost, so it asks again."""

from collections.abc import Callable

from agent.domain.effects import Effect, WakeAt
from agent.domain.events import Instant
from agent.station.desk import Desk

FIRST_S, LONGEST_S = 60.0, 3600.0
"""The pause before the second question, and the longest; each is twice as long as the one before."""


class Beginning:
    """Repeats `ask` until the ledger has come as far as we ourselves; nobody else would tell us that we lack it."""

    def __init__(self, desk: Desk, ask: Callable[[Instant], list[Effect]]) -> None:
        self._desk, self._ask = desk, ask
        self._pause, self._at = FIRST_S, float("inf")

    def asked(self, now: Instant) -> list[Effect]:
        """The first question has gone."""
        if self._desk.station in self._desk.ledger.members:
            return []
        self._pause, self._at = FIRST_S, now.mono + FIRST_S
        return [WakeAt(self._at)]

    def woke(self, now: Instant) -> list[Effect]:
        """Ask again if it is time."""
        if now.mono < self._at:
            return []
        if self._desk.station in self._desk.ledger.members:
            self._at = float("inf")
            return []
        self._pause = min(LONGEST_S, 2 * self._pause)
        self._at = now.mono + self._pause
        return [*self._ask(now), WakeAt(self._at)]
