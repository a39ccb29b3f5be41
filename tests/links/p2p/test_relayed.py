"""Two stations that no direct path joins meet over coturn as the product configures it (P-01, P-03)."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.hub.turn import turn_credentials
from agent.links.p2p.settings import IceServer
from tests.links.p2p.world.obeying import figure
from tests.links.p2p.world.site import Lone, Site, lone
from tests.servers.coturn import Coturn, running_coturn
from tests.servers.namespaces import PUBLIC, Networks, two_networks

pytestmark = pytest.mark.servers

LOSS = 5
MANY = 1000
SOON_MS = 5000.0


@dataclass(frozen=True, slots=True)
class Apart:
    """Stations that are apart: `anna` in the near network, `bert` and "carl" in one process in the far one."""

    networks: Networks
    anna: Lone
    bert: Lone


@pytest.fixture
def networks() -> Iterator[Networks]:
    """Two networks with a wall between them."""
    with two_networks() as made:
        yield made


@pytest.fixture
def coturn(tmp_path: Path, networks: Networks) -> Iterator[Coturn]:
    """The relay on the router, at a public address: the example as it is, no exception added."""
    (tmp_path / "coturn").mkdir()
    with running_coturn(tmp_path / "coturn", address=PUBLIC, place=networks.router) as running:
        yield running


@asynccontextmanager
async def apart(folder: Path, networks: Networks, coturn: Coturn | None = None) -> AsyncIterator[Apart]:
    """Both stations, logged in at the signaling server on the router."""
    site, now = Site(folder, "anna", "bert", "carl"), round(time.time() * 1000)

    def servers(station: str) -> list[IceServer]:
        if coturn is None:
            return []
        shown = turn_credentials(coturn.secret, station, now)
        return [IceServer(f"turn:{PUBLIC}:{coturn.port}?transport=udp", shown.user, shown.password)]

    async with (
        site.signaling(PUBLIC, networks.router) as url,
        lone(site.told(["anna"], url, servers("anna")), networks.near) as anna,
        lone(site.told(["bert", "carl"], url, servers("bert")), networks.far) as bert,
    ):
        yield Apart(networks, anna, bert)


async def exchanged(there: Apart, count: int) -> None:
    """Send so many both ways and see that each arrived once, in order."""
    await there.anna.ask("send", to="bert", count=count)
    await there.bert.ask("send", to="anna", count=count)
    for side in (there.anna, there.bert):
        assert (await side.ask("take", count=count))["numbers"] == list(range(count))


def test_over_coturn_alone_a_channel_opens_and_carries_both_ways(
    tmp_path: Path, networks: Networks, coturn: Coturn
) -> None:
    async def walk() -> None:
        async with apart(tmp_path, networks, coturn) as there:
            took = await there.anna.ask("open", to="bert")
            for side in (there.anna, there.bert):
                assert [peer["route"] for peer in await side.ask("peers")] == ["relayed"]
            again = await there.anna.ask("open", to="carl")
            figure(f"over coturn: a channel after {took:.0f} ms, the next after {again:.0f} ms")
            await exchanged(there, 100)
            assert min(took, again) <= SOON_MS, "one of the two had an idle moment"

    asyncio.run(walk())


def test_of_a_thousand_messages_over_a_bad_line_none_is_lost_or_out_of_order(
    tmp_path: Path, networks: Networks, coturn: Coturn
) -> None:
    async def walk() -> None:
        async with apart(tmp_path, networks, coturn) as there:
            networks.lose(LOSS)
            took = await there.anna.ask("open", to="bert", within=60)
            begun = time.monotonic()
            again = (await there.anna.ask("send", to="bert", count=MANY, every_s=0.005))["again"]
            came = await there.bert.ask("take", count=MANY)
            assert came["numbers"] == list(range(MANY))
            assert networks.lost() > 0
            seconds, worst = time.monotonic() - begun, max(came["took_ms"])
            figure(f"{LOSS} % lost each way: a channel after {took:.0f} ms; {MANY} messages in {seconds:.1f} s,")
            figure(f"slowest {worst:.0f} ms, {networks.lost()} datagrams lost, {again} messages given again")

    asyncio.run(walk())


def test_without_a_relay_they_do_not_meet_and_with_an_open_router_directly(tmp_path: Path, networks: Networks) -> None:
    async def walk() -> None:
        async with apart(tmp_path, networks) as there:
            with pytest.raises(AssertionError, match="TimeoutError"):
                await there.anna.ask("open", to="bert", within=4)
            networks.join()
            await there.anna.ask("open", to="bert", within=60)
            assert [peer["route"] for peer in await there.bert.ask("peers")] == ["direct"]

    asyncio.run(walk())
