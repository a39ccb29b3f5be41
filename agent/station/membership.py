"""The ledger at this station: fetched from the hub, checked entry by entry, pinned, never turned back."""

from agent.domain.audience import THE_HUB
from agent.domain.effects import Effect, GiveBack, Keep, LedgerGrew, Note, Post, Refresh, Tell
from agent.domain.envelope import WANT_NOTHING, Envelope
from agent.domain.events import Instant
from agent.domain.ledger import Ledger, LedgerRefused
from agent.domain.messages import LedgerGet
from agent.domain.names import HUB
from agent.station.desk import Desk
from agent.wire.frame import FrameRefused
from agent.wire.ledger import read_entry

ASK_AGAIN_S = 2.0


class Membership:
    """Keeps the desk's ledger up to date."""

    def __init__(self, desk: Desk, pin: tuple[int, bytes] | None = None) -> None:
        self._desk = desk
        self._pin = pin
        desk.pinned = pin[0] if pin else 0
        self._asked_at: float | None = None
        self.alarm = ""

    def ask(self, now: Instant) -> list[Effect]:
        """Ask the hub for entries we do not have, at most every two seconds."""
        if self._asked_at is not None and now.mono < self._asked_at + ASK_AGAIN_S:
            return []
        self._asked_at = now.mono
        get = LedgerGet(after=self._desk.ledger.seq)
        return [Post(self._desk.new_id(), THE_HUB, (HUB,), "ledger.get", get, want=WANT_NOTHING)]

    def noticed(self, envelope: Envelope, now: Instant) -> list[Effect]:
        """Every message carries its sender's head: a newer one is a reason to ask."""
        if envelope.head is None or envelope.head[0] <= self._desk.ledger.seq:
            return []
        return self.ask(now)

    def confirmed(self, envelope: Envelope, seq: int) -> list[Effect]:
        """The hub answered a probe that left when we knew `seq`: an older head means the ledger was turned back.

        Any other message of the hub may have been overtaken by news; this one was made after we asked. A hub that was
        restored from a backup gets back what it signed, and with that it is forgiven.
        """
        if envelope.head is None:
            return []
        if envelope.head[0] < seq:
            return [*self._refused("rollback"), GiveBack(envelope.head[0])]
        self.alarm = "" if self.alarm == "rollback" else self.alarm
        return []

    def entries(self, frames: tuple[str, ...], *, more: bool, now: Instant) -> list[Effect]:
        """Consecutive entries came; take those that follow, refuse another history aloud."""
        effects: list[Effect] = []
        before = self._desk.ledger
        for text in frames:
            frame = text.encode()
            try:
                self._desk.ledger = self._follow(frame)
            except (LedgerRefused, FrameRefused) as refused:
                if refused.code == "rollback":
                    continue
                effects += self._refused(refused.code)
                break
            effects.append(Keep("ledger", f"{self._desk.ledger.seq:012d}", frame))
        after = self._desk.ledger
        if after.seq > before.seq:
            effects += [*self._pinned(after), Refresh(), *self._about_us(before, after)]
        if more and after.seq > before.seq:
            self._asked_at = None
            effects += self.ask(now)
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
