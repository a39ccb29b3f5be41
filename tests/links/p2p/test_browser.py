"""A browser that speaks our wire is a station like any other: Chromium's own ICE, DTLS and SCTP against aiortc's."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.domain.envelope import SEALED_BYTES
from agent.links.base import LinkDown
from agent.links.p2p.link import P2pLink, P2pSession
from agent.links.p2p.settings import P2pSettings
from tests.links.p2p.place import SITE, Keys, is_open, still
from tests.links.p2p.sky import fingerprint
from tests.links.p2p.world.obeying import figure
from tests.links.p2p.world.site import Site
from tests.links.taking import take, take_all, until
from tests.servers.chromium import Page, running_chromium
from tests.servers.waiting import eventually

PAGE = Path(__file__).parent / "world" / "page.html"
MANY = 1000
SOON_S = 20.0

pytestmark = pytest.mark.servers


@dataclass(frozen=True, slots=True)
class Pair:
    """Our station "m" and a browser; `name` is the browser's, above or below ours."""

    ours: P2pSession
    page: Page
    name: str

    async def met(self) -> None:
        """Wait until both may use the channel."""
        await until(lambda: is_open(self.ours, self.name), SOON_S)
        await eventually(lambda: self.page.ask("station.isOpen('m')"), SOON_S)


@asynccontextmanager
async def pair(folder: Path, name: str = "browser", *, hidden: bool = False) -> AsyncIterator[Pair]:
    """Both logged in at the product's signaling server; `hidden`: the browser names its address by mDNS only."""
    site = Site(folder, "m", name)
    async with site.signaling() as url:
        ours = P2pSettings("m", url, site.tls.ca_pem)
        async with (
            P2pLink(ours, Keys(site.members["m"], site.members)).connect() as session,
            running_chromium(folder, *flags(site, hidden=hidden)) as chromium,
        ):
            page = await chromium.page(PAGE)
            await page.ask(f"station.begin({json.dumps(told(site, name, url))})")
            yield Pair(session, page, name)


def told(site: Site, name: str, url: str) -> dict[str, object]:
    """What the page must know to be this station."""
    members = {station: [keys.sign.hex(), keys.receive.hex()] for station, keys in site.members.items()}
    keys = [key.hex() for key in site.members[name].private_keys()]
    return {"site": SITE, "station": name, "keys": keys, "members": members, "url": url}


def flags(site: Site, *, hidden: bool) -> list[str]:
    """Let the browser believe the hub's certificate besides the world's, and show its address or not."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    key = x509.load_pem_x509_certificate(site.tls.hub_cert.read_bytes()).public_key()
    raw = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pin = base64.b64encode(hashlib.sha256(raw).digest()).decode()
    shown = [] if hidden else ["--disable-features=WebRtcHideLocalIpsWithMdns"]
    return [f"--ignore-certificate-errors-spki-list={pin}", *shown]


def numbered(number: int, size: int) -> bytes:
    """A message that carries its number."""
    return number.to_bytes(8, "big").ljust(size, b"\0")


@pytest.mark.parametrize("hidden", [False, True])
def test_a_browser_that_is_called_answers_beats_and_carries_messages_both_ways(tmp_path: Path, hidden: bool) -> None:
    async def walk() -> None:
        async with pair(tmp_path, hidden=hidden) as two:
            begun = asyncio.get_running_loop().time()
            two.ours.want(two.name)
            await until(lambda: is_open(two.ours, two.name), SOON_S)
            took = asyncio.get_running_loop().time() - begun
            await two.met()
            sent, came = [numbered(number, 300) for number in range(MANY)], two.ours.received()
            for message in sent:
                await two.ours.send(two.name, message)
            await eventually(lambda: two.page.ask(f"station.messages.length === {MANY}"), SOON_S)
            assert await two.page.ask("station.numbers()") == [[number, 300] for number in range(MANY)]
            await two.page.ask(f"station.send('m', {MANY}, 300)")
            assert await take_all(came, sent) == sent
            (peer,) = two.ours.peers()
            figure(f"Chromium called: a channel after {1000 * took:.0f} ms, round trip {peer.rtt_ms:.1f} ms")
            assert (peer.state, peer.route) == ("open", "direct")

    asyncio.run(walk())


def test_a_browser_calls_with_candidates_that_come_one_by_one(tmp_path: Path) -> None:
    async def walk() -> None:
        async with pair(tmp_path) as two:
            await two.page.ask("station.call('m')")
            await two.met()
            await two.page.ask("station.echo = true; 0")
            came = two.ours.received()
            for size in (1, 15, 17, 1200, SEALED_BYTES):
                await two.ours.send(two.name, b"x" * size)
                delivery = await take(came)
                assert (delivery.sealed, delivery.sender) == (b"x" * size, two.name)
            assert two.ours._board.refusals == {}

    asyncio.run(walk())


@pytest.mark.parametrize("name", ["aloft", "zenith"])
def test_both_call_at_once_and_have_one_channel_whoever_is_the_polite_one(tmp_path: Path, name: str) -> None:
    async def walk() -> None:
        async with pair(tmp_path, name) as two:
            two.ours.want(name)
            await two.page.ask("station.call('m')")
            await two.met()
            await still(lambda: is_open(two.ours, name), 2.5)
            (machine,) = [peer.machine for peer in two.ours._board._peers.values()]
            assert await two.page.ask("station.connections.get('m').pc") == machine.use

    asyncio.run(walk())


def test_a_browser_that_shows_another_certificate_than_it_signed_opens_no_channel(tmp_path: Path) -> None:
    async def walk() -> None:
        async with pair(tmp_path) as two:
            await two.page.ask(f"station.falseFp = '{fingerprint(13)}'; station.call('m')")
            await until(lambda: two.ours._board.refusals["fingerprint"] == 1, SOON_S)
            assert not is_open(two.ours, two.name)

    asyncio.run(walk())


def test_a_browser_that_never_answers_a_beat_gets_no_message(tmp_path: Path) -> None:
    async def walk() -> None:
        async with pair(tmp_path) as two:
            await two.page.ask("station.mute = true; station.call('m')")
            await eventually(lambda: two.page.ask("station.connections.get('m')?.heard > 0"), SOON_S)
            await still(lambda: not is_open(two.ours, two.name), 1.5)
            with pytest.raises(LinkDown):
                await two.ours.send(two.name, b"x")
            await two.page.ask("station.mute = false; 0")
            await two.met()

    asyncio.run(walk())


def test_a_browser_that_closes_its_page_without_a_word_is_noticed(tmp_path: Path) -> None:
    async def walk() -> None:
        async with pair(tmp_path) as two:
            await two.page.ask("station.call('m')")
            await two.met()
            await two.page.ask("station.drop('m')")
            await until(lambda: not is_open(two.ours, two.name), 12)

    asyncio.run(walk())
