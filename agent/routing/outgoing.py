"""What we send: signed once, committed, sealed for each recipient, repeated until the receipt came."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from msgspec import to_builtins

from agent.domain.effects import Post
from agent.domain.envelope import LIFE_MS, URGENT, URGENT_LIFE_MS, VERSION, WANT_STORED, Envelope
from agent.domain.events import Event, GaveUp, Heard, Instant, Late, Sent
from agent.domain.ledger import Ledger
from agent.domain.messages import Receipt
from agent.domain.names import HUB
from agent.links.base import Session
from agent.routing import rows
from agent.routing.lane import Lane
from agent.routing.outbox import Outbox, Row
from agent.routing.policy import LinkView, choose, late_after
from agent.system.store import Store
from agent.wire.frame import sign_frame
from agent.wire.keys import Identity
from agent.wire.seal import seal

log = logging.getLogger(__name__)

HUB_LATER_S = 0.015
"""Whoever shall come hears a page first; the hub, often the same small computer as the broker, gets its copy then."""


@dataclass(frozen=True, slots=True)
class Signed:
    """A post ready to be committed and sent; `exp` is the frame's, ms UTC."""

    post: Post
    frame: bytes
    exp: int

    def rows(self) -> list[rows.OutRow]:
        """Its outbox rows; a hub stores, but has nobody to present anything to."""
        post = self.post
        wants = {HUB: min(post.want, WANT_STORED)}
        return [(post.id, to, post.prio, wants.get(to, post.want), self.exp) for to in post.recipients]

    def commit(self, db: sqlite3.Connection) -> None:
        """Write its rows; runs in the store's transaction."""
        rows.insert_out(db, self.frame, self.rows())


class Outgoing:
    """The sending half of the router."""

    def __init__(
        self,
        me: Identity,
        store: Store,
        ledger: Callable[[], Ledger],
        now: Callable[[], Instant],
        tell: Callable[[Event], None],
    ) -> None:
        self._me, self._store, self._ledger, self._now, self._tell = me, store, ledger, now, tell
        self._outbox = Outbox()
        self._lanes: dict[str, Lane] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def open_rows(self) -> int:
        """How many messages to recipients still want a receipt."""
        return len(self._outbox)

    def start(self) -> None:
        """Take up the rows of the last run; they go as soon as a link is up."""
        now = self._now()
        for id_, recipient, prio, want, exp in self._store.read(rows.OPEN_ROWS):
            self._outbox.add(Row(id_, recipient, prio, want, exp, posted=now.mono))
        self._look()

    def stop(self) -> None:
        """Stop repeating; everything open is on disk."""
        if self._timer is not None:
            self._timer.cancel()
        for name in list(self._lanes):
            self.closed(name)

    def opened(self, name: str, session: Session) -> None:
        """A link came up: what its recipients have not stored goes now."""
        self.closed(name)
        self._lanes[name] = Lane(name, session, self._took)
        self._outbox.try_now(self._now().mono)
        self._look()

    def closed(self, name: str) -> None:
        """A link went down."""
        lane = self._lanes.pop(name, None)
        if lane is not None:
            lane.close()

    def sign(self, post: Post) -> Signed:
        """Return the post with its frame; raises TooLarge before anything is committed."""
        now = self._now()
        longest = URGENT_LIFE_MS if post.prio == URGENT and post.type == "page.new" else LIFE_MS[post.type]
        exp = now.ms + min(post.life_ms or longest, longest)
        envelope = Envelope(
            v=VERSION,
            site=self._me.site,
            id=post.id,
            sender=self._me.station,
            to=post.to.to_wire(),
            type=post.type,
            at=now.ms,
            exp=exp,
            re=post.re,
            want=post.want,
            prio=post.prio,
            head=self._ledger().short_head(),
            p={key: value for key, value in to_builtins(post.params).items() if value is not None},
        )
        return Signed(post, sign_frame(envelope, self._me), exp)

    def launch(self, signed: Signed) -> None:
        """Send a post for the first time; its rows, if it wants a receipt, are committed."""
        now = self._now().mono
        for id_, recipient, prio, want, exp in signed.rows():
            row = Row(id_, recipient, prio, want, exp, posted=now)
            if not want:
                self._send(row, signed.frame, choose(0, prio, self._views()))
                continue
            self._outbox.add(row)
            if recipient == HUB and signed.post.type == "page.new":
                row.due = now + HUB_LATER_S
            for attempt in self._outbox.due(now, self._views(), only=row):
                self._send(row, signed.frame, attempt.links)
            self._wake_at(min(row.due, now + late_after(prio)), now)

    def hear(self, receipt: Receipt, station: str, link: str) -> None:
        """Take a receipt in: close what it fulfils, tell the core all of it."""
        closed = [(item.id, station) for item in receipt.items if self._outbox.hear(item.id, station, item.stage)]
        self._forget(closed)
        for item in receipt.items:
            self._tell(Heard(item.id, station, item.stage, item.why, item.at, link))

    def cancel(self, id_: str) -> None:
        """Repeat a message no more."""
        self._forget([(row.id, row.recipient) for row in self._outbox.drop(id_)])

    def drop_revoked(self) -> None:
        """Give up rows to stations that are no members any more."""
        ledger = self._ledger()
        for recipient in self._outbox.recipients():
            if ledger.member(recipient) is None:
                self._give_up(self._outbox.drop_recipient(recipient), "revoked")

    def _look(self) -> None:
        """Do whatever is due, then sleep until something is again."""
        now = self._now()
        self._give_up(self._outbox.expired(now.ms), "expired")
        for attempt in self._outbox.due(now.mono, self._views()):
            found = self._store.read(rows.FRAME, (attempt.row.id,))
            if found:
                self._send(attempt.row, found[0][0], attempt.links)
        for row in self._outbox.newly_late(now.mono):
            self._tell(Late(row.id, row.recipient))
        self._timer, due = None, self._outbox.next_due()
        if due is not None:
            self._wake_at(due, now.mono)

    def _wake_at(self, due: float, now: float) -> None:
        loop = asyncio.get_running_loop()
        when = loop.time() + max(0.0, due - now)
        if self._timer is not None and not self._timer.cancelled():
            if self._timer.when() <= when:
                return
            self._timer.cancel()
        self._timer = loop.call_at(when, self._look)

    def _views(self) -> Sequence[LinkView]:
        return [lane.view for lane in self._lanes.values()]

    def _send(self, row: Row, frame: bytes, links: Iterable[str]) -> None:
        member = self._ledger().member(row.recipient)
        lanes = [self._lanes[name] for name in links]
        if member is None or not lanes:
            return
        sealed = seal(frame, self._me.site, member.kid, member.receive)
        for lane in lanes:
            lane.put(row.id, row.recipient, sealed)

    def _took(self, id_: str, recipient: str, link: str) -> None:
        if self._outbox.get(id_, recipient) is not None:
            self._tell(Sent(id_, recipient, link))

    def _give_up(self, given_up: Sequence[Row], why: str) -> None:
        self._forget([(row.id, row.recipient) for row in given_up])
        for row in given_up:
            self._tell(GaveUp(row.id, row.recipient, why))

    def _forget(self, pairs: Sequence[tuple[str, str]]) -> None:
        if pairs:
            self._store.submit(lambda db: rows.close_out(db, pairs))
