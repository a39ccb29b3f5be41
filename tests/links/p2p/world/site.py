"""A site whose stations are processes of their own, with the product's signaling server."""

import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.domain.keys import to_b64u
from agent.domain.ledger import Ledger
from agent.domain.names import HUB
from agent.hub.broker.tls import SiteTls
from agent.hub.entries import genesis_value, make_entry, member_value
from agent.hub.signaling.alone import hosts_of
from agent.hub.signaling.desk import Desk, make_alone
from agent.hub.signaling.exchange import Exchange, Limits
from agent.hub.signaling.login import Gate
from agent.hub.web import WebServer, open_port
from agent.links.p2p.settings import IceServer
from agent.system.ids import new_id
from agent.wire.keys import Identity
from agent.wire.ledger import read_entry
from tests.links.p2p.place import SITE
from tests.servers.namespaces import Namespace, around

ROOT = Path(__file__).resolve().parents[4]
STATION = "tests.links.p2p.world.station"
ANSWER_S = 60.0


class Site:
    """Everybody's keys and the ledger that lists them; its server keeps its files in `folder`."""

    def __init__(self, folder: Path, *stations: str) -> None:
        self.hub, self.ledger = Identity.new(SITE, HUB), Ledger(SITE)
        self.members = {station: Identity.new(SITE, station) for station in stations}
        self.tls, self._folder = SiteTls(folder / "tls"), folder
        self._append("genesis", HUB, genesis_value(self.hub))
        for station, keys in self.members.items():
            value = member_value("anna", ["staff"], to_b64u(keys.sign), to_b64u(keys.receive))
            self._append("member.add", station, value)

    def _append(self, op: str, subject: str, value: dict[str, object]) -> None:
        frame = make_entry(self.ledger, self.hub, op, subject, value, id_=new_id(), at=1)
        self.ledger = read_entry(self.ledger, frame)

    @asynccontextmanager
    async def signaling(self, address: str = "127.0.0.1", place: Namespace | None = None) -> AsyncIterator[str]:
        """The server at `address`, each time at the same port; gives its URL."""
        self.tls.ensure(SITE, [address])
        with nullcontext() if place is None else place.entered():
            listening = open_port(address, 0, self._folder / "port")
        with listening:
            port, limits = listening.getsockname()[1], Limits()
            gate = Gate(lambda: self.ledger, hosts_of([address], port))
            desk = Desk(Exchange(gate, os.urandom, limits), time.monotonic)
            async with WebServer(make_alone(desk), listening, self.tls, sockets=limits.sockets):
                yield f"wss://{address}:{port}/signal"

    def told(self, stations: Sequence[str], url: str, servers: Sequence[IceServer] = ()) -> dict[str, object]:
        """What a process must know to be these stations."""
        keys = {name: [key.hex() for key in member.private_keys()] for name, member in self.members.items()}
        asked = [[server.url, server.user, server.password] for server in servers]
        ca = self.tls.ca_pem.decode()
        return {"stations": list(stations), "url": url, "ca": ca, "keys": keys, "servers": asked}


@dataclass(frozen=True, slots=True)
class Lone:
    """A process that does what it is asked, one thing after the other."""

    process: asyncio.subprocess.Process

    async def ask(self, do: str, **details: object) -> Any:
        """Ask for a deed; what came of it. Raises AssertionError with the process's words if it failed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"do": do, **details}).encode() + b"\n")
        async with asyncio.timeout(ANSWER_S):
            answer = json.loads(await self.process.stdout.readline() or b'{"error": "it has ended"}')
        assert "error" not in answer, answer["error"]
        return answer["ok"]


@asynccontextmanager
async def lone(
    told: dict[str, object],
    place: Namespace | None = None,
    *,
    program: str = STATION,
    env: dict[str, str] | None = None,
) -> AsyncIterator[Lone]:
    """Start one, and wait until it is ready."""
    around_it = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
    process = await asyncio.create_subprocess_exec(
        *around(place), sys.executable, "-m", program, cwd=ROOT, env=around_it,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=2**24,
    )  # fmt: skip
    try:
        one = Lone(process)
        await one.ask("begin", **told)
        yield one
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
