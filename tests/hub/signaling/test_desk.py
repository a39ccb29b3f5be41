"""The signaling server on a real network with TLS: what stations get from it, and what it bears."""

import asyncio
import base64
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from agent.domain.envelope import SEALED_BYTES
from agent.domain.keys import to_b64u
from agent.hub.signaling.desk import Desk
from agent.hub.signaling.events import End, Say
from agent.hub.signaling.exchange import Exchange, Limits
from agent.hub.signaling.login import Gate
from tests.hub.signaling.scene import Server, Site, heard, login_frame, running, say, until

pytestmark = pytest.mark.servers

BIGGEST = to_b64u(b"NMR1" + bytes(SEALED_BYTES - 4))


def run(walk: Coroutine[None, None, None], seconds: float = 60) -> None:
    asyncio.run(asyncio.wait_for(walk, seconds))


async def end_of(connection: ClientConnection) -> tuple[str, int]:
    """The code of the last word, and the code of the close."""
    code = (await heard(connection))["error"]
    with pytest.raises(ConnectionClosed) as closed:
        await heard(connection)
    assert closed.value.rcvd is not None
    return code, closed.value.rcvd.code


def test_two_stations_reach_each_other_and_a_third_hears_nothing(tmp_path: Path) -> None:
    async def walk() -> None:
        site = Site("a", "b", "c")
        async with running(site, tmp_path) as server, server.logged_in("a") as a, server.logged_in("b") as b:
            async with server.logged_in("c") as c:
                sealed = site.sealed("b")
                await server.relay(a, "b", sealed)
                assert await heard(b) == {"from": "a", "sealed": sealed}
                await server.relay(b, "a", BIGGEST)
                assert await heard(a) == {"from": "b", "sealed": BIGGEST}
                await server.relay(a, "nobody", sealed)
                assert await heard(a) == {"gone": "nobody"}
                await server.relay(a, "c", sealed)
                assert (await heard(c))["from"] == "a"  # and nothing before it
            await until(lambda: server.desk.exchange.stations == ["a", "b"], "c is away")
            await server.relay(a, "c", sealed)
            assert await heard(a) == {"gone": "c"}

    run(walk())
    assert {path.name for path in tmp_path.iterdir()} == {"tls", "signaling.port"}  # nothing is kept


def test_the_newest_socket_wins_and_a_thief_gets_nothing(tmp_path: Path) -> None:
    async def walk() -> None:
        site = Site("a", "b")
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(running(site, tmp_path))
            older, newer, b = [await stack.enter_async_context(server.logged_in(name)) for name in "aab"]
            assert await end_of(older) == ("replaced", 1008)
            thief = await stack.enter_async_context(server.dialled())
            challenge = (await heard(thief))["challenge"]
            await say(thief, {"login": login_frame(site.keys["b"], challenge, server.host, sender="a")})
            assert await end_of(thief) == ("name", 1008)
            await server.relay(b, "a")
            assert (await heard(newer))["from"] == "b"

    run(walk())


def test_a_login_that_was_relayed_from_another_server_is_refused(tmp_path: Path) -> None:
    async def walk() -> None:
        site = Site("a")
        async with running(site, tmp_path) as server, server.dialled() as middle:
            challenge = (await heard(middle))["challenge"]
            await say(middle, {"login": login_frame(site.keys["a"], challenge, "fake.example:8443")})
            assert await end_of(middle) == ("host", 1008)

    run(walk())


def test_the_revoked_are_closed_and_stay_out(tmp_path: Path) -> None:
    async def walk() -> None:
        site = Site("a", "b")
        async with running(site, tmp_path) as server, server.logged_in("a") as a, server.logged_in("b") as b:
            site.revoke("a")
            server.desk.revoked("a")
            assert await end_of(a) == ("revoked", 1008)
            async with server.dialled() as again:
                challenge = (await heard(again))["challenge"]
                await say(again, {"login": login_frame(site.keys["a"], challenge, server.host)})
                assert await end_of(again) == ("revoked", 1008)
            site.revoke("b")
            server.desk.ledger_changed()
            assert await end_of(b) == ("revoked", 1008)

    run(walk())


def test_whoever_does_not_log_in_is_closed(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running(Site("a"), tmp_path, login_s=0.2) as server, server.dialled() as idle:
            assert "challenge" in await heard(idle)
            assert await end_of(idle) == ("login-late", 1008)
            async with server.logged_in("a") as a:
                await asyncio.sleep(0.4)  # its time to log in passes without anything happening
                await server.relay(a, "b", BIGGEST)
                assert await heard(a) == {"gone": "b"}

    run(walk())


@pytest.mark.parametrize(
    ("sent", "ends"), [("?", "login"), (b"\x00\x01", "form"), ('{"to":"a","sealed":"x"}', "login")]
)
def test_nonsense_is_answered_with_a_reason(tmp_path: Path, sent: str | bytes, ends: str) -> None:
    async def walk() -> None:
        async with running(Site("a"), tmp_path) as server, server.dialled() as stranger:
            await heard(stranger)
            await stranger.send(sent)
            assert await end_of(stranger) == (ends, 1008)

    run(walk())


def test_a_message_that_is_too_large_is_not_even_read(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running(Site("a"), tmp_path) as server, server.logged_in("a") as a:
            await say(a, {"to": "b", "sealed": "A" * 70_000})
            with pytest.raises(ConnectionClosed) as closed:
                await heard(a)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1009
            await until(lambda: not server.desk.exchange.stations, "a is forgotten")

    run(walk())


def test_no_other_path_is_there(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running(Site("a"), tmp_path) as server:
            with pytest.raises(InvalidStatus):
                async with connect(f"wss://{server.host}/other", ssl=server.context, proxy=None):
                    pass

    run(walk())


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
            assert slowest < 1
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
            assert time.monotonic() - begun < 5

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
            begun = time.monotonic()
            for number, one in enumerate(sockets):
                await server.relay(one, names[(number + 1) % 200], site.sealed(names[(number + 1) % 200]))
            for number, one in enumerate(sockets):
                assert (await heard(one))["from"] == names[number - 1]
            assert time.monotonic() - begun < 10
        assert server.desk.exchange.stations == []
        assert server.desk.status()["strangers"] == 0

    run(walk())


def test_after_a_restart_stations_log_in_again_at_the_same_address(tmp_path: Path) -> None:
    async def walk() -> None:
        site = Site("a", "b")
        async with running(site, tmp_path) as first, first.logged_in("a") as a:
            old = first.host
            await asyncio.sleep(0)
            first.web._server.should_exit = True
            with pytest.raises(ConnectionClosed) as closed:
                await heard(a)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        async with running(site, tmp_path) as second, second.logged_in("a") as a, second.logged_in("b") as b:
            assert second.host == old
            await second.relay(a, "b")
            assert (await heard(b))["from"] == "a"

    run(walk())
