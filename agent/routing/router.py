"""Sends until receipted and receives exactly once, over whichever links are up; runs the effects both cores share."""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import replace

from msgspec import json

from agent.domain.audience import Audience
from agent.domain.effects import Acknowledge, Cancel, Effect, Keep, Post, Reply
from agent.domain.envelope import WANT_NOTHING
from agent.domain.errors import NmrError
from agent.domain.events import Event, GaveUp, Instant
from agent.domain.ledger import Ledger
from agent.links.base import Delivery, Session
from agent.routing import rows
from agent.routing.admission import Admission
from agent.routing.incoming import Incoming
from agent.routing.outgoing import Outgoing, Signed
from agent.system.store import Store
from agent.wire.frame import TooLarge
from agent.wire.keys import Identity

RECEIPTS_AFTER_S = 0.02
"""Receipts wait this long for company: no person notices, and a burst costs few signatures."""

Work = Callable[[sqlite3.Connection], None]


class Router:
    """One for each agent and each hub.

    `handle` is told what happened; `perform` runs the effects that are not the router's own. `new_id` makes
    message ids. All methods are called in the event loop.
    """

    def __init__(
        self,
        *,
        me: Identity,
        store: Store,
        admission: Admission,
        ledger: Callable[[], Ledger],
        now: Callable[[], Instant],
        new_id: Callable[[], str],
        handle: Callable[[Event], None],
        perform: Callable[[Effect], None],
    ) -> None:
        self._store, self._now, self._new_id, self._tell, self._perform = store, now, new_id, handle, perform
        self._outgoing = Outgoing(me, store, ledger, now, handle)
        self._incoming = Incoming(
            admission=admission,
            store=store,
            ledger=ledger,
            now=now,
            tell=handle,
            receipted=self._outgoing.hear,
            answer=self._receipts_waiting,
        )
        self._receipt_timer: asyncio.TimerHandle | None = None

    @property
    def refused(self) -> dict[str, int]:
        """How many containers were refused, by code."""
        return dict(self._incoming.refusals.counts)

    @property
    def open_rows(self) -> int:
        """How many messages to recipients still want a receipt."""
        return self._outgoing.open_rows

    def start(self) -> None:
        """Take up what the last run left open."""
        self._outgoing.start()
        self._incoming.start()

    def stop(self) -> None:
        """Send the receipts that wait, then be quiet."""
        self._send_receipts()
        self._incoming.stop()
        self._outgoing.stop()

    def opened(self, name: str, session: Session) -> None:
        """A link came up."""
        self._outgoing.opened(name, session)

    def closed(self, name: str) -> None:
        """A link went down."""
        self._outgoing.closed(name)

    def arrived(self, delivery: Delivery) -> None:
        """A link brought a container."""
        self._incoming.arrived(delivery)

    def revoked(self) -> None:
        """The ledger lost members: give up what was on its way to them."""
        self._outgoing.drop_revoked()

    def run(self, effects: Sequence[Effect], arrived: str | None = None) -> None:
        """Run a core's effects in order; behind the first Keep everything waits for the commit.

        `arrived` is the id of the stored arrival these effects answer; it is marked handled in the same commit.
        """
        first_keep = next((i for i, effect in enumerate(effects) if isinstance(effect, Keep)), len(effects))
        for effect in effects[:first_keep]:
            if not _durable(effect):
                self._do(effect, {})
        later = [effect for i, effect in enumerate(effects) if i >= first_keep or _durable(effect)]
        signed = self._sign(later)
        works = [work for effect in later if (work := self._work(effect, signed)) is not None]
        if arrived is not None:
            works.append(lambda db: rows.mark_handled(db, arrived))
        if works:
            self._store.submit(
                lambda db: _run_all(works, db),
                lambda _: self._finish(later, signed),
                lambda error: self._failed(later, error),
            )
        else:
            self._finish(later, signed)

    def _sign(self, effects: Sequence[Effect]) -> dict[str, Signed]:
        signed = {}
        for effect in effects:
            if isinstance(effect, Post) and effect.want and effect.recipients:
                try:
                    signed[effect.id] = self._outgoing.sign(effect)
                except TooLarge:
                    self._give_up(effect, "too-large")
        return signed

    def _work(self, effect: Effect, signed: dict[str, Signed]) -> Work | None:
        """Return what an effect writes, or None."""
        match effect:
            case Keep(kind, id_, value):
                body = value if isinstance(value, bytes) or value is None else json.encode(value)
                return lambda db: rows.keep(db, kind, id_, body)
            case Acknowledge(id_, _, stage, why):
                return lambda db: rows.set_stage(db, id_, stage, why)
            case Post(id_) if id_ in signed:
                return signed[id_].commit
        return None

    def _finish(self, effects: Sequence[Effect], signed: dict[str, Signed]) -> None:
        for effect in effects:
            self._do(effect, signed)

    def _do(self, effect: Effect, signed: dict[str, Signed]) -> None:
        match effect:
            case Keep():
                return
            case Post(want=0):
                self._outgoing.launch(self._outgoing.sign(effect))
            case Post(id_):
                if id_ in signed:
                    self._outgoing.launch(signed[id_])
            case Acknowledge(id_, sender, stage, why):
                self._incoming.receipts.add(sender, id_, stage, why, self._now().ms)
                self._receipts_waiting()
            case Cancel(id_):
                self._outgoing.cancel(id_)
            case _:
                self._perform(effect)

    def _failed(self, effects: Sequence[Effect], error: Exception) -> None:
        """Nothing was written, so nothing was sent: whoever asked is told so."""
        told = error if isinstance(error, NmrError) else NmrError("Could not be saved", str(error), code="store")
        for effect in effects:
            match effect:
                case Reply():
                    self._perform(replace(effect, error=told))
                case Post():
                    self._give_up(effect, "store")
                case Keep() | Acknowledge() | Cancel():
                    pass
                case _:
                    self._perform(effect)

    def _give_up(self, post: Post, why: str) -> None:
        for recipient in post.recipients:
            self._tell(GaveUp(post.id, recipient, why))

    def _receipts_waiting(self) -> None:
        if self._receipt_timer is None:
            loop = asyncio.get_running_loop()
            self._receipt_timer = loop.call_later(RECEIPTS_AFTER_S, self._send_receipts)

    def _send_receipts(self) -> None:
        if self._receipt_timer is not None:
            self._receipt_timer.cancel()
            self._receipt_timer = None
        for sender, receipt in self._incoming.receipts.take():
            audience = Audience("station", sender)
            self._do(Post(self._new_id(), audience, (sender,), "receipt", receipt, want=WANT_NOTHING), {})


def _durable(effect: Effect) -> bool:
    return isinstance(effect, Keep | Acknowledge) or (isinstance(effect, Post) and effect.want != WANT_NOTHING)


def _run_all(works: Sequence[Work], db: sqlite3.Connection) -> None:
    for work in works:
        work(db)
