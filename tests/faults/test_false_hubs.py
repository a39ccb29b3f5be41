"""A false hub at the real broker, with the hub's stolen password: no station believes it, and none loses anything.

The station is whole and in this process, the true hub is a process of its own, both over Mosquitto.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from agent.domain.bundle import Held
from agent.domain.keys import to_b64u
from agent.domain.messages import AuthHello, AuthOk, AuthProof, AuthRefused, PageNew, PskHello, PskProof, PskRequest
from agent.domain.names import HUB
from agent.links import keeper
from agent.station.proof import conversation
from agent.station.surface import Surface
from agent.system.config.load import load
from agent.system.credentials import load_credentials
from agent.wire.acts import Times
from agent.wire.hello.station import Hello
from agent.wire.renewal.station import Renewal
from tests.faults.keys_programs import STATION
from tests.faults.keys_site import COLLEAGUE, KeysSite, end_forks, keys_site
from tests.faults.noting import Noting, shows
from tests.faults.thief import Message, Says, Thief, opened, signed, thief
from tests.servers.plain_broker import plain_broker
from tests.walks.desk import Drawing, Showing, until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]

HMAC_TIMEOUT = "Connection Failure: Timeout During HMAC Request"
PSK_INVALID = "Connection Failure: Invalid PSK Received"
BACKUP_INVALID = "Connection Failure: Invalid Backup HMAC Received"
REPLACED = "Connection Failure: The Key Of This Station Was Replaced - Ask IT For An Invite, Then Run: nmr enrol INVITE"
PATIENCE_S = 30.0
QUICK = Times(wait=2.0, repeat=(0.2, 0.5, 1.0), ready=0.5)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, Path]]:
    folder = tmp_path_factory.mktemp("broker")
    with plain_broker(folder) as port:
        yield port, folder / "mosquitto.log"
        end_forks()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes minutes takes seconds."""
    monkeypatch.setattr(conversation, "Hello", partial(Hello, times=QUICK))
    monkeypatch.setattr(conversation, "Renewal", partial(Renewal, times=QUICK))
    monkeypatch.setattr(keeper, "SLOW_SHORTEST_S", 0.2)
    monkeypatch.setattr(keeper, "SLOW_FIRST_BOUND_S", 0.4)
    monkeypatch.setattr(keeper, "SLOW_LONGEST_S", 1.0)


class Scene:
    """One site, its broker's log, and the agent of its station."""

    app: Noting

    def __init__(self, site: KeysSite, log: Path) -> None:
        self.site, self._log = site, log
        self.root = f"nmr/1/{site.place.site}"
        self.notices: list[str] = []
        self.notifier = Showing()
        site.hold(Held(site.first))

    @asynccontextmanager
    async def station(self) -> AsyncIterator[Noting]:
        """Run the agent."""
        place = self.site.place
        credentials = load_credentials(place.profile.secrets_folder)
        assert credentials is not None
        surface = Surface(Drawing(), self.notifier, self.notifier)
        self.app = Noting(place.profile, load(place.profile), credentials, surface)
        self.app.noted = self.notices
        link = place.link(STATION, f"bar-{place.site}", gated=True)
        running = asyncio.create_task(self.app.run([link]))
        try:
            yield self.app
        finally:
            self.app.quit()
            await running

    @property
    def up(self) -> bool:
        return self.app.core.proving.standing.state == "proven" and any(
            link.state == "up" for link in self.app.core.reach.links.values()
        )

    def inbox_opened(self) -> int:
        """How often the station subscribed its inbox, by the broker's word."""
        return self._log.read_text(errors="replace").count(f"bar-{self.site.place.site} 1 {self.root}/to/bar/+")

    @property
    def rung(self) -> int:
        """How many pages were shown."""
        return sum(self.notifier.rung(page) for page in self.app.core.ringing.pages)

    async def page(self) -> None:
        """The person here pages the colleague."""
        await self.app.requests.answer("page", {"to": {"station": COLLEAGUE}, "note": "of mine"}, lambda _: None)

    def page_for_us(self) -> Message:
        """A true page of the colleague."""
        page = signed(self.site.members, COLLEAGUE, STATION, "page.new", PageNew(note="for you"), want=2)
        return f"{self.root}/to/{STATION}/{COLLEAGUE}", page

    def ears(self) -> tuple[str, ...]:
        """What the hub's password lets one hear, and the colleague's inbox."""
        return (f"{self.root}/auth/+/up", f"{self.root}/psk/+/+/up", f"{self.root}/to/{COLLEAGUE}/+")


