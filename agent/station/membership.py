"""The ledger at this station: fetched from the hub, checked entry by entry, pinned, never turned back."""

from agent.domain.audience import THE_HUB
from agent.domain.effects import Effect, Keep, LedgerGrew, Note, Post, Refresh, Tell
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

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
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

    def entries(self, frames: tuple[str, ...], *, more: bool, now: Instant) -> list[Effect]:
        """Consecutive entries came; take those that follow, refuse another history aloud."""
        effects: list[Effect] = []
        before = self._desk.ledger
        for text in frames:
            frame = text.encode()
            try:
                self._desk.ledger = read_entry(self._desk.ledger, frame)
            except (LedgerRefused, FrameRefused) as refused:
                if refused.code == "rollback":
                    continue
                effects += self._refused(refused.code)
                break
            effects.append(Keep("ledger", f"{self._desk.ledger.seq:012d}", frame))
        after = self._desk.ledger
        if after.seq > before.seq:
            effects += [LedgerGrew(after.seq, after.head), Refresh(), *self._about_us(before, after)]
        if more and after.seq > before.seq:
            self._asked_at = None
            effects += self.ask(now)
        return effects

    def _about_us(self, before: Ledger, after: Ledger) -> list[Effect]:
        us = self._desk.station
        gone = before.member(us) is not None and after.member(us) is None
        return [Tell("notice.revoked")] if gone else []

    def _refused(self, code: str) -> list[Effect]:
        if code == "gap":
            return []
        self.alarm = code
        return [Note("ledger refused", {"code": code}), Tell("notice.ledger-alarm", {"code": code}), Refresh()]
