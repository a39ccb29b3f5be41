"""The hub's word how far its ledger goes: signed every hour, and with every answer; held against what we know."""

from agent.domain.effects import Effect, GiveBack, Keep, Note
from agent.domain.envelope import Envelope
from agent.domain.events import Instant
from agent.domain.heads import Head, LedgerKept, short
from agent.domain.names import HUB
from agent.station.desk import Desk
from agent.station.ledger.alarms import Alarms
from agent.station.ledger.chain import Chain
from agent.station.ledger.freshness import Freshness
from agent.station.ledger.questions import Questions
from agent.station.ledger.rumours import Rumours
from agent.wire.frame import FrameRefused
from agent.wire.ledger import read_head


class HubWord:
    """`freshness` has the newest that fits our history, `contrary` the newest that does not."""

    def __init__(
        self,
        desk: Desk,
        chain: Chain,
        alarms: Alarms,
        rumours: Rumours,
        questions: Questions,
        kept: LedgerKept,
        *,
        heeded: bool,
    ) -> None:
        self._desk, self._chain, self._alarms = desk, chain, alarms
        self._rumours, self._questions = rumours, questions
        self.freshness = Freshness(self._read(kept.head), kept.since, desk.pinned, heeded=heeded)
        self.contrary = self._read(kept.contrary)

    def heard(self, frame: bytes, sender: str, now: Instant) -> list[Effect]:
        """The hub's signed word came, whoever brings it."""
        try:
            head = read_head(self._desk.ledger, frame)
        except FrameRefused as refused:
            wrong = sender == HUB
            return self._alarms.refused(refused.code) if wrong else [Note("head refused", {"station": sender})]
        if self._chain.contradicted({head.seq: short(head.hash)}) is not None:
            forked = self._alarms.forked(head.seq, short(head.hash), (frame,), sender, now, signed_ms=head.at)
            return [*self._contradicted(head), *forked]
        if self.freshness.older(head) and not self._alarms.decided_by(head):
            return [*self._alarms.refused("rollback"), GiveBack(head.seq)]
        return self._fits(head, now)

    def confirmed(self, envelope: Envelope, seq: int) -> list[Effect]:
        """The hub answered a probe that left when we knew `seq`: an older head means the ledger was turned back.

        Any other message of the hub may have been overtaken by news; this one was made after we asked. A hub that was
        restored from a backup gets back what it signed, and with that it is forgiven.
        """
        if envelope.head is None:
            return []
        self._rumours.refuted(envelope.head[0], envelope.at)
        if envelope.head[0] < seq:
            return [*self._alarms.refused("rollback"), GiveBack(envelope.head[0])]
        self._alarms.over("rollback")
        return []

    def reached(self, frame: bytes, now: Instant) -> list[Effect]:
        """The entry in `frame` was taken: if the hub's newest word is about that number, it must be that entry."""
        head, ledger = self.freshness.head, self._desk.ledger
        if head is None or head.seq != ledger.seq:
            return []
        if head.hash == ledger.head:
            return self._alarms.confirmed(head)
        return self._alarms.forked(head.seq, short(head.hash), (frame, head.frame), HUB, now)

    def _fits(self, head: Head, now: Instant) -> list[Effect]:
        """Nothing speaks against it: keep it, and ask for what it says that there is."""
        known, stale = self._desk.known, self.freshness.stale(now)
        effects = self.freshness.take(head, now) if head.seq >= known or self.freshness.head is not None else []
        if head.seq >= known:
            self._alarms.over("rollback")
        if head.seq > self._desk.ledger.seq:
            self._rumours.heard(HUB, head.seq, head.at, now)
        if effects and (stale or head.seq > self._desk.ledger.seq):
            effects += [*self._questions.ask(now), *self._rumours.woke(now)]
        newest = self.freshness.head
        if newest is not None and newest.seq <= self._desk.ledger.seq:
            effects += self._alarms.confirmed(newest)
        return effects

    def _contradicted(self, head: Head) -> list[Effect]:
        if self.contrary is not None and head.at <= self.contrary.at:
            return []
        self.contrary = head
        return [Keep("head", "contrary", head.frame)]

    def _read(self, frame: bytes) -> Head | None:
        """Return a head that was kept; one that cannot be read costs nothing but itself."""
        try:
            return read_head(self._desk.ledger, frame) if frame else None
        except FrameRefused:
            return None
