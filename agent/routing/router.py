"""Sends until receipted and receives exactly once, over whichever links are up; runs the effects both cores share."""

import logging
import sqlite3
from collections.abc import Callable, Sequence

from msgspec import json
from msgspec.structs import replace

from agent.domain.effects import Acknowledge, Cancel, Effect, Keep, Notify, Post, Reply
from agent.domain.envelope import WANT_NOTHING
from agent.domain.errors import NmrError
from agent.domain.events import Event, GaveUp, Instant, NotSaved
from agent.domain.ledger import Ledger
from agent.domain.names import HUB
from agent.domain.task import Disbelieve
from agent.links.base import Delivery, Session
from agent.routing import rows
from agent.routing.admission import Admission
from agent.routing.incoming import Incoming
from agent.routing.outgoing import Outgoing
from agent.routing.policy import MAIL
from agent.routing.replies import Replies
from agent.routing.signing import Signed
from agent.system.crash import point
from agent.system.store import Store
from agent.wire.frame import TooLarge
from agent.wire.keys import Identity

DRAIN_S, LAST_MAIL_S = 0.5, 3.0
"""How long the last words may take when the agent ends."""

log = logging.getLogger(__name__)

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
        self._store, self._tell, self._perform = store, handle, perform
        self._side = "hub" if me.station == HUB else "station"
        self._outgoing = Outgoing(me, store, ledger, now, handle)
        self._replies = Replies(self._post_once, new_id, lambda: now().ms)
        self._incoming = Incoming(
            admission=admission,
            store=store,
            ledger=ledger,
            now=now,
            tell=handle,
            receipted=self._outgoing.hear,
            heard=self._outgoing.heard,
            replies=self._replies,
        )

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

    async def drain(self, *, for_good: bool = False) -> None:
        """Send the receipts that wait, let the links take them and what was sent before; the last time `for_good`."""
        self._replies.send()
        await self._outgoing.drain({MAIL: LAST_MAIL_S} if for_good else {}, DRAIN_S)

    def stop(self) -> None:
        """Be quiet; everything open is on disk."""
        self._replies.send()
        self._incoming.stop()
        self._outgoing.stop()

    def greeted(self, name: str, session: Session) -> None:
        """A link is connected; until it is `opened` it carries proofs of keys and nothing else."""
        self._outgoing.greeted(name, session)

    def opened(self, name: str, session: Session) -> None:
        """A link came up."""
        self._outgoing.opened(name, session)

    def closed(self, name: str) -> None:
        """A link went down."""
        self._outgoing.closed(name)

    def ways_changed(self, name: str) -> None:
        """A link that has a way of its own to each station has won or lost some."""
        self._outgoing.ways_changed(name)

    def arrived(self, delivery: Delivery) -> None:
        """A link brought a container."""
        self._incoming.arrived(delivery)

    def revoked(self) -> None:
        """The ledger lost members: give up what was on its way to them."""
        self._outgoing.drop_revoked()

    def clock_set(self, shift_ms: int) -> None:
        """The hub has told the time for the first time in this run; ours was so much behind."""
        self._outgoing.clock_set(shift_ms)

    def run(self, effects: Sequence[Effect], arrived: str | None = None) -> None:
        """Run a core's effects in order; behind the first Keep everything waits for the commit.

        `arrived` is the id of the stored arrival these effects answer; it is marked handled in the same commit. A
        page that rings now is handled only when it was presented: a crash before that rings it again.
        """
        first_keep = next((i for i, effect in enumerate(effects) if isinstance(effect, Keep)), len(effects))
        for effect in effects[:first_keep]:
            if not _durable(effect):
                self._do(effect, {})
        later = [effect for i, effect in enumerate(effects) if i >= first_keep or _durable(effect)]
        signed = self._sign(later)
        try:
            works = [work for effect in later if (work := self._work(effect, signed)) is not None]
        except (TypeError, ValueError) as error:  # a value that cannot be written: a defect of the core
            self._failed(later, error)
            return
        if arrived is not None and not any(isinstance(e, Notify) and e.page == arrived for e in effects):
            works.append(lambda db: rows.mark_handled(db, arrived))
        steps = [f"{self._side}.write.{effect.kind}" for effect in later if isinstance(effect, Keep)]
        if works:
            for step in steps:
                point(f"{step}.before")
            self._store.submit(
                lambda db: _run_all(works, db),
                lambda _: self._finish(later, signed, steps),
                lambda error: self._failed(later, error),
            )
        else:
            self._finish(later, signed, steps)

    def _sign(self, effects: Sequence[Effect]) -> dict[str, Signed]:
        signed = {}
        for effect in effects:
            if isinstance(effect, Post) and effect.want and effect.recipients:
                try:
                    signed[effect.id] = self._outgoing.sign(effect)
                except ValueError as error:
                    log.warning("cannot send: id=%s type=%s error=%s", effect.id, effect.type, type(error).__name__)
                    self._give_up(effect, "too-large" if isinstance(error, TooLarge) else "unsendable")
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

    def _finish(self, effects: Sequence[Effect], signed: dict[str, Signed], steps: Sequence[str]) -> None:
        for step in steps:
            point(f"{step}.after")
        for effect in effects:
            self._do(effect, signed)

    def _do(self, effect: Effect, signed: dict[str, Signed]) -> None:
        match effect:
            case Keep():
                return
            case Post(want=0):
                self._post_once(effect)
            case Post(id_):
                if id_ in signed:
                    self._outgoing.launch(signed[id_])
            case Acknowledge(id_, sender, stage, why):
                self._replies.receipt(sender, id_, stage, why)
            case Cancel(id_):
                self._outgoing.cancel(id_)
            case Disbelieve(code):
                self._incoming.refusals.counts[code] += 1
            case _:
                self._perform_safely(effect)

    def _perform_safely(self, effect: Effect) -> None:
        """A defect in showing one thing must not keep the others from being done, or from being saved."""
        try:
            self._perform(effect)
        except Exception:
            log.exception("an effect failed: %s", type(effect).__name__)

    def _post_once(self, post: Post) -> None:
        try:
            signed = self._outgoing.sign(post)
        except ValueError as error:
            log.warning("cannot send: type=%s error=%s", post.type, error)
        else:
            self._outgoing.launch(signed)

    def _failed(self, effects: Sequence[Effect], error: Exception) -> None:
        """Nothing was written, so nothing was sent: whoever asked is told so."""
        told = error if isinstance(error, NmrError) else NmrError("Could not be saved", str(error), code="store")
        log.error("cannot keep what was decided: %s", told)
        for effect in effects:
            match effect:
                case Reply():
                    self._perform_safely(replace(effect, error=told))
                case Post():
                    self._give_up(effect, "store")
                case Keep() | Acknowledge() | Cancel():
                    pass
                case _:
                    self._perform_safely(effect)
        self._tell(NotSaved(told.title, told.message))

    def _give_up(self, post: Post, why: str) -> None:
        for recipient in post.recipients:
            self._tell(GaveUp(post.id, recipient, why))


def _durable(effect: Effect) -> bool:
    return isinstance(effect, Keep | Acknowledge) or (isinstance(effect, Post) and effect.want != WANT_NOTHING)


def _run_all(works: Sequence[Work], db: sqlite3.Connection) -> None:
    for work in works:
        work(db)