def play(folder: Path, broker: tuple[int, Path], story: Callable[[Scene], Coroutine[Any, Any, None]]) -> None:
    """Lay a site down and play a story in it."""
    with keys_site(folder / "site", broker[0]) as site:
        asyncio.run(story(Scene(site, broker[1])))


def garbage(scene: Scene) -> Says:
    """Noise, and what is almost a container, on every topic that a hub may write."""
    chance = Random(5)

    def says(topic: str, payload: bytes) -> Iterable[Message]:
        spoilt = bytearray(payload)
        spoilt[chance.randrange(len(spoilt))] ^= 1
        for said in (chance.randbytes(200), bytes(spoilt), payload, b"", chance.randbytes(50_000)):
            yield f"{scene.root}/auth/{STATION}/down", said
            yield f"{scene.root}/to/{STATION}/{HUB}", said
            if "/psk/" in topic:
                yield topic.removesuffix("up") + "down", said

    return says


def replaying(scene: Scene, recorded: list[Message]) -> Says:
    """All that the true hub ever said."""
    return lambda *_: [(topic, said) for topic, said in recorded if topic.endswith("/down")]


def lying(scene: Scene, how: str) -> Says:
    """As who has the hub's signing key and its receiving key, but no key of the station."""
    members, wrong = scene.site.members, to_b64u(b"x" * 32)

    def says(topic: str, payload: bytes) -> Iterable[Message]:
        if "/to/" in topic:
            return
        _, asked = opened(payload, members.hub)
        for type_, params in _lies(how, asked, wrong):
            round_ = f"psk/{STATION}/{params.round}" if isinstance(params, PskProof) else f"auth/{STATION}"
            yield f"{scene.root}/{round_}/down", signed(members, HUB, STATION, type_, params)
        yield f"{scene.root}/to/{STATION}/{HUB}", signed(members, HUB, STATION, "page.new", PageNew(note="lie"), want=2)

    return says


def _lies(how: str, asked: object, wrong: str) -> Iterable[tuple[str, Any]]:
    match asked:
        case AuthHello(n_s=n_s) if how == "proof":
            yield "auth.proof", AuthProof(n_s=n_s, n_h=wrong, not_after=2**52, mac=wrong)
        case AuthHello(n_s=n_s) if how == "ok":
            session = to_b64u(b"s" * 16)
            yield "auth.ok", AuthOk(n_s=n_s, session=session, until=2**52, hub_time=1, roles=(), mac=wrong)
        case AuthHello(n_s=n_s):
            yield "auth.refused", AuthRefused(about=n_s, code=how)
        case PskRequest():
            return
        case PskHello(round=round_, n_s=n_s):
            yield "psk.proof", PskProof(round=round_, n_s=n_s, n_h=wrong, mac=wrong)


async def nothing_is_believed(scene: Scene, false: Thief, notice: str, opened_before: int = 0) -> None:
    """Two attempts long; the station says why, its inbox stays shut, and what it has to say it keeps."""
    await scene.page()
    await until(lambda: notice in scene.notices, f"{notice}: {scene.notices}", PATIENCE_S)
    await asyncio.to_thread(false.publish, *scene.page_for_us())
    await until(lambda: scene.notices.count(notice) >= 2, notice, PATIENCE_S)
    assert scene.inbox_opened() == opened_before
    assert scene.rung == 0
    assert scene.app.core.ringing.pages == {}
    assert false.on(f"/to/{COLLEAGUE}/") == []
    assert scene.app.router.open_rows >= 1


