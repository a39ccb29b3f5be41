"""TURN credentials: coturn as the example configures it takes ours, for their time, and relays to nobody inside."""

import asyncio
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import Self

import pytest

from agent.hub.turn import LIFE_S, turn_credentials
from tests.servers.coturn import EXAMPLE, Coturn, running_coturn

UNAUTHORIZED, FORBIDDEN = 401, 403


def test_credentials_are_what_coturn_computes() -> None:
    # printf %s 1700000060:desk-1 | openssl dgst -sha1 -hmac s3cret -binary | base64
    made = turn_credentials("s3cret", "desk-1", 1_700_000_000_999, 60)
    assert (made.user, made.until) == ("1700000060:desk-1", 1_700_000_060_000)
    assert made.password == "jR6iIZA5nXhSnrdonM3QNmJNfEc="


def test_each_station_second_and_secret_has_its_own_password() -> None:
    asked = [("s", "a", 0), ("s", "b", 0), ("s", "a", 1000), ("t", "a", 0)]
    assert len({turn_credentials(*one).password for one in asked}) == len(asked)
    assert turn_credentials("s", "a", 0).until == LIFE_S * 1000


class Relay:
    """An allocation at the server: `turn` is aioice's protocol, `arrived` what came through."""

    def __init__(self, coturn: Coturn, user: str, password: str) -> None:
        from aioice.turn import TurnClientUdpProtocol

        self._server = ("127.0.0.1", coturn.port)
        self.turn = TurnClientUdpProtocol(self._server, user, password, lifetime=600, channel_refresh_time=500)
        self.arrived: asyncio.Queue[bytes] = asyncio.Queue()
        self.address = ("", 0)

    async def __aenter__(self) -> Self:
        """Raises TransactionFailed where it is refused."""
        loop = asyncio.get_running_loop()
        opened, _ = await loop.create_datagram_endpoint(lambda: self.turn, remote_addr=self._server)
        try:
            self.address = await self.turn.connect()
        except BaseException:
            opened.close()
            raise
        self.turn.receiver = _Ear(self.arrived)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.turn.delete()


class _Ear(asyncio.DatagramProtocol):
    def __init__(self, arrived: asyncio.Queue[bytes]) -> None:
        self._arrived = arrived

    def datagram_received(self, data: bytes, addr: object) -> None:
        self._arrived.put_nowait(data)


async def code_of(work: Awaitable[object]) -> int:
    """The error a TURN server answers with."""
    from aioice.stun import TransactionFailed

    with pytest.raises(TransactionFailed) as failed:
        await work
    return int(failed.value.response.attributes["ERROR-CODE"][0])


@pytest.mark.servers
def test_two_stations_with_our_credentials_speak_through_the_relay(tmp_path: Path) -> None:
    async def walk(coturn: Coturn) -> None:
        now = round(time.time() * 1000)
        one, two = (turn_credentials(coturn.secret, name, now) for name in ("desk-1", "desk-2"))
        async with Relay(coturn, one.user, one.password) as a, Relay(coturn, two.user, two.password) as b:
            await b.turn.send_data(b"opens the way", a.address)
            await a.turn.send_data(b"hello", b.address)
            assert await asyncio.wait_for(b.arrived.get(), 5) == b"hello"

    with running_coturn(tmp_path, loopback_peers=True) as coturn:
        asyncio.run(walk(coturn))


@pytest.mark.servers
def test_the_expired_the_forged_and_the_nameless_are_refused(tmp_path: Path) -> None:
    async def walk(coturn: Coturn) -> None:
        now = round(time.time() * 1000)
        good = turn_credentials(coturn.secret, "desk-1", now)
        old = turn_credentials(coturn.secret, "desk-1", now - 120_000, 60)
        forged = turn_credentials("another secret", "desk-1", now)
        longer = f"{good.until // 1000 + 9999}:desk-1"
        for user, password in [
            (old.user, old.password),
            (forged.user, forged.password),
            (longer, good.password),
            ("desk-1", good.password),
            ("", ""),
        ]:
            assert await code_of(Relay(coturn, user, password).__aenter__()) == UNAUTHORIZED, user
        async with Relay(coturn, good.user, good.password) as relay:
            assert relay.address[0] == "127.0.0.1"

    with running_coturn(tmp_path) as coturn:
        asyncio.run(walk(coturn))


INSIDE = ["127.0.0.1", "10.1.2.3", "172.20.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"]


@pytest.mark.servers
def test_the_example_relays_to_the_world_and_to_nothing_inside(tmp_path: Path) -> None:
    async def walk(coturn: Coturn) -> None:
        good = turn_credentials(coturn.secret, "desk-1", round(time.time() * 1000))
        async with Relay(coturn, good.user, good.password) as relay:
            for number, address in enumerate(INSIDE):
                asked = relay.turn.channel_bind(0x4000 + number, (address, 9))
                assert await code_of(asked) == FORBIDDEN, address
            await relay.turn.channel_bind(0x4100, ("1.1.1.1", 9))  # granted; nothing is sent there

    with running_coturn(tmp_path) as coturn:
        asyncio.run(walk(coturn))


def test_the_example_denies_every_range_that_is_not_public() -> None:
    from ipaddress import ip_address

    lines = [line.partition("=")[2] for line in EXAMPLE.read_text().splitlines() if line.startswith("denied-peer-ip=")]
    ranges = [tuple(ip_address(end) for end in (line.split("-") * 2)[:2]) for line in lines]

    def denied(text: str) -> bool:
        address = ip_address(text)
        return any(low.version == address.version and low <= address <= high for low, high in ranges)  # type: ignore[operator]

    for text in [*INSIDE[:-1], "::1", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::1"]:
        assert denied(text), text
    for text in ["1.1.1.1", "8.8.8.8", "2606:4700::1111", "2a00:1450::1"]:
        assert not denied(text), text
