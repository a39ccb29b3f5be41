"""The station's direct ways to the others: the peer-to-peer link, and everything it needs of the station."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from agent.domain.errors import BadInput, Unavailable
from agent.domain.events import Event, Instant, LinkChanged, PeersReached, PingAsked
from agent.domain.ledger import Ledger
from agent.domain.messages import Ice
from agent.links.base import INBOX, Delivery, Session
from agent.links.keeper import LinkState, keep_up
from agent.links.p2p.link import P2pLink, P2pSession
from agent.links.p2p.settings import IceServer, Notary, P2pSettings
from agent.routing.router import Router
from agent.system.credentials import Credentials
from agent.system.log import event as log_event

NAME = "p2p"
PINGS = 5
OPEN_S, ANSWER_S = 12.0, 5.0
"""So long a ping waits for the way to open, and for each answer, seconds."""

Ask = Callable[[Callable[[int], Event]], Awaitable[object]]
"""Tells the core what is returned for a ticket, and waits for its Reply."""

log = logging.getLogger(__name__)


class Direct:
    """One for each station; used in the event loop only.

    `warm` names the stations to which a way is kept open, `handle` tells the core, `ledger` is the newest.
    """

    name = NAME

    def __init__(
        self,
        credentials: Credentials,
        signaling: str,
        notary: Notary,
        *,
        router: Callable[[], Router],
        handle: Callable[[Event], None],
        ledger: Callable[[], Ledger],
        now: Callable[[], Instant],
        warm: Callable[[], Iterable[str]],
    ) -> None:
        self._me, self._router, self._handle = credentials.station, router, handle
        self._ledger, self._now = ledger, now
        host = signaling or urlsplit(credentials.url).netloc
        settings = P2pSettings(
            credentials.station, f"wss://{host}/signal", credentials.ca_pem.encode(), servers=self._servers
        )
        self._link = P2pLink(settings, notary, warm=warm, changed=self._channels_changed)
        self._ice: Ice | None = None
        self._state = LinkState(NAME, "down", "", 0.0)
        self._session: Ways | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._again, self._moved = asyncio.Event(), asyncio.Event()
        self._keys: dict[str, bytes | None] = {}

    async def keep(self) -> None:
        """Keep the link up until cancelled."""
        while True:
            keeper = self._keeper = asyncio.create_task(
                keep_up(
                    self,
                    opened=self._opened,
                    arrived=self._router().arrived,
                    changed=self._changed,
                    again=self._again,
                ),
                name=f"keep {NAME}",
            )
            try:
                await asyncio.wait([keeper])
            finally:
                keeper.cancel()
                await asyncio.gather(keeper, return_exceptions=True)

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["Ways"]:
        """Reach the signaling server; raises LinkDown or LinkRefused."""
        async with self._link.connect() as session:
            yield Ways(session)

    def use(self, ice: Ice) -> None:
        """The hub has named the servers that help; whoever refused us may let us in now."""
        self._ice = ice
        if self._state.state != "up":
            self.retry()

    def retry(self) -> None:
        """Something has changed: try again at once."""
        self._again.set()

    def rewarm(self) -> None:
        """Keep ways open to whom we page most now."""
        self._link.rewarm()

    def ledger_grew(self) -> None:
        """End every way at once if one of them leads to a station that is no member any more, or has other keys.

        Those that may stay are made anew within a second; until then there is MQTT.
        """
        if any(self._is_another(peer.station) for peer in self._link.peers() if peer.state != "away"):
            log_event(log, "p2p-ended", why="a member was removed")
            self._changed(LinkState(NAME, "down", "the list of members has changed", self._now().mono))
            if self._keeper is not None:
                self._keeper.cancel()

    def peers(self) -> list[dict[str, object]]:
        """How each station is reached: {station, state, route, rtt_ms}."""
        return [
            {
                "station": peer.station,
                "state": peer.state,
                "route": peer.route,
                "rtt_ms": None if peer.rtt_ms is None else round(peer.rtt_ms, 1),
            }
            for peer in self._link.peers()
        ]

    async def ping(self, station: str, ask: Ask) -> dict[str, object]:
        """Let a station answer a few signed messages over its way, which is opened if need be; raises NmrError.

        Returns {station, route, opened_ms (None if it was open), rtt_ms: [float]}.
        """
        if station == self._me or self._ledger().member(station) is None:
            raise BadInput("No such station", f"“{station}” is no other station of this site", field="station")
        opened_ms = await self._reach(station)
        trips = []
        for _ in range(PINGS):
            began = time.perf_counter()
            try:
                async with asyncio.timeout(ANSWER_S):
                    await ask(lambda ticket: PingAsked(station, NAME, ticket))
            except TimeoutError:
                why = f"Its way is open, but no answer came within {ANSWER_S:g} seconds; its agent may be older"
                raise Unavailable(f"{station} does not answer", why, code="p2p-silent") from None
            trips.append(round((time.perf_counter() - began) * 1000, 2))
        route = next((peer["route"] for peer in self.peers() if peer["station"] == station), None)
        return {"station": station, "route": route, "opened_ms": opened_ms, "rtt_ms": trips}

    async def _reach(self, station: str) -> int | None:
        """Return when the way is open, with the milliseconds that took."""
        if self._session is None:
            why = self._state.why or "The signaling server was not reached yet"
            raise Unavailable("The peer-to-peer link is not up", why, code="p2p-down")
        if station in self._session.ways():
            return None
        began = time.perf_counter()
        try:
            async with asyncio.timeout(OPEN_S):
                while not self._wanted(station):
                    await self._moved.wait()
        except TimeoutError:
            why = f"Within {OPEN_S:g} seconds none opened: its agent is not there, or nothing leads through the network"
            raise Unavailable(f"No direct way to {station}", why, code="p2p-no-way") from None
        return round((time.perf_counter() - began) * 1000)

    def _wanted(self, station: str) -> bool:
        """Ask for a way once more; return whether it is open. The next change sets `_moved`."""
        self._moved.clear()
        if self._session is None:
            return False
        self._session.want(station)
        return station in self._session.ways()

    # the link

    def _opened(self, session: Session) -> None:
        assert isinstance(session, Ways)
        self._session = session
        self._router().opened(NAME, session)

    def _changed(self, now: LinkState) -> None:
        self._state = now
        if now.state != "up":
            self._session = None
            self._router().closed(NAME)
            self._tell_ways()
        log_event(log, "link", name=NAME, state=now.state, why=now.why)
        self._handle(LinkChanged(NAME, now.state, now.why))

    def _channels_changed(self) -> None:
        """Called in the midst of what the link does, so that it must not be asked for anything now."""
        asyncio.get_running_loop().call_soon(self._tell_ways)

    def _tell_ways(self) -> None:
        ways: Mapping[str, float | None] = self._session.ways() if self._session is not None else {}
        self._keys = {name: self._keys.get(name) or self._kid(name) for name in ways}
        self._moved.set()
        self._router().ways_changed(NAME)
        self._handle(PeersReached(frozenset(ways)))

    def _is_another(self, station: str) -> bool:
        """Whether a station is no member any more, or has other keys than when its way was opened."""
        kid = self._kid(station)
        return kid is None or self._keys.get(station, kid) != kid

    def _kid(self, station: str) -> bytes | None:
        member = self._ledger().member(station)
        return None if member is None else member.kid

    def _servers(self) -> list[IceServer]:
        """Who may be asked for our address or to relay, now; nobody before the hub has named them."""
        ice = self._ice
        if ice is None:
            return []
        stun = [IceServer(ice.stun)] if ice.stun else []
        if ice.until <= self._now().ms:
            return stun
        return [*stun, *(IceServer(url, ice.user, ice.password) for url in ice.turn)]


class Ways:
    """The link's session, as the router sees it."""

    def __init__(self, session: P2pSession) -> None:
        self._session = session

    async def send(self, to: str, sealed: bytes, channel: str = INBOX) -> None:
        """Send over the way to a station; raises LinkDown."""
        await self._session.send(to, sealed, channel)

    def received(self) -> AsyncIterator[Delivery]:
        """Yield what comes until the link goes down."""
        return self._session.received()

    def ways(self) -> Mapping[str, float | None]:
        """The stations that can be sent to now, each with its round trip, seconds."""
        return {
            peer.station: None if peer.rtt_ms is None else peer.rtt_ms / 1000
            for peer in self._session.peers()
            if peer.state == "open"
        }

    def want(self, station: str) -> None:
        """Open a way to a station, if there is none."""
        self._session.want(station)
