"""The ledger at this station: fetched from whoever has it, checked entry by entry, pinned, never turned back."""

from collections.abc import Iterable

from msgspec import Struct

from agent.domain.effects import Effect, Reply
from agent.domain.envelope import Envelope
from agent.domain.errors import NmrError
from agent.domain.events import Arrived, Instant, ResolveAsked
from agent.domain.heads import LedgerFork, LedgerKept, short
from agent.domain.messages import LedgerGet, LedgerPart
from agent.domain.names import HUB
from agent.routing.bucket import Buckets
from agent.station.desk import Desk
from agent.station.last_seen import LastSeen
from agent.station.ledger.alarms import Alarms
from agent.station.ledger.chain import Chain
from agent.station.ledger.forks import Forks
from agent.station.ledger.freshness import Freshness
from agent.station.ledger.hub_word import HubWord
from agent.station.ledger.questions import ASK_AGAIN_S, Questions
from agent.station.ledger.rumours import Rumours
from agent.station.ledger.taking import Taking
from agent.wire.ledger import all_statements, signed_at

FORKS_PER_S, FORKS_AT_ONCE = 0.1, 4
"""How often one colleague may show a fork: each time two signatures are checked."""


class Guards(Struct, frozen=True):
    """What protects the list of members; each can be left out, only to show what it is for."""

    pin: bool = True
    fork: bool = True
    freeze: bool = True
    ahead: bool = True


