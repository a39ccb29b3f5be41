"""One running hub: the core is told what happens, and what it decides is done."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence

from agent.domain.bundle import LIFE_MS
from agent.domain.effects import Effect, Note, ReadKeys, Reply, WakeAt
from agent.domain.events import Arrived, LinkChanged, Woke
from agent.domain.messages import Ice
from agent.hub.account import StationAccount
from agent.hub.core import Appended, Core, Kept
from agent.hub.kept import read_accounts
from agent.hub.proofs import AccountsRead
from agent.links.base import Delivery, Link, Session
from agent.links.keeper import LinkState, keep_up
from agent.routing import rows
from agent.routing.admission import Admission
from agent.routing.bucket import Buckets
from agent.routing.router import Router
from agent.system.clock import SiteClock
from agent.system.ids import new_id
from agent.system.log import event
from agent.system.store import Store
from agent.wire.keys import Identity

log = logging.getLogger(__name__)

PEER_RATE, PEER_BURST = 200.0, 2000
"""What one station may send: a second, for long, and at once, when it comes back with a day's changes."""


class Engine:
    """Core, router and links of a hub; everything in it happens in one event loop."""

    def __init__(
        self,
        me: Identity,
        store: Store,
        kept: Kept,
        clock: SiteClock,
        life_ms: int = LIFE_MS,
        ice: Callable[[str, int], Ice | None] = lambda *_: None,
    ) -> None:
        self.core = Core(
            kept=kept, new_id=new_id, now=clock.now(), chance=secrets.token_bytes, life_ms=life_ms, ice=ice
        )
        self.connected = asyncio.Event()
        self.on_growth: list[Callable[[], None]] = []
        """Called when the ledger has grown."""
        self.watchers: list[Callable[[object, Sequence[Effect]], None]] = []
        """Told of everything that happened and of what the core decided."""
        self._clock, self._store = clock, store
        self._buckets = Buckets(PEER_RATE, PEER_BURST)
        self._wake: asyncio.TimerHandle | None = None
        self._tickets: dict[int, asyncio.Future[Mapping[str, object]]] = {}
        self._last_ticket = 0
        self.router = Router(
            me=me,
            store=store,
            admission=Admission(me, self._buckets),
            ledger=lambda: self.core.ledger,
            now=clock.now,
            new_id=new_id,
            handle=self.handle,
            perform=self._perform,
        )

    def start(self) -> None:
        """Take up what the last run left open."""
        self.router.start()

    def appended(self, appended: Appended) -> None:
        """The ledger grew: whoever is no member any more gets nothing more from us."""
        self.handle(appended)
        self.router.revoked()
        for grew in self.on_growth:
            grew()

    def handle(self, happened: object) -> None:
        """Tell the core and run what it decides. A defect there never stops the hub, nor loops on one message."""
        arrived = None
        if isinstance(happened, Arrived) and rows.is_stored(happened.envelope.type):
            arrived = happened.envelope.id
        try:
            effects = self.core.handle(happened, self._clock.now())
            for watch in self.watchers:
                watch(happened, effects)
        except Exception:
            log.exception("the core failed on %s", type(happened).__name__)
            effects = []
        self.router.run(effects, arrived)

    async def ask(self, make: Callable[[int], object]) -> Mapping[str, object]:
        """Tell the core what `make` returns for a ticket and wait for its Reply; raises NmrError."""
        self._last_ticket += 1
        ticket = self._last_ticket
        replied: asyncio.Future[Mapping[str, object]] = asyncio.get_running_loop().create_future()
        self._tickets[ticket] = replied
        try:
            self.handle(make(ticket))
            return await replied
        finally:
            del self._tickets[ticket]

    async def keep(self, link: Link, arrived: Callable[[Delivery], None] | None = None) -> None:
        """Keep a link up until cancelled; what comes over it goes to `arrived`, or to the router."""

        def opened(session: Session) -> None:
            self.router.opened(link.name, session)

        def changed(now: LinkState) -> None:
            if now.state == "up":
                self.connected.set()
            else:
                self.router.closed(link.name)
            self.handle(LinkChanged(now.name, now.state, now.why))

        await keep_up(link, opened=opened, arrived=arrived or self.router.arrived, changed=changed)

    def tidy(self) -> None:
        """Forget what is no longer needed; once an hour."""
        now = self._clock.now()
        self._buckets.forget_idle(now.mono)
        self._store.submit(lambda db: rows.forget_old(db, now.ms))
        self.handle(Woke())

    def stop(self) -> None:
        """Be quiet; everything open is on disk."""
        self.router.stop()
        if self._wake is not None:
            self._wake.cancel()

    def _perform(self, effect: Effect) -> None:
        match effect:
            case WakeAt(mono):
                self._wake_at(mono)
            case Note(name, fields):
                event(log, name, **fields)
            case ReadKeys():
                self._store.submit(read_accounts, self._read, lambda _: self.handle(AccountsRead(None)))
            case Reply():
                self._replied(effect)

    def _read(self, accounts: tuple[StationAccount, ...]) -> None:
        self.handle(AccountsRead(accounts))

    def _replied(self, reply: Reply) -> None:
        asked = self._tickets.get(reply.ticket)
        if asked is None or asked.done():
            return
        if reply.error is not None:
            asked.set_exception(reply.error)
        else:
            asked.set_result(reply.result)

    def _wake_at(self, mono: float) -> None:
        loop = asyncio.get_running_loop()
        when = loop.time() + max(0.0, mono - self._clock.now().mono)
        if self._wake is not None and not self._wake.cancelled() and loop.time() <= self._wake.when() <= when:
            return
        if self._wake is not None:
            self._wake.cancel()
        self._wake = loop.call_at(when, lambda: self.handle(Woke()))
