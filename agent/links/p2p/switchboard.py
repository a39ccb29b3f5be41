"""Every peer's negotiation and connections: it lets the machines hear, does what they want, and keeps their time."""

import asyncio
import logging
import math
import secrets
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from agent.domain.envelope import SEALED_BYTES
from agent.links.base import LinkDown
from agent.links.p2p import events
from agent.links.p2p.events import Signal
from agent.links.p2p.negotiation import Negotiation
from agent.links.p2p.peer import Connection, Route
from agent.links.p2p.pulse import decode
from agent.links.p2p.servers import Servers
from agent.links.p2p.table import Phase

ON_DEMAND_S = 60.0
"""A channel that a message wanted is tried for so long."""

Standing = Literal["open", "suspect", "connecting", "away"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PeerState:
    """How we reach one station; `route` and `rtt_ms` are None without a channel."""

    station: str
    state: Standing
    route: Route | None
    rtt_ms: float | None


@dataclass(slots=True)
class _Peer:
    machine: Negotiation
    connections: dict[str, Connection] = field(default_factory=dict)

    @property
    def used(self) -> Connection | None:
        use = self.machine.use
        return None if use is None else self.connections.get(use)


class Switchboard:
    """All the channels of station `me`.

    `say` sends a signal, `arrived` gets what a proven channel brings, `changed` is called when a channel was won or
    lost; none of them waits. `delays` gives the seconds between attempts.
    """

    def __init__(
        self,
        me: str,
        servers: Servers,
        *,
        say: Callable[[str, Signal], None],
        arrived: Callable[[str, bytes], None],
        changed: Callable[[], None],
        delays: Callable[[], Iterator[float]],
    ) -> None:
        self._me, self._servers = me, servers
        self._say, self._arrived, self._changed, self._delays = say, arrived, changed, delays
        self._loop = asyncio.get_running_loop()
        self._peers: dict[str, _Peer] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._lingering: dict[asyncio.TimerHandle, Connection] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = math.inf
        self._signaling = False
        self._stopped = False
        self.refusals: Counter[str] = Counter()
        """How often stations said what did not count, by code."""

    def want(self, station: str, seconds: float = ON_DEMAND_S) -> None:
        """Open a channel to a station if there is none, and try for so long."""
        self.tell(station, events.Wanted(self._loop.time() + seconds))

    def unwant(self, station: str) -> None:
        """Keep no channel to a station longer than it is used."""
        self.tell(station, events.Unwanted())

    def signaling(self, *, up: bool) -> None:
        """Signals can be sent from now on, or not."""
        self._signaling = up
        for station in list(self._peers):
            self.tell(station, events.SignalingUp() if up else events.SignalingDown())

    def came(self, station: str, signal: Signal, at: int) -> None:
        """A signal of a station, checked and meant for us; `at` is when it was made, by its clock, ms."""
        self.tell(station, events.Came(signal, at))

    def gone(self, station: str) -> None:
        """The signaling server knows no such station now."""
        if station in self._peers:
            self.tell(station, events.Gone())

    async def send(self, station: str, message: bytes) -> None:
        """Send over the channel to a station; without a good one raise LinkDown at once, and begin to open it."""
        now, peer = self._loop.time(), self._peers.get(station)
        channel, pulse = (None, None) if peer is None else (peer.used, peer.machine.pulse)
        if channel is None or pulse is None:
            self.want(station)
            raise LinkDown(f"no channel to {station} is open yet")
        pulse.used_at = now
        if pulse.health(now) != "open":
            self.want(station)
            raise LinkDown(f"{station} is silent")
        await channel.send(message)

    @property
    def is_open(self) -> bool:
        """Whether there is any channel."""
        return any(peer.machine.use is not None for peer in self._peers.values())

    def peers(self) -> list[PeerState]:
        """How we reach every station we have, want or had a channel to."""
        return [self._state(station, peer) for station, peer in sorted(self._peers.items())]

    async def stop(self) -> None:
        """Say goodbye and close everything."""
        for station in list(self._peers):
            self.tell(station, events.Stopped())
        self._stopped = True
        if self._timer is not None:
            self._timer.cancel()
        for timer, connection in self._lingering.items():
            timer.cancel()
            self._spawn(connection.close())
        self._lingering.clear()
        while self._tasks:
            await asyncio.wait(self._tasks)

    def tell(self, station: str, event: events.Event) -> None:
        """Let one machine hear something, and do what it wants."""
        if self._stopped:
            return
        peer = self._peers.get(station) or self._meet(station)
        effects = peer.machine.handle(event, self._loop.time())
        for effect in effects:
            self._do(station, peer, effect)
        if effects or not isinstance(event, events.Heard):  # to have heard something only puts things off
            self._set_timer()

    def _meet(self, station: str) -> _Peer:
        new_id = partial(secrets.token_hex, 16)
        machine = Negotiation(self._me, station, new_id=new_id, delays=self._delays, signaling=self._signaling)
        peer = self._peers[station] = _Peer(machine)
        return peer

    def _do(self, station: str, peer: _Peer, effect: events.Effect) -> None:
        match effect:
            case events.Say(signal):
                self._say(station, signal)
            case events.Call(pc):
                self._spawn(self._connect(station, peer, pc).call())
            case events.Take(pc, sdp):
                self._spawn(self._connect(station, peer, pc).take(sdp))
            case events.Join(pc, sdp):
                self._spawn(peer.connections[pc].join(sdp))
            case events.Candidate(pc, line):
                self._spawn(peer.connections[pc].find(line))
            case events.SendBeat(pc, beat):
                peer.connections[pc].push(beat.encode())
            case events.Close(pc, after):
                self._close(peer, pc, after)
            case events.Use(pc):
                _log.info("p2p: %s: %s", station, "a channel is open" if pc else "no channel any more")
                self._changed()
            case events.Refuse(code):
                self.refusals[code] += 1
                _log.info("p2p: %s: refused code=%s", station, code)

    def _connect(self, station: str, peer: _Peer, pc: str) -> Connection:
        tell = partial(self.tell, station)
        connection = Connection(pc, self._servers, tell, partial(self._heard, station, peer, pc))
        peer.connections[pc] = connection
        return connection

    def _close(self, peer: _Peer, pc: str, after: float) -> None:
        connection = peer.connections.pop(pc, None)
        if connection is None:
            return
        if not after:
            self._spawn(connection.close())
            return

        def close() -> None:
            del self._lingering[timer]
            self._spawn(connection.close())

        timer = self._loop.call_later(after, close)
        self._lingering[timer] = connection

    def _heard(self, station: str, peer: _Peer, pc: str, message: bytes) -> None:
        """Something came over a channel. One that was replaced still brings what was on its way."""
        beat = decode(message)
        proven = pc not in peer.connections or pc == peer.machine.use
        self.tell(station, events.Heard(pc, beat))
        if beat is not None or not proven:
            return
        if len(message) > SEALED_BYTES:
            self.refusals["size"] += 1
            return
        self._arrived(station, message)

    def _state(self, station: str, peer: _Peer) -> PeerState:
        machine, channel, pulse = peer.machine, peer.used, peer.machine.pulse
        if channel is None or pulse is None:
            return PeerState(station, "away" if machine.phase is Phase.IDLE else "connecting", None, None)
        state: Standing = "open" if pulse.health(self._loop.time()) == "open" else "suspect"
        return PeerState(station, state, channel.route, None if pulse.rtt is None else pulse.rtt * 1000)

    def _spawn(self, deed: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(deed)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _set_timer(self) -> None:
        """Wake up when the first machine wants to."""
        now = self._loop.time()
        due = min((peer.machine.due(now) for peer in self._peers.values()), default=math.inf)
        if due == self._timer_at:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = due
        self._timer = None if due == math.inf else self._loop.call_at(due, self._tick)

    def _tick(self) -> None:
        self._timer, self._timer_at = None, math.inf
        now = self._loop.time()
        for station, peer in list(self._peers.items()):
            if peer.machine.due(now) <= now:
                self.tell(station, events.Tick())
        self._set_timer()
