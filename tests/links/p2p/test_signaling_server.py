"""The link and the product's own signaling server: each was tried against a stand-in of the other, here they meet."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from agent.links.base import LinkDown, LinkRefused
from agent.links.p2p.link import P2pLink, P2pSession
from agent.links.p2p.settings import P2pSettings
from agent.wire.keys import Identity
from tests.links.contract import kept_and_up
from tests.links.p2p.place import Keys, is_open, met
from tests.links.p2p.world.site import Site
from tests.links.taking import take, until

pytestmark = pytest.mark.servers


def link(site: Site, station: str, url: str, keys: Identity | None = None) -> P2pLink:
    """A station's link, with its own keys or others."""
    settings = P2pSettings(station, url, site.tls.ca_pem)
    return P2pLink(settings, Keys(keys or site.members[station], site.members))


def test_a_restart_of_the_server_costs_no_channel_and_everybody_is_back_by_himself(tmp_path: Path) -> None:
    async def walk() -> None:
        site = Site(tmp_path, "anna", "bert", "carl")
        async with AsyncExitStack() as before, AsyncExitStack() as stations:
            url = await before.enter_async_context(site.signaling())
            keeping = await stations.enter_async_context(kept_and_up(link(site, "anna", url)))
            a, b = keeping.sessions[0], await stations.enter_async_context(link(site, "bert", url).connect())
            assert isinstance(a, P2pSession)
            await met(a, b, ("anna", "bert"))
            await before.aclose()
            came = b.received()
            await a.send("bert", b"without a server")
            assert (await take(came)).sealed == b"without a server"
            async with site.signaling() as again:
                assert again == url
                async with link(site, "carl", url).connect() as c:
                    c.want("anna")
                    await until(lambda: is_open(c, "anna"), 20)
                assert is_open(a, "bert")
                assert is_open(b, "anna")
                assert len(keeping.sessions) == 1
                await stations.aclose()

    asyncio.run(walk())


def test_strange_keys_and_a_server_with_another_certificate_lead_nowhere(tmp_path: Path) -> None:
    async def walk() -> None:
        site, other = Site(tmp_path / "site", "anna"), Site(tmp_path / "other", "anna")
        async with site.signaling() as url, other.signaling() as elsewhere:
            with pytest.raises(LinkDown, match="Nobody with this key"):  # it may be a newcomer's: tried again
                async with link(site, "anna", url, other.members["anna"]).connect():
                    pytest.fail("let in")
            with pytest.raises(LinkRefused, match="certificate is not ours"):
                async with link(site, "anna", elsewhere).connect():
                    pytest.fail("believed")

    asyncio.run(walk())
