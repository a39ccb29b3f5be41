"""Who is asked for entries of the ledger, the hub or a colleague who showed more, and who is given some."""

from agent.domain.audience import THE_HUB, Audience
from agent.domain.effects import Effect, GiveBack, Post
from agent.domain.envelope import QUIET, WANT_NOTHING, Envelope
from agent.domain.events import Instant
from agent.domain.messages import LedgerGet
from agent.domain.names import HUB
from agent.routing.bucket import Buckets
from agent.station.desk import Desk

ASK_AGAIN_S = 2.0
GIVEN_PER_S, GIVEN_AT_ONCE = 1 / ASK_AGAIN_S, 1
"""How often one colleague is given entries."""
MOST_QUESTIONS = 64
"""So many questions may be open."""


class Questions:
    """The open questions, whom each was put to by its id."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._asked_at: float | None = None
        self._open: dict[str, str] = {}
        self._given = Buckets(GIVEN_PER_S, GIVEN_AT_ONCE)

    def ask(self, now: Instant, whom: str = HUB) -> list[Effect]:
        """Ask for entries we do not have, the hub at most every two seconds."""
        if whom == HUB:
            if self._asked_at is not None and now.mono < self._asked_at + ASK_AGAIN_S:
                return []
            self._asked_at = now.mono
        get, id_ = LedgerGet(after=self._desk.ledger.seq), self._desk.new_id()
        self._open[id_] = whom
        if len(self._open) > MOST_QUESTIONS:
            del self._open[next(iter(self._open))]
        to = THE_HUB if whom == HUB else Audience("station", whom)
        return [Post(id_, to, (whom,), "ledger.get", get, want=WANT_NOTHING, prio=QUIET)]

    def hurry(self) -> None:
        """The hub may be asked at once: it has more, or it counts again."""
        self._asked_at = None

    def answered(self, envelope: Envelope) -> bool:
        """Whether this answers a question that was put to its sender; each is answered once."""
        return self._open.pop(envelope.re or "", "") == envelope.sender

    def give(self, asker: Envelope, get: LedgerGet, head: bytes, now: Instant) -> list[Effect]:
        """Give a colleague what the publisher signed: it is as good from us. `head` is the hub's newest word."""
        if not self._given.take("", asker.sender, now.mono):
            return []
        return [GiveBack(get.after, asker.sender, asker.id, head)]
