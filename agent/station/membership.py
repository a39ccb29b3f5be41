"""The ledger at this station: fetched from whoever has it, checked entry by entry, pinned, never turned back."""

from collections.abc import Iterable

from msgspec import Struct

from agent.domain.audience import THE_HUB, Audience
from agent.domain.effects import Effect, GiveBack, Keep, LedgerGrew, Note, Post, Refresh, Reply, Tell
from agent.domain.envelope import QUIET, WANT_NOTHING, Envelope
from agent.domain.errors import NmrError
from agent.domain.events import Arrived, Instant, ResolveAsked
from agent.domain.heads import Fork, Head, LedgerFork, LedgerKept, short
from agent.domain.ledger import Ledger, LedgerRefused, frame_hash
from agent.domain.messages import LedgerGet, LedgerPart
from agent.domain.names import HUB
from agent.routing.bucket import Buckets
from agent.station.desk import Desk
from agent.station.forks import Forks
from agent.station.freshness import Freshness
from agent.station.rumours import Rumours
from agent.wire.frame import FrameRefused
from agent.wire.ledger import all_statements, read_entry, read_head, statements

ASK_AGAIN_S = 2.0
GIVEN_PER_S, GIVEN_AT_ONCE = 1 / ASK_AGAIN_S, 1
"""How often one colleague is given entries."""
FORKS_PER_S, FORKS_AT_ONCE = 0.1, 4
"""How often one colleague may show a fork: each time two signatures are checked."""
MOST_EARLY = 256
"""So many entries of the publisher may wait for those before them: mail overtakes itself."""
MOST_QUESTIONS = 64
"""So many questions may be open."""


class Guards(Struct, frozen=True):
    """What protects the list of members; each can be left out, only to show what it is for."""

    pin: bool = True
    fork: bool = True
    freeze: bool = True
    ahead: bool = True


