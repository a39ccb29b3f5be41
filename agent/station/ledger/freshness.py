"""How fresh the list of members is: the hub signs its head every hour, and without one for a day nobody is added."""

from agent.domain.effects import Effect, Keep, Note, Refresh, Tell, WakeAt
from agent.domain.envelope import DAY_MS, MINUTE_MS
from agent.domain.events import Instant
from agent.domain.heads import Head
from agent.domain.names import HUB

GRACE_MS = DAY_MS
"""How long a station that never had a head, or lost it with its store, goes on without one."""
SETTLE_S = 3600.0
"""So long after a start nobody is told by a clock that the hub has not set yet."""
SKEW_MS = 2 * MINUTE_MS
"""What two clocks may differ."""


class Freshness:
    """Keeps the newest `head`; `since` is when we first had none, ms UTC, and `pinned` how far we knew the ledger then.

    `heeded` is only off to show what it is for.
    """

    def __init__(self, head: Head | None, since: int | None, pinned: int = 0, *, heeded: bool = True) -> None:
        self.head, self._since, self._pinned, self._heeded = head, since, pinned, heeded
        self._told, self._began = False, 0.0

    @property
    def since_ms(self) -> int | None:
        """When the hub last said how far its ledger goes, or else since when we wait for that."""
        return self.head.at if self.head is not None else self._since

    def begin(self, now: Instant) -> list[Effect]:
        """A station without a head remembers since when: a restart is no new patience."""
        self._began = now.mono
        if self.head is not None or self._since is not None:
            return []
        self._since = now.ms
        return [Keep("head", "since", now.ms)]

    def stale(self, now: Instant) -> bool:
        """Whether nobody may be added: the hub has not said for a day how far its ledger goes."""
        return self._heeded and now.ms >= self._until(now)

    def older(self, head: Head) -> bool:
        """Whether the hub signed a lower head after the one we have, or after we began with nothing but the pin."""
        if self.head is not None:
            return head.at > self.head.at and head.seq < self.head.seq
        return self._since is not None and head.at > self._since + SKEW_MS and head.seq < self._pinned

    def take(self, head: Head, now: Instant) -> list[Effect]:
        """A head came that contradicts nothing; keep it if it is the newest and still good."""
        known = self._believed(now)
        newest = known is None or (head.at, head.seq) > (known.at, known.seq)
        if not newest or (now.anchored and not self._good(head, now)):
            return []
        self.head, self._told = head, False
        return [Keep("head", HUB, head.frame), Refresh(), *self.woke(now)]

    def woke(self, now: Instant) -> list[Effect]:
        """Tell people once when a day is over, and wake for that."""
        if not self._heeded or self._told:
            return []
        if self._since is not None and now.anchored and self._since > now.ms + SKEW_MS:
            self._since = now.ms  # a clock that was ahead when we began is no longer patience
            return [Keep("head", "since", now.ms), *self.woke(now)]
        if not self.stale(now):
            return [WakeAt(now.mono + (self._until(now) - now.ms) / 1000)]
        if not now.anchored and now.mono < self._began + SETTLE_S:
            return [WakeAt(self._began + SETTLE_S)]
        self._told = True
        return [Note("ledger stale", {"since_ms": self.since_ms}), Tell("notice.ledger-stale", key="ledger"), Refresh()]

    def _good(self, head: Head, now: Instant) -> bool:
        return head.at <= now.ms + SKEW_MS and now.ms < head.exp

    def _believed(self, now: Instant) -> Head | None:
        """The newest head, but none from the future: it was signed by a clock that has been set right since."""
        late = self.head is not None and now.anchored and self.head.at > now.ms + SKEW_MS
        return None if late else self.head

    def _until(self, now: Instant) -> int:
        if (head := self._believed(now)) is not None:
            return head.exp
        return (now.ms if self._since is None else self._since) + GRACE_MS
