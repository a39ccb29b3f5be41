"""Two stations find each other over the hub's own signaling server, with TLS and a ledger."""

import asyncio
from pathlib import Path

import pytest

from agent.hub.broker.tls import SiteTls
from agent.links.base import LinkDown, LinkRefused
from agent.links.p2p.link import P2pLink
from agent.links.p2p.settings import P2pSettings
from agent.wire.keys import Identity
from tests.hub.signaling.scene import Server, Site, running
from tests.links.p2p.place import Keys, is_open, met
from tests.links.taking import take, until


def link(server: Server, folder: Path, station: str, me: Identity | None = None) -> P2pLink:
    """A station's link."""
    site = server.site
    settings = P2pSettings(station, f"wss://{server.host}/signal", SiteTls(folder / "tls").ca_pem)
    return P2pLink(settings, Keys(me or site.keys[station], site.keys))


def test_two_stations_meet_and_one_that_is_revoked_is_refused(tmp_path: Path) -> None:
    async def walk() -> None:
        site = Site("anna", "bert")
        async with (
            running(site, tmp_path) as server,
            link(server, tmp_path, "anna").connect() as a,
            link(server, tmp_path, "bert").connect() as b,
        ):
            await met(a, b, ("anna", "bert"))
            await a.send("bert", b"over the hub's server")
            assert (await take(b.received())).sender == "anna"
            site.revoke("bert")
            server.desk.revoked("bert")
            with pytest.raises(LinkRefused, match="no longer a member"):
                await take(b.received())

    asyncio.run(walk())


def test_a_restart_of_the_server_costs_no_channel(tmp_path: Path) -> None:
    async def walk() -> None:
        site = Site("anna", "bert")
        async with running(site, tmp_path) as server:
            port = server.web.port
            a_link, b_link = link(server, tmp_path, "anna"), link(server, tmp_path, "bert")
            a_way, b_way = a_link.connect(), b_link.connect()
            a, b = await a_way.__aenter__(), await b_way.__aenter__()
            await met(a, b, ("anna", "bert"))
        await a.send("bert", b"nobody in between")
        assert (await take(b.received())).sealed == b"nobody in between"
        async with running(site, tmp_path, port=port) as server:
            await until(lambda: set(server.desk.exchange.stations) == {"anna", "bert"})
            assert is_open(a, "bert")
            await b_way.__aexit__(None, None, None)
            await a_way.__aexit__(None, None, None)

    asyncio.run(walk())


def test_a_thief_of_a_name_and_a_second_station_of_one_name(tmp_path: Path) -> None:
    async def walk() -> None:
        site = Site("anna", "bert")
        async with running(site, tmp_path) as server:
            with pytest.raises((LinkRefused, LinkDown), match="Nobody with this key"):
                async with link(server, tmp_path, "anna", Identity.new("s1", "anna")).connect():
                    pytest.fail("let in")
            thief = Identity.of("s1", "anna", *site.keys["bert"].private_keys())
            with pytest.raises(LinkRefused, match="another station"):
                async with link(server, tmp_path, "anna", thief).connect():
                    pytest.fail("let in")
            first, second = link(server, tmp_path, "anna"), link(server, tmp_path, "anna")
            async with first.connect() as older, second.connect():
                with pytest.raises(LinkDown, match="connected again"):
                    await take(older.received())

    asyncio.run(walk())
