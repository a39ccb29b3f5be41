"""The peer-to-peer link: up while the signaling server or any channel works."""

# Two keepers, one loop: the station's keeper keeps this link up, and the session of this link has a keeper of the same
# make for its way to the signaling server. So a restart of that server costs no channel, and a station whose every
# channel is dead comes back like any other link.

import asyncio
import logging
import math
import random
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from itertools import repeat

from agent.domain.envelope import SEALED_BYTES
from agent.domain.signals import SIGNALS, SignalAnswer, SignalBye, SignalIce, SignalOffer
from agent.links.arrivals import Arrivals
from agent.links.base import INBOX, Delivery, LinkDown, LinkRefused, Session
from agent.links.keeper import LinkState, keep_up
from agent.links.p2p.events import Signal
from agent.links.p2p.servers import Servers
from agent.links.p2p.settings import Notary, P2pSettings
from agent.links.p2p.signaling import SignalingLink
from agent.links.p2p.switchboard import PeerState, Switchboard
from agent.wire.frame import FrameRefused

SHORTEST_S, FIRST_BOUND_S, LONGEST_S, AWAY_S = 0.1, 0.5, 8.0, 60.0
"""Delays between attempts reach anywhere up to a bound that doubles; a peer that stays away is asked ever less."""
EAGER = 30
GOODBYE_S = 1.0

_log = logging.getLogger(__name__)


def retry_delays(chance: Callable[[], float] = random.random) -> Iterator[float]:
    """Seconds before each new attempt to reach one station."""
    for turn in range(EAGER):
        bound = min(LONGEST_S, FIRST_BOUND_S * 2**turn)
        yield SHORTEST_S + (bound - SHORTEST_S) * chance()
    for bound in repeat(AWAY_S):
        yield LONGEST_S + (bound - LONGEST_S) * chance()


