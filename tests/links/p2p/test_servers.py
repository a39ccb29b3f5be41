"""A STUN or TURN server that does not answer costs no connection any time worth the name."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

import pytest

from agent.links.p2p import events
from agent.links.p2p.peer import Connection
from agent.links.p2p.servers import FRESH_S, PATIENCE_S, Servers, reach
from agent.links.p2p.settings import IceServer
from tests.links.taking import until


class Stun(asyncio.DatagramProtocol):
    """Answers every binding request, or with `mute` none."""

    def __init__(self) -> None:
        self.asked, self.mute = 0, False
        self.transport: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember how to answer."""
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """XOR-MAPPED-ADDRESS, as RFC 8489 wants it."""
        self.asked += 1
        if self.mute or self.transport is None:
            return
        port = (addr[1] ^ 0x2112).to_bytes(2, "big")
        address = bytes(a ^ b for a, b in zip(socket.inet_aton(addr[0]), b"\x21\x12\xa4\x42", strict=True))
        attribute = b"\x00\x20\x00\x08\x00\x01" + port + address
        self.transport.sendto(b"\x01\x01\x00\x0c" + data[4:20] + attribute, addr)


@asynccontextmanager
async def stun() -> AsyncIterator[tuple[Stun, IceServer]]:
    """A server and its address."""
    transport, server = await asyncio.get_running_loop().create_datagram_endpoint(Stun, local_addr=("127.0.0.1", 0))
    try:
        yield server, IceServer(f"stun:127.0.0.1:{transport.get_extra_info('sockname')[1]}")
    finally:
        transport.close()
        await asyncio.sleep(0)


def test_who_answers_is_used_and_asked_again_only_when_the_answer_is_old() -> None:
    async def walk() -> None:
        async with stun() as (server, address):
            now = 0.0
            servers = Servers(lambda: [address], lambda: now)
            assert await servers.usable() == [address]
            assert await servers.usable() == [address]
            assert server.asked == 1
            now = FRESH_S + 1
            assert await servers.usable() == [address]
            assert server.asked == 2
            await servers.stop()

    asyncio.run(walk())


def test_who_is_silent_is_waited_for_once_and_used_as_soon_as_it_answers() -> None:
    async def walk() -> None:
        async with stun() as (server, address):
            server.mute = True
            servers = Servers(lambda: [address], time.monotonic)
            began = time.monotonic()
            assert await servers.usable() == []
            assert time.monotonic() - began > PATIENCE_S * 0.9
            took = []
            for _ in range(3):
                began = time.monotonic()
                assert await servers.usable() == []
                took.append(time.monotonic() - began)
            assert min(took) < PATIENCE_S / 2
            server.mute = False
            async with asyncio.timeout(20):
                while await servers.usable() != [address]:
                    await asyncio.sleep(0.05)
            await servers.stop()

    asyncio.run(walk())


def test_a_connection_is_described_at_once_although_its_server_is_silent() -> None:
    async def walk() -> None:
        async with stun() as (server, address):
            server.mute = True
            servers = Servers(lambda: [address], time.monotonic)
            took = []
            for _ in range(2):
                heard: list[events.Event] = []
                connection = Connection("a", servers, heard.append, lambda _: None)
                began = time.monotonic()
                await connection.call()
                took.append(time.monotonic() - began)
                assert [type(event) for event in heard] == [events.Described]
                await connection.close()
            await servers.stop()
            assert min(took) < 2, took

    asyncio.run(walk())


def test_no_server_given_is_no_server_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even the public one aiortc would take by itself."""

    async def walk() -> None:
        from aioice import stun as aioice_stun

        asked: list[object] = []
        monkeypatch.setattr(aioice_stun.Transaction, "run", asked.append)
        heard: list[events.Event] = []
        connection = Connection("a", Servers(tuple, time.monotonic), heard.append, lambda _: None)
        await connection.call()
        (described,) = heard
        assert isinstance(described, events.Described)
        kinds = {line.split(" typ ")[1].split()[0] for line in described.sdp if line.startswith("a=candidate")}
        assert kinds == {"host"}
        assert asked == []
        await connection.close()

    asyncio.run(walk())


def test_a_server_by_tcp_is_one_that_accepts_and_nonsense_is_none() -> None:
    async def walk() -> None:
        listener = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        await reach(f"turn:127.0.0.1:{port}?transport=tcp")
        listener.close()
        await listener.wait_closed()
        for url in (f"turns:127.0.0.1:{port}?transport=tcp", "http://x", "stun:", ""):
            with pytest.raises(OSError, match=r".+"):
                await reach(url)

    asyncio.run(walk())


def test_who_listens_nowhere_is_no_reason_to_fail() -> None:
    async def walk() -> None:
        async with stun() as (server, address):
            assert server.transport is not None
            server.transport.close()
            await until(lambda: server.transport is None or server.transport.is_closing())
            servers = Servers(lambda: [address, IceServer("nonsense")], time.monotonic)
            assert await servers.usable() == []
            await servers.stop()

    asyncio.run(walk())
