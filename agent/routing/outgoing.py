"""What we send: signed once, committed, sealed for each recipient, repeated until the receipt came."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial

from agent.domain.events import Event, GaveUp, Heard, Instant, Late, Sent
from agent.domain.ledger import Ledger
from agent.domain.messages import Receipt
from agent.domain.names import HUB
from agent.links.base import Session, has_ways
from agent.routing import rows
from agent.routing.fan import Fan
from agent.routing.lane import Lane
from agent.routing.outbox import Outbox, Row
from agent.routing.policy import (
    CHANNELLED,
    MAIL,
    LinkView,
    answering,
    calls,
    choose,
    late_after,
    towards,
    worth_mail,
)
from agent.routing.signing import Signed, Signing
from agent.system.store import Store, StoreError
from agent.wire.keys import Identity

log = logging.getLogger(__name__)

BELIEVED_MS = 60_000
"""Others accept messages from a clock that is wrong by no more than this."""

BY_MAIL = "by-mail"
"""The kind under which it is kept who spoke last by mail."""

HUB_LATER_S = 0.015
"""Whoever shall come hears a page first; the hub, often the same small computer as the broker, gets its copy then."""


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
        self._signing = Signing(me, ledger, now)
        self.sign = self._signing.sign
        self._outbox = Outbox()
        self._lanes: dict[str, Lane | Fan] = {}
        self._reached: dict[str, frozenset[str]] = {}
        self._gates: dict[str, Lane] = {}
        self._unsure: set[str] = set()
        self._by_mail: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def open_rows(self) -> int:
        """How many messages to recipients still want a receipt."""
        return len(self._outbox)

    def start(self) -> None:
        """Take up the rows of the last run; they go as soon as a link is up."""
        now = self._now()
        self._by_mail = {station for station, _ in self._store.read(rows.KEPT, (BY_MAIL,))}
        for id_, recipient, prio, want, exp in self._store.read(rows.OPEN_ROWS):
            self._outbox.add(Row(id_, recipient, prio, want, exp, posted=now.mono))
        self.drop_revoked()
        self._look()

    async def drain(self, seconds: Mapping[str, float], most: float) -> None:
        """Wait until each link has taken what waits for it, at most the seconds of its name, or `most`."""
        lanes = (self._gates | self._lanes).items()
        waiting = (asyncio.wait_for(lane.drained(), seconds.get(name, most)) for name, lane in lanes)
        await asyncio.gather(*waiting, return_exceptions=True)

    def stop(self) -> None:
        """Stop repeating; everything open is on disk."""
        if self._timer is not None:
            self._timer.cancel()
        self._reached.clear()
        for name in list(self._gates | self._lanes):
            self.closed(name)

    def greeted(self, name: str, session: Session) -> None:
        """A link is connected, and the hub has to prove itself before anything but proofs goes over it."""
        self.closed(name)
        self._gates[name] = Lane(name, session, self._took)

    def opened(self, name: str, session: Session) -> None:
        """A link came up: what its recipients have not stored goes now."""
        lane = self._gates.pop(name, None)
        self.closed(name)
        if has_ways(session):
            self._lanes[name] = Fan(name, session, self._took, self._lost)
            self._call(self._outbox.calling())
            self.ways_changed(name)
            return
        self._lanes[name] = lane if lane is not None else Lane(name, session, self._took)  # an idle one is empty
        self._outbox.try_now(self._now().mono)
        self._look()

    def closed(self, name: str) -> None:
        """A link went down."""
        for lanes in (self._gates, self._lanes):
            lane = lanes.pop(name, None)
            if lane is not None:
                lane.close()
        self._try(self._reached.pop(name, frozenset()))

    def ways_changed(self, name: str) -> None:
        """A link that has a way of its own to each station has won or lost some."""
        fan, before = self._lanes.get(name), self._reached.get(name, frozenset())
        if isinstance(fan, Fan):
            self._reached[name] = now = frozenset(fan.view.ways or ())
            self._try(before ^ now)

    def _lost(self, recipient: str) -> None:
        """A way did not take something. If it has ended, what went over it goes another way at once."""
        if all(link.ways is None or recipient not in link.ways for link in self._views()):
            asyncio.get_running_loop().call_soon(self._try, [recipient])

    def _try(self, recipients: Collection[str]) -> None:
        """Send what these stations have not stored again, as the links are now."""
        for recipient in recipients:
            self._outbox.try_recipient(recipient, self._now().mono)
        if recipients:
            self._look()

    def _call(self, stations: Iterable[str]) -> None:
        """Open ways to these stations, where they are missing."""
        for lane in self._lanes.values():
            if isinstance(lane, Fan):
                for station in stations:
                    lane.want(station)

    def launch(self, signed: Signed) -> None:
        """Send a post for the first time; its rows, if it wants a receipt, are committed."""
        if signed.post.channel:
            self._say(signed)
            return
        instant = self._now()
        now, ends = instant.mono, instant.mono + max(0, signed.exp - instant.ms) / 1000
        for id_, recipient, prio, want, exp in signed.rows():
            row = Row(id_, recipient, prio, want, exp, posted=now, ends=ends)
            if not want:
                over = signed.post.over
                links = towards(recipient, [link for link in self._views() if over in ("", link.name)])
                links = links if over else worth_mail(signed.post.type, links)
                self._send(row, signed.frame, self._answering(recipient, choose(0, prio, links), links))
                continue
            if calls(recipient, prio, want):
                self._call([recipient])
            self._outbox.add(row)
            if not instant.anchored:
                self._unsure.add(id_)
            if recipient == HUB and signed.post.type == "page.new":
                row.due = now + HUB_LATER_S
            for attempt in self._outbox.due(now, self._views(), only=row):
                links = towards(recipient, self._views())
                self._send(row, signed.frame, self._answering(recipient, attempt.links, links))
            self._wake_at(min(row.due, now + late_after(prio)), now)

    def heard(self, station: str, link: str) -> None:
        """Something of a station came over a link. The next run has to know, too, whom perhaps only mail reaches."""
        by_mail = link == MAIL
        if by_mail != (station in self._by_mail):
            (self._by_mail.add if by_mail else self._by_mail.discard)(station)
            self._store.submit(lambda db: rows.keep(db, BY_MAIL, station, b"1" if by_mail else None))

    def _answering(self, recipient: str, names: Sequence[str], links: Sequence[LinkView]) -> list[str]:
        return answering(names, links, by_mail=recipient in self._by_mail)

    def _say(self, signed: Signed) -> None:
        """Send a proof, on the links that have channels for it; what is lost is said again by who waits for it."""
        post, lanes = signed.post, self._gates | self._lanes
        step = f"{'hub' if self._me.station == HUB else 'station'}.send.{post.type}"
        for recipient in post.recipients:
            sealed = self._signing.sealed(recipient, signed.frame)
            for name in CHANNELLED:
                if name in lanes and sealed is not None:
                    lanes[name].put(post.id, recipient, sealed, post.channel, step)

    def hear(self, receipt: Receipt, station: str, link: str) -> None:
        """Take a receipt in: tell the core all of it, then close what it fulfils.

        In this order on disk too: a crash between the two asks for one more receipt, and forgets none.
        """
        closed = [(item.id, station) for item in receipt.items if self._outbox.hear(item.id, station, item.stage)]
        for item in receipt.items:
            self._tell(Heard(item.id, station, item.stage, item.why, item.at, link))
        self._forget(closed)

    def clock_set(self, shift_ms: int) -> None:
        """The hub has told the time, and ours was wrong by so much: what we signed by it nobody believes."""
        unsure, self._unsure = self._unsure, set()
        if abs(shift_ms) < BELIEVED_MS:
            return
        for id_ in unsure:
            found = self._store.read(rows.FRAME, (id_,))
            if found:
                frame, exp = self._signing.again(found[0][0], shift_ms)
                self._store.submit(
                    partial(rows.sign_again, id_=id_, frame=frame, exp=exp), partial(self._moved, id_, exp)
                )

    def _moved(self, id_: str, exp: int, _: None) -> None:
        if self._outbox.move(id_, exp, self._now().mono):
            self._look()

    def cancel(self, id_: str) -> None:
        """Repeat a message no more."""
        self._forget([(row.id, row.recipient) for row in self._outbox.drop(id_)])

    def drop_revoked(self) -> None:
        """Give up rows to stations that are no members any more; all of them if it is us who was shown out."""
        ledger = self._ledger()
        us = ledger.members.get(self._me.station)
        for recipient in self._outbox.recipients():
            if ledger.member(recipient) is None or (us is not None and (us.revoked or us.kid != self._me.kid)):
                self._give_up(self._outbox.drop_recipient(recipient), "revoked")

    def _look(self) -> None:
        """Do whatever is due, then sleep until something is again, whatever went wrong with one of them."""
        self._timer, now = None, self._now()
        self._give_up(self._outbox.expired(now.mono, now.sure_ms), "expired")
        self._call(self._outbox.calling(now.mono))
        for attempt in self._outbox.due(now.mono, self._views()):
            try:
                found = self._store.read(rows.FRAME, (attempt.row.id,))
            except StoreError:
                log.exception("cannot read a message that is due")
                break
            if found:
                self._send(attempt.row, found[0][0], attempt.links)
        for row in self._outbox.newly_late(now.mono):
            self._tell(Late(row.id, row.recipient))
        due = self._outbox.next_due()
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
        lanes = [self._lanes[name] for name in links]
        sealed = self._signing.sealed(row.recipient, frame) if lanes else None
        if sealed is not None:
            for lane in lanes:
                lane.put(row.id, row.recipient, sealed)

    def _took(self, id_: str, recipient: str, link: str) -> None:
        if (row := self._outbox.get(id_, recipient)) is not None:
            row.mailed = self._now().mono if link == MAIL else row.mailed
            self._tell(Sent(id_, recipient, link))

    def _give_up(self, given_up: Sequence[Row], why: str) -> None:
        for row in given_up:
            self._tell(GaveUp(row.id, row.recipient, why))
        self._forget([(row.id, row.recipient) for row in given_up])

    def _forget(self, pairs: Sequence[tuple[str, str]]) -> None:
        if pairs:
            self._store.submit(lambda db: rows.close_out(db, pairs))