async def the_true_hub_is_back(scene: Scene, ear: Thief, opened_before: int = 0) -> None:
    """The station comes up by itself, and what it kept goes out."""
    scene.site.start(HUB)
    await until(lambda: scene.up, f"up: {scene.notices}", PATIENCE_S)
    await until(lambda: scene.inbox_opened() > opened_before, "the inbox", PATIENCE_S)
    await until(lambda: ear.on(f"/to/{COLLEAGUE}/"), "what was kept", PATIENCE_S)
    _, page = opened(ear.on(f"/to/{COLLEAGUE}/")[0], scene.site.members.people[COLLEAGUE])
    assert isinstance(page, PageNew)
    assert page.note == "of mine"
    if not opened_before:  # otherwise the broker has kept the first one for us
        await asyncio.to_thread(ear.publish, *scene.page_for_us())
    await until(lambda: scene.rung, "a true page", PATIENCE_S)


@pytest.mark.parametrize("how", ["silent", "garbage"])
def test_a_false_hub_without_any_key_is_not_believed(tmp_path: Path, broker: tuple[int, Path], how: str) -> None:
    async def story(scene: Scene) -> None:
        says = garbage(scene) if how == "garbage" else lambda *_: ()
        async with scene.station():
            with thief(broker[0], scene.ears(), says) as false:
                await nothing_is_believed(scene, false, HMAC_TIMEOUT)
            with thief(broker[0], scene.ears()) as ear:
                await the_true_hub_is_back(scene, ear)

    play(tmp_path, broker, story)


@pytest.mark.parametrize(
    ("how", "notice"),
    [
        ("proof", PSK_INVALID),
        ("ok", HMAC_TIMEOUT),
        ("expired", BACKUP_INVALID),
        ("replaced", REPLACED),
        ("again", HMAC_TIMEOUT),
    ],
)
def test_a_false_hub_with_the_hub_s_own_keys_but_not_the_station_s_is_not_believed(
    tmp_path: Path, broker: tuple[int, Path], how: str, notice: str
) -> None:
    async def story(scene: Scene) -> None:
        before = scene.site.on_disk()
        async with scene.station():
            with thief(broker[0], scene.ears(), lying(scene, how)) as false:
                await nothing_is_believed(scene, false, notice)
            assert scene.site.on_disk() == before
            with thief(broker[0], scene.ears()) as ear:
                await the_true_hub_is_back(scene, ear)

    play(tmp_path, broker, story)


def test_a_false_hub_that_says_again_all_that_the_true_one_said_is_not_believed(
    tmp_path: Path, broker: tuple[int, Path]
) -> None:
    """To a station whose session at the broker remembers its inbox: what waits there stays unopened until the proof."""

    async def story(scene: Scene) -> None:
        with thief(broker[0], [f"{scene.root}/#"]) as ear:
            scene.site.start(HUB)
            async with scene.station():
                await until(lambda: scene.up, "up", PATIENCE_S)
            scene.site.stop()
            recorded = list(ear.heard)
        assert [topic for topic, _ in recorded].count(f"{scene.root}/auth/{STATION}/down") >= 2
        opened_before = scene.inbox_opened()
        assert opened_before == 1
        scene.notices.clear()
        async with scene.station():
            with thief(broker[0], scene.ears(), replaying(scene, recorded)) as false:
                await nothing_is_believed(scene, false, HMAC_TIMEOUT, opened_before)
            with thief(broker[0], scene.ears()) as ear:
                await the_true_hub_is_back(scene, ear, opened_before)
            assert len(scene.app.core.ringing.pages) == 1, "the page that waited"

    play(tmp_path, broker, story)


def test_no_key_is_written_down_by_anybody_whom_a_false_hub_makes_talk(
    tmp_path: Path, broker: tuple[int, Path], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)

    async def story(scene: Scene) -> None:
        async with scene.station():
            with thief(broker[0], scene.ears(), lying(scene, "expired")):
                await until(lambda: BACKUP_INVALID in scene.notices, "the end", PATIENCE_S)
            scene.site.start(HUB)
            await until(lambda: scene.up, "up", PATIENCE_S)
            logged = [str(vars(record)) for record in caplog.records]
            told = f"{logged}{scene.app.status()}{scene.app.state()}{scene.site.output(HUB)}{scene.notices}"
            assert BACKUP_INVALID in told
            fresh = scene.site.on_disk()
            assert [key for key in (scene.site.first.psk, fresh.psk, fresh.backup) if shows(told, key)] == []
            assert shows(f"{told}{fresh.psk.hex()}", fresh.psk)

    play(tmp_path, broker, story)
