"""The link inside one process keeps the promises of all links, and misbehaves exactly as told."""

import asyncio
from random import Random

import pytest

from agent.links.base import AUTH, HUB, GatedLink, Link, LinkDown
from agent.links.memory import Faults, MemoryNet
from tests.links.channels import ChannelContract
from tests.links.contract import LinkContract
from tests.links.taking import take, take_all


class MemoryScene:
    """Two stations in one net."""

    a, b = "a", "b"

    def __init__(self) -> None:
        self.net = MemoryNet()
        self.link(self.a)
        self.link(self.b)
        self.link(HUB)

    def link(self, station: str) -> Link:
        return self.net.link(station)

    def gated(self, station: str) -> GatedLink:
        return self.net.link(station, gated=True)

    def stranger(self, station: str) -> Link:
        link = self.net.link(station)
        self.net.refuse(station)
        return link

    def cut(self) -> None:
        self.net.cut()

    def mend(self) -> None:
        self.net.heal()


class TestMemory(LinkContract, ChannelContract):
    """The contract."""

    @pytest.fixture
    def scene(self) -> MemoryScene:
        return MemoryScene()


def came(faults: Faults, seed: int, count: int = 200) -> list[int]:
    """What station b receives of `count` numbered messages."""

    async def walk() -> list[int]:
        net = MemoryNet(faults, Random(seed))
        async with net.link("a").connect() as a, net.link("b").connect() as b:
            got: list[bytes] = []
            for number in range(count):
                await a.send("b", b"%d" % number)
            net.faults = Faults()
            await asyncio.sleep(2 * faults.delay)
            await a.send("b", b"end")
            got = await take_all(b.received(), [b"end"])
            return [int(message) for message in got[:-1]]

    return asyncio.run(walk())


def test_a_net_without_faults_keeps_the_order() -> None:
    assert came(Faults(), 1) == list(range(200))


def test_loss_loses_about_the_share_it_is_told() -> None:
    assert 80 < len(came(Faults(loss=0.5), 1)) < 120


def test_double_brings_some_messages_twice_and_loses_none() -> None:
    got = came(Faults(double=0.5), 1)
    assert set(got) == set(range(200))
    assert 280 < len(got) < 320


@pytest.mark.parametrize("faults", [Faults(reorder=0.5), Faults(delay=0.02)])
def test_reorder_and_delay_change_the_order_and_lose_nothing(faults: Faults) -> None:
    got = came(faults, 1)
    assert got != list(range(200))
    assert sorted(got) == list(range(200))


def test_the_same_seed_makes_the_same_faults() -> None:
    wild = Faults(loss=0.2, double=0.2, reorder=0.2)
    assert came(wild, 7) == came(wild, 7) != came(wild, 8)


def test_the_faults_of_the_net_befall_every_channel() -> None:
    async def walk() -> None:
        net = MemoryNet(Faults(double=0.5), Random(1))
        async with net.link("a").connect() as a, net.link(HUB).connect() as hub:
            for number in range(200):
                await a.send(HUB, b"%d" % number, AUTH)
            net.faults = Faults(loss=1.0)
            await a.send(HUB, b"lost", AUTH)
            net.faults = Faults()
            await a.send(HUB, b"end", AUTH)
            got = await take_all(hub.received(), [b"end"])
        assert b"lost" not in got
        assert 280 < len(got) < 320

    asyncio.run(walk())


def test_a_cut_of_one_station_leaves_the_others_and_keeps_its_mail() -> None:
    async def walk() -> None:
        net = MemoryNet()
        async with net.link("a").connect() as a, net.link("b").connect() as b:
            net.cut("b")
            with pytest.raises(LinkDown, match="the net is cut"):
                await take(b.received())
            await a.send("b", b"kept")
            net.heal("b")
            async with net.link("b").connect() as again:
                assert (await take(again.received())).sealed == b"kept"

    asyncio.run(walk())


def test_a_second_connection_of_a_station_ends_the_first() -> None:
    async def walk() -> None:
        net = MemoryNet()
        async with net.link("a").connect() as first, net.link("a").connect() as second:
            with pytest.raises(LinkDown, match="a second time"):
                await take(first.received())
            await second.send("a", b"to myself")
            assert (await take(second.received())).sealed == b"to myself"

    asyncio.run(walk())


def test_mail_to_a_station_nobody_knows_is_lost() -> None:
    async def walk() -> None:
        net = MemoryNet()
        async with net.link("a").connect() as a:
            await a.send("b", b"to nobody")
            async with net.link("b").connect() as b:
                await a.send("b", b"to somebody")
                stream = b.received()
                assert (await take(stream)).sealed == b"to somebody"

    asyncio.run(walk())
