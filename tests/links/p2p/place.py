"""A site of a few stations with real keys, and a signaling server that relays as it is told to."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from msgspec import to_builtins
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from agent.domain.envelope import LIFE_MS, Envelope
from agent.domain.keys import from_b64u, to_b64u
from agent.domain.messages import Parameters
from agent.domain.signals import TYPE_OF, SignalLogin
from agent.links.p2p.events import Signal
from agent.links.p2p.link import P2pLink, P2pSession
from agent.links.p2p.settings import P2pSettings
from agent.system.ids import new_id
from agent.wire.frame import FrameRefused, read_body, sign_frame, take_apart, verify
from agent.wire.keys import Identity
from agent.wire.seal import open_sealed, seal
from tests.links.taking import until

SITE = "inn"
CHALLENGE = "A" * 43


class Keys:
    """A notary with a station's real keys, who knows all members."""

    def __init__(self, me: Identity, members: dict[str, Identity]) -> None:
        self.me, self.members = me, members

    def login(self, login: SignalLogin) -> bytes:
        """Sign a login."""
        return self._sign({"hub": True}, login)

    def seal(self, to: str, signal: Signal) -> bytes:
        """Sign and seal a signal."""
        other = self.members[to]
        return seal(self._sign({"station": to}, signal), self.me.site, other.kid, other.receive)

    def open(self, sender: str, sealed: bytes) -> tuple[Envelope, Parameters]:
        """Check as the station's admission does."""
        parts = take_apart(open_sealed(sealed, self.me))
        owner = next((member for member in self.members.values() if member.kid == parts.kid), None)
        if owner is None:
            raise FrameRefused("unknown-kid")
        verify(parts, owner.sign)
        envelope, params = read_body(parts.body)
        if envelope.sender != owner.station or sender != owner.station:
            raise FrameRefused("sender")
        if envelope.to != {"station": self.me.station}:
            raise FrameRefused("audience")
        if envelope.exp < time.time() * 1000:
            raise FrameRefused("expired")
        return envelope, params

    def _sign(self, to: dict[str, str | bool], params: Parameters) -> bytes:
        at, type_ = round(time.time() * 1000), TYPE_OF[type(params)]
        p = {key: value for key, value in to_builtins(params).items() if value is not None}
        envelope = Envelope(
            v=1, site=self.me.site, id=new_id(), sender=self.me.station, to=to, type=type_, at=at,
            exp=at + LIFE_MS[type_], re=None, want=0, prio=0, head=None, p=p,
        )  # fmt: skip
        return sign_frame(envelope, self.me)


Relayed = list[tuple[str, str, bytes]]
"""What goes on: recipient, the sender's name as it is told, container."""


class Relay:
    """A signaling server for tests; `twist` makes of each container what goes on instead."""

    def __init__(self, members: dict[str, Identity]) -> None:
        self.members = members
        self.sockets: dict[str, ServerConnection] = {}
        self.seen: Relayed = []
        self.twist: Callable[[str, str, bytes], Relayed] = lambda to, sender, sealed: [(to, sender, sealed)]
        self.port = 0
        self._server: Server | None = None

    async def start(self) -> None:
        """Listen, after the first time at the same port."""
        self._server = await serve(self._talk, "127.0.0.1", self.port)
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def stop(self) -> None:
        """Cut everybody off and listen no more."""
        if self._server is not None:
            self._server.close()
            for socket in self.sockets.values():
                socket.transport.abort()
            await self._server.wait_closed()

    async def _talk(self, socket: ServerConnection) -> None:
        await socket.send(json.dumps({"challenge": CHALLENGE}))
        try:
            station = self._check(json.loads(await socket.recv())["login"].encode())
            if station is None:
                await socket.send(json.dumps({"error": "revoked", "message": "You are no member"}))
                return
            older = self.sockets.pop(station, None)
            if older is not None:
                await older.send(json.dumps({"error": "replaced", "message": "You are here twice"}))
                await older.close()
            self.sockets[station] = socket
            await socket.send(json.dumps({"ok": {"station": station}}))
            async for text in socket:
                await self._relay(station, json.loads(text))
        except ConnectionClosed:
            pass
        finally:
            self.sockets = {name: other for name, other in self.sockets.items() if other is not socket}

    def _check(self, frame: bytes) -> str | None:
        parts = take_apart(frame)
        member = next((member for member in self.members.values() if member.kid == parts.kid), None)
        if member is None:
            return None
        verify(parts, member.sign)
        _, login = read_body(parts.body)
        assert login == SignalLogin(challenge=CHALLENGE, host=f"127.0.0.1:{self.port}")
        return member.station

    async def _relay(self, sender: str, message: dict[str, str]) -> None:
        sealed = from_b64u(message["sealed"])
        self.seen.append((message["to"], sender, sealed))
        for to, name, container in self.twist(message["to"], sender, sealed):
            if to in self.sockets:
                await self.sockets[to].send(json.dumps({"from": name, "sealed": to_b64u(container)}))
            else:
                await self.sockets[sender].send(json.dumps({"gone": to}))


class Place:
    """Stations by name and the relay between them."""

    def __init__(self, *stations: str) -> None:
        self.members = {station: Identity.new(SITE, station) for station in stations}
        self.relay = Relay(self.members)

    def settings(self, station: str) -> P2pSettings:
        """Where it finds the relay."""
        return P2pSettings(station, f"ws://127.0.0.1:{self.relay.port}/signal")

    def link(self, station: str, **more: object) -> P2pLink:
        """Its link."""
        return P2pLink(self.settings(station), Keys(self.members[station], self.members), **more)  # type: ignore[arg-type]

    def stranger(self, station: str) -> P2pLink:
        """A link with its name and other keys."""
        return P2pLink(self.settings(station), Keys(Identity.new(SITE, station), self.members))


@asynccontextmanager
async def place(*stations: str) -> AsyncIterator[Place]:
    """A site whose relay listens."""
    made = Place(*stations)
    await made.relay.start()
    try:
        yield made
    finally:
        await made.relay.stop()


def is_open(session: P2pSession, station: str) -> bool:
    """Whether there is a good channel."""
    return any(peer.station == station and peer.state == "open" for peer in session.peers())


async def met(a: P2pSession, b: P2pSession, names: tuple[str, str], within: float = 30.0) -> None:
    """Open a channel from the first to the second, and wait until both have it."""
    a.want(names[1])
    await until(lambda: is_open(a, names[1]) and is_open(b, names[0]), within)


async def still(check: Callable[[], object], seconds: float) -> None:
    """Make sure that something stays so for a while."""
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        assert check()
        await asyncio.sleep(0.02)
