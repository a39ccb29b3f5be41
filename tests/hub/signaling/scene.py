"""A site with a ledger, a signaling server on a free port, and stations that talk to it by hand."""

import asyncio
import json
import os
import ssl
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec import to_builtins
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from agent.domain.audience import THE_HUB, Audience
from agent.domain.envelope import SEALED_BYTES, Envelope
from agent.domain.keys import kid_of, to_b64u
from agent.domain.ledger import Ledger
from agent.domain.messages import Parameters, Probe
from agent.domain.names import HUB
from agent.domain.signals import SignalLogin
from agent.hub.broker.tls import SiteTls
from agent.hub.entries import genesis_value, make_entry, member_value
from agent.hub.signaling.alone import hosts_of
from agent.hub.signaling.desk import Desk, make_alone
from agent.hub.signaling.exchange import LOGIN_S, Exchange, Limits
from agent.hub.signaling.login import Gate
from agent.hub.web import WebServer, open_port
from agent.system.ids import new_id
from agent.wire.frame import sign_frame
from agent.wire.keys import Identity
from agent.wire.ledger import read_entry
from agent.wire.seal import seal

PATIENCE = 30.0
CHALLENGE = "c" * 43
HOST = "127.0.0.1:8443"
DEFAULT_LIMITS = Limits()
BIGGEST = to_b64u(b"NMR1" + bytes(SEALED_BYTES - 4))


class Site:
    """A hub's ledger as it grows, and the keys of everybody in it."""

    def __init__(self, *stations: str) -> None:
        self.hub = Identity.new("s1", HUB)
        self.ledger = Ledger("s1")
        self.frames: list[bytes] = []
        self.keys: dict[str, Identity] = {}
        self.append("genesis", HUB, genesis_value(self.hub))
        for station in stations:
            self.add(station)

    def append(self, op: str, subject: str, value: dict[str, object]) -> None:
        """Publish an entry."""
        frame = make_entry(self.ledger, self.hub, op, subject, value, id_=new_id(), at=1)
        self.ledger = read_entry(self.ledger, frame)
        self.frames.append(frame)

    def add(self, station: str) -> Identity:
        """Enrol a station, with new keys if it has been here before."""
        keys = self.keys[station] = Identity.new("s1", station)
        self.append("member.add", station, member_value("anna", ["staff"], to_b64u(keys.sign), to_b64u(keys.receive)))
        return keys

    def revoke(self, station: str) -> None:
        """Take a station off the list."""
        self.append("member.revoke", station, {})

    def sealed(self, to: str, content: bytes = b"x" * 300) -> str:
        """A container for a station, as it travels."""
        keys = self.keys[to]
        return to_b64u(seal(content, "s1", kid_of(keys.sign), keys.receive))


def login_frame(
    me: Identity,
    challenge: str = CHALLENGE,
    host: str = HOST,
    *,
    sender: str = "",
    site: str = "",
    to: Audience = THE_HUB,
    other: bool = False,
) -> str:
    """A login, right but for what the test says."""
    params: Parameters = Probe(n=1) if other else SignalLogin(challenge=challenge, host=host)
    envelope = Envelope(
        v=1, site=site or me.site, id=new_id(), sender=sender or me.station, to=to.to_wire(),
        type="probe" if other else "signal.login", at=1, exp=60_001, re=None, want=0, prio=0, head=None,
        p={key: value for key, value in to_builtins(params).items() if value is not None},
    )  # fmt: skip
    return sign_frame(envelope, me).decode()


class Server:
    """A signaling server that runs; `host` is what stations dial."""

    def __init__(self, site: Site, desk: Desk, web: WebServer, context: ssl.SSLContext) -> None:
        self.site, self.desk, self.web, self.context = site, desk, web, context

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.web.port}"

    @asynccontextmanager
    async def dialled(self, **settings: Any) -> AsyncIterator[ClientConnection]:
        """A socket of a stranger."""
        own = {"ssl": self.context, "proxy": None, "compression": None, "close_timeout": 2, **settings}
        async with connect(f"wss://{self.host}/signal", **own) as socket:
            yield socket

    @asynccontextmanager
    async def logged_in(self, station: str, **settings: Any) -> AsyncIterator[ClientConnection]:
        """A socket of a member."""
        async with self.dialled(**settings) as socket:
            await self.log_in(socket, self.site.keys[station])
            yield socket

    async def log_in(self, socket: ClientConnection, me: Identity) -> None:
        """Answer the challenge; raises AssertionError unless it is let in."""
        challenge = (await heard(socket))["challenge"]
        await say(socket, {"login": login_frame(me, challenge, self.host)})
        assert await heard(socket) == {"ok": {"station": me.station}}

    async def relay(self, socket: ClientConnection, to: str, sealed: str = "") -> None:
        await say(socket, {"to": to, "sealed": sealed or self.site.sealed(to)})


@asynccontextmanager
async def running(
    site: Site,
    folder: Path,
    limits: Limits = DEFAULT_LIMITS,
    *,
    login_s: float = LOGIN_S,
    slow_s: float = 20.0,
    ping_s: float = 20.0,
    port: int = 0,
) -> AsyncIterator[Server]:
    """The server over TLS, as the hub runs it."""
    tls = SiteTls(folder / "tls")
    tls.ensure("s1", ["127.0.0.1"])
    with open_port("127.0.0.1", port, folder / "signaling.port") as listening:
        hosts = hosts_of(["127.0.0.1"], listening.getsockname()[1])
        exchange = Exchange(Gate(lambda: site.ledger, hosts), os.urandom, limits)
        desk = Desk(exchange, time.monotonic, login_s=login_s, slow_s=slow_s)
        context = ssl.create_default_context(cadata=tls.ca_pem.decode())
        async with WebServer(make_alone(desk), listening, tls, sockets=limits.sockets, ping_s=ping_s) as web:
            yield Server(site, desk, web, context)


async def say(socket: ClientConnection, message: object) -> None:
    """Send one message."""
    await socket.send(message if isinstance(message, str) else json.dumps(message))


async def heard(socket: ClientConnection) -> dict[str, Any]:
    """The next message."""
    async with asyncio.timeout(PATIENCE):
        message: dict[str, Any] = json.loads(await socket.recv())
        return message


async def until(condition: Any, what: str) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.01)
    assert condition(), what


def run(walk: Coroutine[None, None, None], seconds: float = 60) -> None:
    """Walk in an event loop of its own, and not for ever."""
    asyncio.run(asyncio.wait_for(walk, seconds))


async def end_of(connection: ClientConnection) -> tuple[str, int]:
    """The code of the last word, and the code of the close."""
    code = (await heard(connection))["error"]
    with pytest.raises(ConnectionClosed) as closed:
        await heard(connection)
    assert closed.value.rcvd is not None
    return code, closed.value.rcvd.code