class Membership:
    """Keeps the desk's ledger up to date."""

    def __init__(
        self,
        desk: Desk,
        pin: tuple[int, bytes] | None = None,
        kept: LedgerKept | None = None,
        guards: Guards = Guards(),  # noqa: B008 - it is frozen
    ) -> None:
        kept = kept or LedgerKept()
        self._desk = desk
        self._pin = pin if guards.pin else None
        desk.pinned = self._pin[0] if self._pin else 0
        self._hashes = {**kept.hashes, desk.ledger.seq: short(desk.ledger.head)}
        self._known = set(self._hashes.values())
        self._early: dict[int, bytes] = {}
        self.freshness = Freshness(self._read(kept.head), kept.since, desk.pinned, heeded=guards.freeze)
        self.forks = Forks(desk, kept.forks, heeded=guards.fork)
        self.rumours = Rumours(heeded=guards.ahead)
        self._contrary = self._read(kept.contrary)
        self._asked_at: float | None = None
        self._questions: dict[str, str] = {}
        self._given, self._shown = Buckets(GIVEN_PER_S, GIVEN_AT_ONCE), Buckets(FORKS_PER_S, FORKS_AT_ONCE)
        self.alarm = ""
        self.seen: dict[str, int] = {}

    def start(self, now: Instant) -> list[Effect]:
        """Compare what the disk kept with the pin, and tell again what is not resolved."""
        effects = [*self.freshness.begin(now), *self.forks.restart(), *self.freshness.woke(now)]
        if self._pin is not None and self._hashes.get(self._pin[0], short(self._pin[1])) != short(self._pin[1]):
            effects += self._fork(self._pin[0], short(self._pin[1]), (), self._desk.station, now)
        return effects

    def ask(self, now: Instant, whom: str = HUB) -> list[Effect]:
        """Ask for entries we do not have, the hub at most every two seconds."""
        if whom == HUB:
            if self._asked_at is not None and now.mono < self._asked_at + ASK_AGAIN_S:
                return []
            self._asked_at = now.mono
        get, id_ = LedgerGet(after=self._desk.ledger.seq), self._desk.new_id()
        self._questions[id_] = whom
        if len(self._questions) > MOST_QUESTIONS:
            del self._questions[next(iter(self._questions))]
        to = THE_HUB if whom == HUB else Audience("station", whom)
        return [Post(id_, to, (whom,), "ledger.get", get, want=WANT_NOTHING, prio=QUIET)]

    def noticed(self, event: Arrived, now: Instant) -> list[Effect]:
        """Every message carries its sender's head: a newer one is a reason to ask, another one a reason to doubt."""
        envelope = event.envelope
        self.seen[envelope.sender] = now.ms
        if envelope.head is None:
            return []
        seq, hash_ = envelope.head
        if seq > self._desk.ledger.seq:
            if self.forks.open is not None:
                return []
            worth = self.rumours.heard(envelope.sender, seq, envelope.at, now)
            return [*self.ask(now), *self.rumours.woke(now)] if worth else []
        ours = self._hashes.get(seq, hash_)
        if ours == hash_:
            return []
        if envelope.sender == HUB:  # that is its signature
            return self._fork(seq, hash_, (event.frame,) if event.frame else (), HUB, now)
        return self.forks.doubted(envelope.sender, seq, ours, hash_, now)

    def there(self, stations: Iterable[str], now: Instant) -> None:
        """These are live; `seen` says when each station was last heard of, ms UTC."""
        self.seen.update(dict.fromkeys(stations, now.ms))

    def woke(self, now: Instant) -> list[Effect]:
        """Ask whoever showed a newer head if the hub does not answer; tell what is out of date or cannot be shown."""
        if self.forks.open is not None:  # nothing is taken before IT has resolved it
            return self.freshness.woke(now)
        asked = [effect for station in self.rumours.due(now) for effect in self.ask(now, station)]
        return [*asked, *self.rumours.woke(now), *self.freshness.woke(now)]

    def confirmed(self, envelope: Envelope, seq: int) -> list[Effect]:
        """The hub answered a probe that left when we knew `seq`: an older head means the ledger was turned back.

        Any other message of the hub may have been overtaken by news; this one was made after we asked. A hub that was
        restored from a backup gets back what it signed, and with that it is forgiven.
        """
        if envelope.head is None:
            return []
        self.rumours.refuted(envelope.head[0], envelope.at)
        if envelope.head[0] < seq:
            return [*self._refused("rollback"), GiveBack(envelope.head[0])]
        self.alarm = "" if self.alarm == "rollback" else self.alarm
        return []

    def asked(self, event: Arrived, get: LedgerGet, now: Instant) -> list[Effect]:
        """A colleague asks for entries: what the publisher signed is as good from us."""
        sender = event.envelope.sender
        if not self._given.take("", sender, now.mono):
            return []
        head = self.freshness.head
        return [GiveBack(get.after, sender, event.envelope.id, head.frame if head else b"")]

    def part(self, event: Arrived, part: LedgerPart, now: Instant) -> list[Effect]:
        """Entries came from the hub, or from the colleague whom we asked."""
        sender = event.envelope.sender
        answers = self._questions.pop(event.envelope.re or "", "") == sender
        if not answers and sender != HUB:
            return []
        effects = self._head_in(part, sender, now)
        before = self._desk.ledger.seq
        effects += self.entries(part.entries, sender=sender, now=now)
        if sender == HUB and answers and not part.more:
            self.rumours.refuted(self._desk.ledger.seq, event.envelope.at)
        if part.more and self._desk.ledger.seq > before:
            self._asked_at = None
            effects += self.ask(now) if sender == HUB else self.rumours.hurry(sender, now.mono + ASK_AGAIN_S)
        return effects

    def entries(self, frames: Iterable[str], *, now: Instant, sender: str = HUB) -> list[Effect]:
        """Take those of consecutive entries that follow, refuse another history aloud."""
        effects: list[Effect] = []
        before = self._desk.ledger
        for text in frames:
            goes_on, told = self._take(text.encode(), sender, now)
            effects += told
            if not goes_on:
                break
        while (frame := self._early.pop(self._desk.ledger.seq + 1, None)) is not None:
            effects += self._take(frame, sender, now)[1]
        after = self._desk.ledger
        if after.seq > before.seq:
            self.rumours.reached(after.seq)
            effects += [*self._pinned(after), Refresh(), *self._about_us(before, after)]
        return effects

    def _take(self, frame: bytes, sender: str, now: Instant) -> tuple[bool, list[Effect]]:
        """Take one entry if it follows; returns whether to go on with the next."""
        if self.forks.open is not None:
            return False, []
        if short(frame_hash(frame)) in self._known:
            return True, []
        try:
            after = self._follow(frame)
        except (LedgerRefused, FrameRefused) as refused:
            told = self._not_followed(refused, frame, sender, now)
            return refused.code in ("rollback", "gap"), told
        if self.freshness.stale(now) and _newcomers(self._desk.ledger, after):
            return False, [Note("newcomer held off", {"seq": after.seq})]
        self._desk.ledger = after
        self._hashes[after.seq] = hash_ = short(after.head)
        self._known.add(hash_)
        return True, [Keep("ledger", f"{after.seq:012d}", frame), *self._reached(frame, now)]

    def head(self, frame: bytes, sender: str, now: Instant) -> list[Effect]:
        """The hub's signed word how far its ledger goes, whoever brings it."""
        try:
            head = read_head(self._desk.ledger, frame)
        except FrameRefused as refused:
            return self._refused(refused.code) if sender == HUB else [Note("head refused", {"station": sender})]
        ours = self._hashes.get(head.seq)
        if ours is not None and ours != short(head.hash):
            return [*self._contradicted(head), *self._fork(head.seq, short(head.hash), (frame,), sender, now)]
        known = self._desk.known
        if self.freshness.older(head):
            return [*self._refused("rollback"), GiveBack(head.seq)]
        stale = self.freshness.stale(now)
        effects = self.freshness.take(head, now) if head.seq >= known or self.freshness.head is not None else []
        if head.seq >= known and self.alarm == "rollback":
            self.alarm = ""
        if head.seq > self._desk.ledger.seq:
            self.rumours.heard(HUB, head.seq, head.at, now)
        if effects and (stale or head.seq > self._desk.ledger.seq):
            effects += [*self.ask(now), *self.rumours.woke(now)]
        return effects

    def forked(self, event: Arrived, fork: LedgerFork, now: Instant) -> list[Effect]:
        """A colleague shows two histories, or one that may contradict ours; only the publisher's frames count."""
        sender = event.envelope.sender
        if not self._shown.take("", sender, now.mono):
            return []
        frames = tuple(text.encode() for text in fork.evidence)
        for seq, hashes in sorted(all_statements(self._desk.ledger, frames).items()):
            ours = self._hashes.get(seq)
            others = sorted(hashes - {ours})
            if ours is not None and others:
                return self._fork(seq, others[0], frames, sender, now)
            if len(others) > 1:
                return self._fork(seq, others[1], frames, sender, now, ours=others[0])
        return []

    def standing(self, now: Instant) -> str:
        """How the list stands: ok, stale (nobody is added) or fork (nothing changes)."""
        if self.forks.open is not None:
            return "fork"
        return "stale" if self.freshness.stale(now) else "ok"

    def resolve(self, event: ResolveAsked, _: Instant) -> list[Effect]:
        """IT says that a fork is over."""
        try:
            effects = self.forks.resolve(self.freshness.head, self._contrary)
        except NmrError as error:
            return [Reply(event.ticket, error=error)] if event.ticket is not None else []
        self._asked_at, self.alarm = None, ""
        return [*effects, *([Reply(event.ticket)] if event.ticket is not None else [])]

    def _read(self, frame: bytes) -> Head | None:
        """Return a head that was kept; one that cannot be read costs nothing but itself."""
        try:
            return read_head(self._desk.ledger, frame) if frame else None
        except FrameRefused:
            return None

    def _head_in(self, part: LedgerPart, sender: str, now: Instant) -> list[Effect]:
        return self.head(part.head.encode(), sender, now) if part.head else []

    def _contradicted(self, head: Head) -> list[Effect]:
        if self._contrary is not None and head.at <= self._contrary.at:
            return []
        self._contrary = head
        return [Keep("head", "contrary", head.frame)]

    def _reached(self, frame: bytes, now: Instant) -> list[Effect]:
        """We are where the hub's newest head points: it must be the entry it meant."""
        head, ledger = self.freshness.head, self._desk.ledger
        if head is None or head.seq != ledger.seq or head.hash == ledger.head:
            return []
        return self._fork(head.seq, short(head.hash), (frame, head.frame), HUB, now)

    def _not_followed(
        self, refused: LedgerRefused | FrameRefused, frame: bytes, sender: str, now: Instant
    ) -> list[Effect]:
        """An entry does not follow: it may be old, or of another history, or no entry at all."""
        if refused.code in ("rollback", "fork", "gap"):
            try:
                said = statements(self._desk.ledger, frame)
            except (FrameRefused, ValueError):
                said = {}
            if refused.code == "gap" and said and len(self._early) < MOST_EARLY:
                self._early[max(said)] = frame
            for seq, hash_ in said.items():
                if self._hashes.get(seq, hash_) != hash_:
                    return self._fork(seq, hash_, (frame,), sender, now, again=True)
            pinned = self._pin is not None and said.get(self._pin[0]) == short(frame_hash(frame))
            if pinned and self._pin is not None and refused.code == "fork":
                ours = short(self._pin[1])
                return self._fork(self._pin[0], short(frame_hash(frame)), (frame,), sender, now, ours=ours, again=True)
        if refused.code == "rollback":
            return []
        if sender == HUB:
            return self._refused(refused.code)
        return [] if refused.code == "gap" else [Note("entry refused", {"station": sender, "code": refused.code})]

    def _fork(
        self,
        seq: int,
        other: str,
        evidence: tuple[bytes, ...],
        by: str,
        now: Instant,
        *,
        ours: str = "",
        again: bool = False,
    ) -> list[Effect]:
        fork = Fork(seq, ours or self._hashes.get(seq, ""), other, now.ms, by)
        effects = self.forks.found(fork, evidence, again=again)
        self.alarm = "fork" if effects else self.alarm
        return effects

    def _pinned(self, after: Ledger) -> list[Effect]:
        """Pin a newer head; a store that was lost catches up with its pin first."""
        if self._pin is not None and after.seq <= self._pin[0]:
            return []
        self._pin, self._desk.pinned = (after.seq, after.head), after.seq
        return [LedgerGrew(after.seq, after.head)]

    def _follow(self, frame: bytes) -> Ledger:
        """Return the ledger after one more entry; where we once stood, it must be the same history."""
        after = read_entry(self._desk.ledger, frame)
        if self._pin is not None and after.seq == self._pin[0] and after.head != self._pin[1]:
            raise LedgerRefused("fork", f"entry {after.seq} is not the one we have pinned")
        return after

    def _about_us(self, before: Ledger, after: Ledger) -> list[Effect]:
        us = self._desk.station
        gone = before.member(us) is not None and after.member(us) is None
        return [Tell("notice.revoked", key="revoked")] if gone else []

    def _refused(self, code: str) -> list[Effect]:
        """Alarm, once for each thing that is wrong; a gap is none, the entries between are under way."""
        if code in ("gap", self.alarm):
            return []
        self.alarm = code
        told = Tell("notice.ledger-alarm", {"code": code}, key="ledger")
        return [Note("ledger refused", {"code": code}), told, Refresh()]


def _newcomers(before: Ledger, after: Ledger) -> bool:
    return any(before.member(member.station) is None for member in after.active())