class P2pLink:
    """One station's direct way to the others.

    `warm` names the stations to which a channel is kept open; it is asked when the signaling server is reached and at
    each `rewarm`. `changed` is called when a channel was won or lost.
    """

    name = "p2p"

    def __init__(
        self,
        settings: P2pSettings,
        notary: Notary,
        *,
        warm: Callable[[], Iterable[str]] = tuple,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        self._settings, self._notary, self._warm, self._changed = settings, notary, warm, changed
        self._session: P2pSession | None = None

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["P2pSession"]:
        """Reach the signaling server; raises LinkDown or LinkRefused."""
        session = P2pSession(self._settings, self._notary, self._warm, self._changed)
        try:
            await session.begin()
            self._session = session
            yield session
        finally:
            self._session = None
            await session.leave()

    def rewarm(self) -> None:
        """Ask again to whom channels are kept open."""
        if self._session is not None:
            self._session.rewarm()

    def peers(self) -> list[PeerState]:
        """How each station is reached."""
        return [] if self._session is None else self._session.peers()


class P2pSession:
    """The link while it is up."""

    def __init__(
        self, settings: P2pSettings, notary: Notary, warm: Callable[[], Iterable[str]], changed: Callable[[], None]
    ) -> None:
        self._me, self._notary, self._warm, self._told = settings.station, notary, warm, changed
        self._servers = Servers(settings.servers, asyncio.get_running_loop().time)
        self._board = Switchboard(
            settings.station,
            self._servers,
            say=self._say,
            arrived=self._arrived,
            changed=self._channels_changed,
            delays=retry_delays,
        )
        self._signaling = SignalingLink(settings, notary, self._board.gone)
        self._arrivals = Arrivals()
        self._warmed: set[str] = set()
        self._words: asyncio.Queue[tuple[str, Signal]] = asyncio.Queue()
        self._way: Session | None = None
        self._first: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tasks: list[asyncio.Task[None]] = []

    async def begin(self) -> None:
        """Return when the signaling server has let us in; raises LinkDown or LinkRefused."""
        keeper = keep_up(self._signaling, opened=self._way_opened, arrived=self._signal_came, changed=self._way_changed)
        self._tasks = [asyncio.create_task(keeper), asyncio.create_task(self._speak())]
        await self._first

    async def leave(self) -> None:
        """Say goodbye, close every channel and end."""
        self._arrivals.end(LinkDown("closed"))
        await self._board.stop()
        if self._way is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(GOODBYE_S):
                    await self._words.join()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._servers.stop()

    async def send(self, to: str, sealed: bytes, channel: str = INBOX) -> None:
        """Send over the channel to station `to`; raises LinkDown at once if none is good, and begins to open one.

        ValueError for more than any link carries, and for any channel of links but the inbox.
        """
        if len(sealed) > SEALED_BYTES:
            raise ValueError(f"{len(sealed)} bytes are more than the {SEALED_BYTES} a link carries")
        if channel != INBOX or to == self._me:
            raise ValueError(f"no way to {to} on channel {channel!r}")
        self._arrivals.check_up()
        await self._board.send(to, sealed)

    def received(self) -> AsyncIterator[Delivery]:
        """Yield what the channels bring until the link goes down, then raise LinkDown or LinkRefused."""
        return self._arrivals.stream()

    @property
    def rtt(self) -> float | None:
        """The shortest round trip of all channels, seconds."""
        return min((peer.rtt_ms / 1000 for peer in self.peers() if peer.rtt_ms is not None), default=None)

    def peers(self) -> list[PeerState]:
        """How each station is reached."""
        return self._board.peers()

    def want(self, station: str) -> None:
        """Open a channel to a station, if there is none."""
        self._board.want(station)

    def rewarm(self) -> None:
        """Keep channels open to those who are warm now, and no longer to the others."""
        warm = set(self._warm()) - {self._me}
        for station in self._warmed - warm:
            self._board.unwant(station)
        for station in warm:
            self._board.want(station, math.inf)
        self._warmed = warm

    # The signaling server

    def _way_opened(self, way: Session) -> None:
        self._way = way

    def _way_changed(self, state: LinkState) -> None:
        match state.state:
            case "up":
                self._board.signaling(up=True)
                self.rewarm()
                self._answer_first(None)
            case "refused":
                self._lose_way(LinkRefused(state.why), for_good=True)
            case "down":
                self._lose_way(LinkDown(state.why), for_good=False)

    def _lose_way(self, error: LinkDown | LinkRefused, *, for_good: bool) -> None:
        self._way = None
        self._board.signaling(up=False)
        self._answer_first(error)
        if for_good or not self._board.is_open:
            self._arrivals.end(error)

    def _answer_first(self, error: LinkDown | LinkRefused | None) -> None:
        if self._first.done():
            return
        if error is None:
            self._first.set_result(None)
        else:
            self._first.set_exception(error)

    def _signal_came(self, delivery: Delivery) -> None:
        sender = delivery.sender or ""
        try:
            envelope, signal = self._notary.open(sender, delivery.sealed)
        except FrameRefused as refused:
            self._board.refusals[refused.code] += 1
            _log.info("p2p: a signal of %s was refused: code=%s", sender, refused.code)
            return
        if envelope.sender != sender or type(signal) not in SIGNALS.values():
            self._board.refusals["link"] += 1
            return
        if isinstance(signal, (SignalOffer, SignalAnswer, SignalIce, SignalBye)):
            self._board.came(sender, signal, envelope.at)

    def _say(self, to: str, signal: Signal) -> None:
        self._words.put_nowait((to, signal))

    async def _speak(self) -> None:
        """Send one signal after the other; what cannot be sent now is lost, its attempt ends by itself."""
        while True:
            to, signal = await self._words.get()
            try:
                if self._way is not None:
                    await self._way.send(to, self._notary.seal(to, signal))
            except LookupError:
                self._board.gone(to)
            except LinkDown as error:
                _log.info("p2p: a signal to %s was lost: %s", to, error)
            finally:
                self._words.task_done()

    # The channels

    def _arrived(self, station: str, sealed: bytes) -> None:
        self._arrivals.put(Delivery("p2p", station, sealed, _nothing))

    def _channels_changed(self) -> None:
        if self._way is None and not self._board.is_open:
            self._arrivals.end(LinkDown("neither the signaling server nor any station is reached"))
        self._told()


def _nothing() -> None:
    """A channel keeps nothing, so there is nothing to accept."""
