"""Entries of the ledger that somebody brought: those that follow are taken, another history is refused aloud."""

from collections.abc import Callable, Iterable, Mapping

from agent.domain.effects import Effect, Note, Refresh, Tell
from agent.domain.events import Instant
from agent.domain.heads import short
from agent.domain.ledger import Ledger, LedgerRefused, frame_hash
from agent.domain.names import HUB
from agent.station.desk import Desk
from agent.station.ledger.alarms import Alarms
from agent.station.ledger.chain import Chain
from agent.station.ledger.hub_word import HubWord
from agent.wire.frame import FrameRefused
from agent.wire.ledger import signed_at, statements


class Taking:
    """Takes them into the chain; nothing while it is `frozen`, and nobody new while the hub's word is out of date."""

    def __init__(self, desk: Desk, chain: Chain, alarms: Alarms, word: HubWord, frozen: Callable[[], bool]) -> None:
        self._desk, self._chain, self._alarms, self._word, self._frozen = desk, chain, alarms, word, frozen

    def entries(self, frames: Iterable[str], sender: str, now: Instant) -> list[Effect]:
        """Take those of consecutive entries that follow, and what waited for them."""
        effects: list[Effect] = []
        before = self._desk.ledger
        for text in frames:
            goes_on, told = self._take(text.encode(), sender, now)
            effects += told
            if not goes_on:
                break
        while (frame := self._chain.waited()) is not None:
            effects += self._take(frame, sender, now)[1]
        if self._desk.ledger.seq > before.seq:
            effects += [*self._chain.pin_newest(), Refresh(), *self._about_us(before)]
        return effects

    def _take(self, frame: bytes, sender: str, now: Instant) -> tuple[bool, list[Effect]]:
        """Take one entry if it follows; returns whether to go on with the next."""
        if self._frozen():
            return False, []
        if self._chain.knows(frame):
            return True, []
        try:
            after = self._chain.follow(frame)
        except (LedgerRefused, FrameRefused) as refused:
            return refused.code in ("rollback", "gap"), self._not_followed(refused.code, frame, sender, now)
        if self._word.freshness.stale(now) and _newcomers(self._desk.ledger, after):
            return False, [Note("newcomer held off", {"seq": after.seq})]
        return True, [self._chain.take(frame, after), *self._word.reached(frame, now)]

    def _not_followed(self, code: str, frame: bytes, sender: str, now: Instant) -> list[Effect]:
        """An entry does not follow: it may be old, early, of another history, or no entry at all."""
        if code in ("rollback", "fork", "gap"):
            said = self._said(frame)
            if (other := self._chain.contradicted(said)) is not None:
                return self._alarms.forked(*other, (frame,), sender, now, signed_ms=signed_at(frame))
            if code == "gap" and said and (first := self._chain.wait(max(said), frame)) != frame:
                one, two = short(frame_hash(first)), short(frame_hash(frame))
                at = min(signed_at(first), signed_at(frame))
                return self._alarms.forked(max(said), two, (first, frame), sender, now, ours=one, signed_ms=at)
        if code == "rollback":
            return []
        if sender == HUB:
            return self._alarms.refused(code)
        return [] if code == "gap" else [Note("entry refused", {"station": sender, "code": code})]

    def _said(self, frame: bytes) -> Mapping[int, str]:
        try:
            return statements(self._desk.ledger, frame)
        except (FrameRefused, ValueError):
            return {}

    def _about_us(self, before: Ledger) -> list[Effect]:
        gone = self._desk.me_in(before) is not None and self._desk.me is None
        return [Tell("notice.revoked", key="revoked")] if gone else []


def _newcomers(before: Ledger, after: Ledger) -> bool:
    return any(before.member(member.station) is None for member in after.active())
