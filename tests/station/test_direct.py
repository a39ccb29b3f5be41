"""Two agents in one process with real direct ways between them: aiortc, and the hub's own signaling server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from agent.domain.errors import BadInput, NmrError, Unavailable
from agent.domain.messages import Ice
from agent.domain.page import State
from agent.links.memory import MemoryNet
from agent.links.p2p.settings import IceServer
from agent.station.direct import Direct
from agent.system.credentials import Credentials
from tests.hub.signaling.scene import Server, Site, running
from tests.walks.desk import Desk, until
from tests.walks.members import Members

pytestmark = pytest.mark.servers

ON = "[link.p2p]\nenabled = true\n"


class People(Members):
    """Members who know where the signaling server is."""

    url, ca_pem = "https://127.0.0.1:1", ""

    def credentials(self, station: str) -> Credentials:
        return replace(super().credentials(station), url=self.url, ca_pem=self.ca_pem)


def people() -> People:
    made = People()
    for name, role in (("front", "desk"), ("kitchen", "kitchen"), ("bar", "bar")):
        made.add(name, role)
    return made


@asynccontextmanager
async def meeting(folder: Path, made: People, port: int = 0) -> AsyncIterator[Server]:
    """A signaling server for these members."""
    async with running(cast("Site", made), folder, port=port) as server:
        made.url, made.ca_pem = f"https://{server.host}", (folder / "tls" / "ca.pem").read_text()
        yield server


def desk(folder: Path, made: People, station: str, config: str = ON) -> Desk:
    return Desk(folder, made, station, config)


def peers(one: Desk) -> dict[str, Any]:
    return {peer["station"]: peer for peer in one.app.status()["peers"]}


def is_open(one: Desk, station: str) -> bool:
    return bool(peers(one).get(station, {}).get("state") == "open")


def link(one: Desk) -> str:
    states = {found["name"]: found["state"] for found in one.app.status()["links"]}
    return str(states.get("p2p", ""))


async def ping(one: Desk, station: str) -> Any:
    return await one.app.requests.answer("p2p.ping", {"station": station}, lambda _: None)


async def answered(front: Desk, kitchen: Desk, note: str = "") -> str:
    """Page the kitchen, let it accept; returns the link the page went over."""
    page = await front.page("kitchen", note)
    await until(lambda: kitchen.notifier.rung(page.id), "the page is shown")
    await until(lambda: page.targets["kitchen"].state is State.PRESENTED, "the sender knows")
    await kitchen.app.requests.answer("answer", {"page": page.id, "answer": "accepted"}, lambda _: None)
    await until(lambda: page.taken is not None, "the answer is back")
    assert kitchen.notifier.rung(page.id) == 1
    return page.targets["kitchen"].link


def test_a_page_is_presented_and_answered_over_a_direct_way_only(tmp_path: Path) -> None:
    async def scene() -> None:
        made = people()
        async with meeting(tmp_path, made):
            front, kitchen = desk(tmp_path, made, "front"), desk(tmp_path, made, "kitchen")
            async with front.running(), kitchen.running():
                await until(lambda: link(front) == link(kitchen) == "up", "both are at the server")
                assert peers(front) == {}
                assert await answered(front, kitchen) == "p2p"
                found = peers(front)["kitchen"]
                assert (found["state"], found["route"]) == ("open", "direct")
                assert found["rtt_ms"] < 2000
                assert front.app.status()["state"] == "degraded"
                assert "kitchen" in front.app.core.reach.there

    asyncio.run(scene())


def test_without_an_open_way_a_page_takes_the_other_link_at_once_and_the_next_one_the_way(tmp_path: Path) -> None:
    async def scene() -> None:
        made, net = people(), MemoryNet()
        async with meeting(tmp_path, made):
            front, kitchen = desk(tmp_path, made, "front"), desk(tmp_path, made, "kitchen")
            async with front.running(net.link("front")), kitchen.running(net.link("kitchen")):
                await until(lambda: link(front) == link(kitchen) == "up", "both are at the server")
                page = await front.page("kitchen")
                await until(lambda: page.targets["kitchen"].state is State.PRESENTED, "presented")
                assert page.targets["kitchen"].link == "memory"
                await until(lambda: is_open(front, "kitchen"), "the way opens")
                assert await answered(front, kitchen) in ("p2p", "memory")
                assert front.app.status()["refused"] == kitchen.app.status()["refused"] == {}

    asyncio.run(scene())


def test_a_ping_opens_a_way_and_measures_it(tmp_path: Path) -> None:
    async def scene() -> None:
        made = people()
        async with meeting(tmp_path, made):
            front, kitchen = desk(tmp_path, made, "front"), desk(tmp_path, made, "kitchen")
            async with front.running(), kitchen.running():
                await until(lambda: link(front) == link(kitchen) == "up", "both are at the server")
                found = await ping(front, "kitchen")
                assert (found["station"], found["route"], len(found["rtt_ms"])) == ("kitchen", "direct", 5)
                assert 0 < found["opened_ms"] < 10_000
                assert all(0 < trip < 1000 for trip in found["rtt_ms"])
                again = await ping(kitchen, "front")
                assert again["opened_ms"] is None

    asyncio.run(scene())


def test_a_ping_that_cannot_be_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.station.direct.OPEN_S", 1.0)

    async def code(one: Desk, station: str) -> str:
        with pytest.raises(NmrError) as caught:
            await ping(one, station)
        assert caught.value.message
        return caught.value.code

    async def scene() -> None:
        made = people()
        off, lost = desk(tmp_path, made, "bar", ""), desk(tmp_path, made, "kitchen")
        async with off.running(), lost.running():
            assert await code(off, "front") == "p2p-off"
            assert await code(lost, "front") == "p2p-down"
        async with meeting(tmp_path, made):
            front = desk(tmp_path, made, "front")
            async with front.running():
                await until(lambda: link(front) == "up", "at the server")
                assert await code(front, "kitchen") == "p2p-no-way"
                for wrong in ("nobody", "front"):
                    assert await code(front, wrong) == BadInput.default_code
        assert issubclass(Unavailable, NmrError)

    asyncio.run(scene())


def test_a_member_that_is_removed_loses_its_way_at_once_and_the_others_get_theirs_back(tmp_path: Path) -> None:
    async def scene() -> None:
        made = people()
        async with meeting(tmp_path, made) as server:
            desks = [desk(tmp_path, made, name) for name in ("front", "kitchen", "bar")]
            front, kitchen, bar = desks
            async with front.running(), kitchen.running(), bar.running():
                await until(lambda: all(link(one) == "up" for one in desks), "all are at the server")
                await ping(front, "kitchen")
                await ping(front, "bar")
                made.revoke("bar")
                server.desk.ledger_changed()
                front.app.core.desk.ledger = made.ledger
                front.app._ledger_grew(made.ledger.seq, made.ledger.head)
                await until(lambda: not is_open(front, "bar") and not is_open(bar, "front"), "it is cut off", within=10)
                await until(lambda: link(front) == "up", "the others go on")
                await ping(front, "kitchen")
                assert not is_open(front, "bar")
                with pytest.raises(BadInput):
                    await ping(front, "bar")

    asyncio.run(scene())


def test_ways_outlive_their_signaling_server(tmp_path: Path) -> None:
    async def scene() -> None:
        made = people()
        front, kitchen = desk(tmp_path, made, "front"), desk(tmp_path, made, "kitchen")
        async with meeting(tmp_path, made) as server:
            port = server.web.port
            await asyncio.to_thread(front._fill_ledger)
            first, second = front.running(), kitchen.running()
            await first.__aenter__()
            await second.__aenter__()
            await until(lambda: link(front) == link(kitchen) == "up", "both are at the server")
            await ping(front, "kitchen")
        try:
            assert await answered(front, kitchen, "nobody else is there") == "p2p"
            async with meeting(tmp_path, made, port) as server:
                await until(lambda: server.desk.status()["stations"] == ["front", "kitchen"], "they return", within=40)
        finally:
            await second.__aexit__(None, None, None)
            await first.__aexit__(None, None, None)

    asyncio.run(scene())


def test_whoever_is_paged_most_gets_a_way_before_it_is_paged(tmp_path: Path) -> None:
    async def scene() -> None:
        made = people()
        async with meeting(tmp_path, made):
            front, kitchen = desk(tmp_path, made, "front"), desk(tmp_path, made, "kitchen")
            async with front.running(), kitchen.running():
                await until(lambda: link(front) == link(kitchen) == "up", "both are at the server")
                await answered(front, kitchen)
            assert front.app.core.paging.often() == ["kitchen"]
            async with front.running(), kitchen.running():
                await until(lambda: is_open(front, "kitchen"), "a way is there")

    asyncio.run(scene())


def test_only_servers_the_hub_named_are_asked_and_passwords_end() -> None:
    asyncio.run(_servers())


async def _servers() -> None:
    from agent.domain.events import Instant

    made, ms = people(), [1000]
    direct = Direct(
        made.credentials("front"), "", cast("Any", None), router=cast("Any", None), handle=lambda _: None,
        ledger=lambda: made.ledger, now=lambda: Instant(0.0, ms[0]), warm=tuple,
    )  # fmt: skip
    assert direct._servers() == []
    direct.use(Ice(stun="stun:a:1", turn=("turn:b:2",), user="2:front", password="x", until=2000))
    assert direct._servers() == [IceServer("stun:a:1"), IceServer("turn:b:2", "2:front", "x")]
    ms[0] = 2000
    assert direct._servers() == [IceServer("stun:a:1")]


def test_a_station_without_it_loads_nothing_of_it(tmp_path: Path) -> None:
    import subprocess
    import sys

    program = (
        "import sys, agent.station.app, agent.station.run\n"
        "bad = [n for n in sys.modules if n.split('.')[0] in ('aiortc', 'websockets', 'av') or 'links.p2p' in n]\n"
        "print(bad)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")
