"""What the signaling server bears: floods, slow readers, the dead, strangers, and many at once."""

import asyncio
import base64
import json
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection

from agent.hub.signaling.desk import Desk
from agent.hub.signaling.events import End, Say
from agent.hub.signaling.exchange import Exchange, Limits
from agent.hub.signaling.login import Gate
from tests.hub.signaling.scene import BIGGEST, Server, Site, end_of, heard, login_frame, run, running, until

pytestmark = pytest.mark.servers


def test_a_flood_costs_its_sender_and_nobody_else(tmp_path: Path) -> None:
    async def walk() -> None:
        site = Site("a", "b", "c", "d")
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(running(site, tmp_path))
            a, b, c, d = [await stack.enter_async_context(server.logged_in(name)) for name in "abcd"]
            begun, sealed = time.monotonic(), site.sealed("b")

            async def send() -> None:
                for _ in range(100):
                    await server.relay(a, "b", sealed)

            async def through() -> None:
                for _ in range(100):
                    assert (await heard(b))["from"] == "a"

            flooding, arriving = asyncio.create_task(send()), asyncio.create_task(through())
            slowest = 0.0
            for _ in range(30):
                sent = time.monotonic()
                await server.relay(c, "d")
                assert (await heard(d))["from"] == "c"
                slowest = max(slowest, time.monotonic() - sent)
            assert slowest < 2.5, "it waited behind the flood"
            await asyncio.gather(flooding, arriving)
            assert time.monotonic() - begun > (100 - 40) / 20 - 0.2

    run(walk())


async def flood(server: Server, sender: ClientConnection) -> None:
    """Send as much as it takes."""
    while True:
        await server.relay(sender, "b", BIGGEST)


@asynccontextmanager
async def deaf(server: Server, site: Site, station: str) -> AsyncIterator[asyncio.StreamReader]:
    """A station that logs in, and then takes nothing more from its socket and answers no ping."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.setblocking(False)
    await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", server.web.port))
    reader, writer = await asyncio.open_connection(
        sock=plain, ssl=server.context, server_hostname="127.0.0.1", limit=4096
    )
    key = base64.b64encode(bytes(16)).decode()
    ask = f"GET /signal HTTP/1.1\r\nHost: {server.host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    writer.write(f"{ask}Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
    await reader.readuntil(b"\r\n\r\n")
    challenge = json.loads(await _frame(reader))["challenge"]
    login = json.dumps({"login": login_frame(site.keys[station], challenge, server.host)}).encode()
    writer.write(bytes([0x81, 0x80 | 126]) + len(login).to_bytes(2, "big") + bytes(4) + login)
    assert "ok" in json.loads(await _frame(reader))
    try:
        yield reader
    finally:
        writer.transport.abort()


async def _frame(reader: asyncio.StreamReader) -> bytes:
    _, length = await reader.readexactly(2)
    return await reader.readexactly(length)


def test_a_slow_reader_holds_up_nobody_and_is_closed(tmp_path: Path) -> None:
    async def walk() -> None:
        site = Site("a", "b", "c")
        limits = Limits(waiting=200_000)
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(running(site, tmp_path, limits, slow_s=1))
            a, c = [await stack.enter_async_context(server.logged_in(name)) for name in "ac"]
            await stack.enter_async_context(deaf(server, site, "b"))
            desk = server.desk
            flooding = asyncio.create_task(flood(server, a))
            answers = 0
            async with asyncio.timeout(30):
                while desk.exchange.stations != ["a", "c"]:
                    assert max(one.waiting for one in desk.exchange._sockets.values()) <= limits.waiting
                    await server.relay(c, "a")
                    while (await heard(a)) == {"gone": "b"}:
                        answers += 1
            flooding.cancel()
            assert answers

    run(walk())


class Stuck:
    """A socket whose network takes the first message when the test says so, and then everything."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.goes, self.closed = asyncio.Event(), asyncio.Event()

    async def accept(self) -> None:
        """As a real one."""

    async def receive(self) -> dict[str, str]:
        await self.closed.wait()
        return {"type": "websocket.disconnect"}

    async def send_text(self, text: str) -> None:
        await self.goes.wait()
        self.sent.append(text)

    async def close(self, code: int, reason: str) -> None:
        self.closed.set()


def test_what_still_waits_for_a_socket_that_is_ended_is_not_sent() -> None:
    async def walk() -> None:
        desk = Desk(Exchange(Gate(lambda: Site().ledger, frozenset()), os.urandom), time.monotonic)
        stuck = Stuck()
        serving = asyncio.create_task(desk.serve(stuck))  # type: ignore[arg-type]
        await until(lambda: desk.exchange.strangers, "the stranger is greeted")
        await asyncio.sleep(0)
        for effect in (Say(1, "secret of before"), End(1, "the end", "revoked")):
            desk._do(effect)
        stuck.goes.set()
        await serving
        assert "secret of before" not in stuck.sent
        assert stuck.sent[-1] == "the end"

    run(walk())


def test_a_station_whose_computer_died_is_closed(tmp_path: Path) -> None:
    async def walk() -> None:
        site = Site("a")
        async with running(site, tmp_path, ping_s=0.2) as server, deaf(server, site, "a"):
            begun = time.monotonic()
            await until(lambda: not server.desk.exchange.stations, "a is forgotten")
            assert time.monotonic() - begun < 15

    run(walk())


def test_strangers_keep_nobody_out(tmp_path: Path) -> None:
    async def walk() -> None:
        limits = Limits(sockets=50, strangers=5)
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(running(Site("a"), tmp_path, limits))
            crowd = [await stack.enter_async_context(server.dialled()) for _ in range(20)]
            await stack.enter_async_context(server.logged_in("a"))
            assert "challenge" in await heard(crowd[0])
            assert await end_of(crowd[0]) == ("busy", 1013)
            assert server.desk.exchange.strangers <= 5

    run(walk())


def test_two_hundred_stations_at_once(tmp_path: Path) -> None:
    names = [f"desk-{number}" for number in range(200)]

    async def walk() -> None:
        site = Site(*names)
        async with running(site, tmp_path) as server, AsyncExitStack() as stack:
            at_once = asyncio.Semaphore(40)  # the tests share one processor with the server

            async def come(name: str) -> ClientConnection:
                async with at_once:
                    return await stack.enter_async_context(server.logged_in(name, open_timeout=30))

            sockets = await asyncio.gather(*map(come, names))
            assert server.desk.exchange.stations == sorted(names)
            for number, one in enumerate(sockets):
                await server.relay(one, names[(number + 1) % 200], site.sealed(names[(number + 1) % 200]))
            for number, one in enumerate(sockets):
                assert (await heard(one))["from"] == names[number - 1]
        assert server.desk.exchange.stations == []
        assert server.desk.status()["strangers"] == 0

    run(walk())