class Membership:
    """Keeps the desk's ledger up to date: hands what comes to the part that decides about it."""

    def __init__(
        self,
        desk: Desk,
        pin: tuple[int, bytes] | None = None,
        kept: LedgerKept | None = None,
        guards: Guards = Guards(),  # noqa: B008 - it is frozen
    ) -> None:
        kept = kept or LedgerKept()
        self._desk = desk
        self._chain = Chain(desk, pin if guards.pin else None, kept.hashes)
        self.forks = Forks(desk, kept.forks, heeded=guards.fork)
        self.rumours = Rumours(heeded=guards.ahead)
        self._alarms = Alarms(self._chain, self.forks)
        self._questions = Questions(desk)
        self._word = HubWord(desk, self._chain, self._alarms, self.rumours, self._questions, kept, heeded=guards.freeze)
        self._taking = Taking(desk, self._chain, self._alarms, self._word, lambda: self.forks.open is not None)
        self._shown = Buckets(FORKS_PER_S, FORKS_AT_ONCE)
        self.ask, self.head, self.confirmed = self._questions.ask, self._word.heard, self._word.confirmed
        self.last_seen = LastSeen(kept.seen)

    @property
    def alarm(self) -> str:
        """The code of what is wrong, "" if nothing is."""
        return self._alarms.code

    @property
    def freshness(self) -> Freshness:
        """How fresh the list is."""
        return self._word.freshness

    def start(self, now: Instant) -> list[Effect]:
        """Compare what the disk kept with the pin, and tell again what is not resolved."""
        effects = [*self._chain.begin(), *self.freshness.begin(now), *self.forks.restart(), *self.freshness.woke(now)]
        if self._chain.broken and (pin := self._chain.pin) is not None:
            effects += self._alarms.forked(pin[0], short(pin[1]), (), self._desk.station, now)
        return effects

    def noticed(self, event: Arrived, now: Instant) -> list[Effect]:
        """Every message carries its sender's head: a newer one is a reason to ask, another one a reason to doubt."""
        envelope = event.envelope
        self.last_seen.heard((envelope.sender,), envelope.at, now)
        if envelope.head is None:
            return []
        seq, hash_ = envelope.head
        contradicted = self._chain.contradicted({seq: hash_}) is not None
        if contradicted and envelope.sender == HUB:  # that is its signature
            evidence = (event.frame,) if event.frame else ()
            return self._alarms.forked(seq, hash_, evidence, HUB, now, signed_ms=envelope.at)
        if seq > self._desk.ledger.seq:
            return self._heard_of(envelope, seq, now)
        if not contradicted:
            return []
        return self.forks.doubted(envelope.sender, seq, self._chain.hashes[seq], hash_, now)

    def there(self, stations: Iterable[str], now: Instant) -> None:
        """These are live."""
        self.last_seen.heard(stations, now.ms, now)

    def woke(self, now: Instant) -> list[Effect]:
        """Ask whoever showed a newer head if the hub does not answer; tell what is out of date or cannot be shown."""
        always = [*self.last_seen.woke(now), *self.freshness.woke(now)]
        if self.forks.open is not None:  # nothing is taken before IT has resolved it
            return always
        asked = [effect for station in self.rumours.due(now) for effect in self.ask(now, station)]
        return [*asked, *self.rumours.woke(now), *always]

    def asked(self, event: Arrived, get: LedgerGet, now: Instant) -> list[Effect]:
        """A colleague asks for entries."""
        head = self.freshness.head
        return self._questions.give(event.envelope, get, head.frame if head else b"", now)

    def part(self, event: Arrived, part: LedgerPart, now: Instant) -> list[Effect]:
        """Entries came from the hub, or from the colleague whom we asked."""
        sender = event.envelope.sender
        answers = self._questions.answered(event.envelope)
        if not answers and sender != HUB:
            return []
        effects = self.head(part.head.encode(), sender, now) if part.head else []
        before = self._desk.ledger.seq
        effects += self.entries(part.entries, sender=sender, now=now)
        if sender == HUB and answers and not part.more:
            self.rumours.refuted(self._desk.ledger.seq, event.envelope.at)
        if part.more and self._desk.ledger.seq > before:
            effects += self._go_on(sender, now)
        return effects

    def entries(self, frames: Iterable[str], *, now: Instant, sender: str = HUB) -> list[Effect]:
        """Take those of consecutive entries that follow, refuse another history aloud."""
        effects = self._taking.entries(frames, sender, now)
        self.rumours.reached(self._desk.ledger.seq)
        return effects

    def forked(self, event: Arrived, fork: LedgerFork, now: Instant) -> list[Effect]:
        """A colleague shows two histories, or one that may contradict ours; only the publisher's frames count."""
        sender = event.envelope.sender
        if not self._shown.take("", sender, now.mono):
            return []
        frames = tuple(text.encode() for text in fork.evidence)
        since = self.forks.resolved_ms
        counted = [frame for frame in frames if self._chain.knows(frame) or signed_at(frame) > since]
        for seq, hashes in sorted(all_statements(self._desk.ledger, counted).items()):
            ours = self._chain.hashes.get(seq)
            others = sorted(hashes - {ours})
            if ours is not None and others:
                return self._alarms.forked(seq, others[0], frames, sender, now)
            if len(others) > 1:
                return self._alarms.forked(seq, others[1], frames, sender, now, ours=others[0])
        return []

    def standing(self, now: Instant) -> str:
        """How the list stands: ok, stale (nobody is added) or fork (nothing changes)."""
        if self.forks.open is not None:
            return "fork"
        return "stale" if self.freshness.stale(now) else "ok"

    def resolve(self, event: ResolveAsked, _: Instant) -> list[Effect]:
        """IT says that a fork is over."""
        try:
            effects = self.forks.resolve(self.freshness.head, self._word.contrary, self._desk.ledger.seq)
        except NmrError as error:
            return [Reply(event.ticket, error=error)] if event.ticket is not None else []
        self._questions.hurry()
        self._alarms.over(self.alarm)
        return [*effects, *([Reply(event.ticket)] if event.ticket is not None else [])]

    def _heard_of(self, envelope: Envelope, seq: int, now: Instant) -> list[Effect]:
        """Somebody knows more than we."""
        if self.forks.open is not None or not self.rumours.heard(envelope.sender, seq, envelope.at, now):
            return []
        return [*self.ask(now), *self.rumours.woke(now)]

    def _go_on(self, sender: str, now: Instant) -> list[Effect]:
        """Whoever brought entries has more of them."""
        if sender != HUB:
            return self.rumours.hurry(sender, now.mono + ASK_AGAIN_S)
        self._questions.hurry()
        return self.ask(now)
