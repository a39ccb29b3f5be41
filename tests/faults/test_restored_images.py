"""Disks that were put back: a station's, its hub's, both; none is believed in silence, and IT's way out works.

Hub, broker and enrolment are real and the agent is whole, all in this process.
"""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from agent.domain.bundle import Bundle
from agent.hub.app import Running
from agent.links import keeper
from agent.links.mqtt.link import MqttLink
from agent.links.mqtt.settings import MqttSettings
from agent.station.enrolment.enrol import enrol
from agent.station.proof import conversation
from agent.station.surface import Surface
from agent.system.config.load import load
from agent.system.credentials import load_credentials
from agent.system.files import NotWritten
from agent.system.paths import Profile
from agent.system.psk_file import load_bundle
from agent.wire.acts import Times
from agent.wire.hello.station import Hello
from agent.wire.renewal.station import Renewal
from tests.faults.noting import Noting, shows
from tests.hub.scene import enrolled, running_hub
from tests.walks.desk import Drawing, Showing, until

pytestmark = [pytest.mark.servers, pytest.mark.timeout(120)]

REPLACED = "Connection Failure: The Key Of This Station Was Replaced - Ask IT For An Invite, Then Run: nmr enrol INVITE"
RESTORED = "Connection Failure: The Hub Knows Only An Older Key - Tell IT It Was Restored From A Backup"
PATIENCE_S = 30.0
QUICK = Times(wait=4.0, repeat=(0.2, 0.5, 1.0), ready=0.5)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What takes minutes takes seconds."""
    monkeypatch.setattr(conversation, "Hello", partial(Hello, times=QUICK))
    monkeypatch.setattr(conversation, "Renewal", partial(Renewal, times=QUICK))
    monkeypatch.setattr(keeper, "SLOW_SHORTEST_S", 0.2)
    monkeypatch.setattr(keeper, "SLOW_FIRST_BOUND_S", 0.4)
    monkeypatch.setattr(keeper, "SLOW_LONGEST_S", 1.0)


@pytest.fixture(autouse=True)
def nothing_shows_a_key(caplog: pytest.LogCaptureFixture, seen: list[Bundle]) -> Iterator[None]:
    caplog.set_level(0)
    yield
    logged = str([vars(record) for record in caplog.get_records("call")])
    assert "link" in logged
    assert seen
    assert [bundle for bundle in seen if shows(logged, bundle.psk) or shows(logged, bundle.backup)] == []


@pytest.fixture
def seen() -> list[Bundle]:
    """Every bundle that was on the station's disk."""
    return []


class Scene:
    """One station, "anna", and her hub; `at` is the state of their folders by name."""

    app: Noting

    def __init__(self, folder: Path, seen: list[Bundle]) -> None:
        self.folder, self._seen = folder, seen
        self.profile = Profile.at(folder / "anna")
        self.notices: list[str] = []

    def keep(self, who: str, name: str) -> None:
        """Make an image of a folder; nobody runs on it."""
        shutil.copytree(self.folder / who, self.folder / f"{who}-{name}", ignore=shutil.ignore_patterns("run"))

    def put_back(self, who: str, name: str) -> None:
        """Put an image back."""
        shutil.rmtree(self.folder / who)
        shutil.copytree(self.folder / f"{who}-{name}", self.folder / who)

    def keep_both(self, name: str) -> None:
        self.keep("anna", name)
        self.keep("hub", name)

    @asynccontextmanager
    async def hub(self) -> AsyncIterator[Running]:
        async with running_hub(self.folder, broker="mosquitto") as hub:
            yield hub

    @asynccontextmanager
    async def station(self) -> AsyncIterator[Noting]:
        """Run the agent."""
        it = load_credentials(self.profile.secrets_folder)
        assert it is not None
        shown = Showing()
        self.app = Noting(self.profile, load(self.profile), it, Surface(Drawing(), shown, shown))
        self.notices.clear()
        self.app.noted = self.notices
        settings = MqttSettings(
            it.site, it.station, it.brokers, it.station, it.password, it.client_id, it.ca_pem.encode()
        )
        running = asyncio.create_task(self.app.run([MqttLink(settings, gated=True)]))
        try:
            yield self.app
        finally:
            self.app.quit()
            await running

    def bundle(self) -> Bundle:
        """The keys on the station's disk."""
        found = load_bundle(self.profile.secrets_folder, "s1", "anna")
        self._seen.append(found)
        return found

    async def proven(self, gen: int) -> None:
        """Wait until the station works with the keys of this generation."""

        def is_so() -> bool:
            standing = self.app.core.proving.standing
            up = any(link.state == "up" for link in self.app.core.reach.links.values())
            return (standing.state, standing.gen, up) == ("proven", gen, True)

        await until(is_so, f"generation {gen}: {self.notices}", PATIENCE_S)
        assert self.bundle().gen == gen

    async def renewed(self, hub: Running, gen: int) -> None:
        """IT ends the key, and the station gets this generation."""
        await ask(hub, "hub.psk.expire", station="anna")
        await self.proven(gen)
        await until(lambda: hub.engine.core.proofs.accounts["anna"].current == self.bundle(), "the same keys")

    async def lived_until(self, gen: int) -> None:
        """Enrol, and renew the key up to this generation; an image of both is kept of each."""
        async with self.hub() as hub:
            await enrolled(hub, self.folder, "anna", "kitchen")
            self.bundle()
        self.keep_both("1")
        for number in range(2, gen + 1):
            async with self.hub() as hub, self.station():
                await self.proven(number - 1)
                await self.renewed(hub, number)
            self.keep_both(str(number))

    async def refused(self, hub: Running, notice: str, state: str) -> None:
        """It is refused with this notice each time, and IT sees it; then IT's way out works."""
        before, held = self.bundle(), hub.engine.core.proofs.accounts["anna"].held
        async with self.station():
            await until(lambda: self.notices.count(notice) >= 2, f"{notice}: {self.notices}", PATIENCE_S)
            assert self.app.core.proving.standing.proven_ms is None
            assert self.bundle() == before
            assert hub.engine.core.proofs.accounts["anna"].held == held
            (row,) = await ask(hub, "hub.psk.list")
            assert (row["station"], row["state"]) == ("anna", state)
            assert [alarm for alarm in hub.office.status()["alarms"] if alarm.startswith("anna came with")] != []
            made = await ask(hub, "hub.psk.replace", station="anna")
            await asyncio.to_thread(enrol, self.profile, json.dumps(made["invite"]))
            await self.app.retry()
            gen = held.both[-1].gen + 1
            await self.proven(gen)
            (row,) = await ask(hub, "hub.psk.list")
            assert (row["state"], row["gen"]) == ("fresh", gen)
            assert hub.office.status()["alarms"] == []
            await self.renewed(hub, gen + 1)


async def ask(hub: Running, do: str, **with_: object) -> Any:
    return await hub.office.answer(do, with_, lambda _: None)


@pytest.fixture
def play(tmp_path: Path, seen: list[Bundle]) -> Callable[[Callable[[Scene], Coroutine[Any, Any, None]]], None]:
    return lambda story: asyncio.run(story(Scene(tmp_path, seen)))


Play = Callable[[Callable[[Scene], Coroutine[Any, Any, None]]], None]


@pytest.mark.parametrize(
    ("station", "hub", "notice", "state"),
    [
        ("1", "2", REPLACED, "replaced"),
        ("2", "1", RESTORED, "restored"),
        ("1", "3", REPLACED, "replaced"),
        ("1", "2 of 3", REPLACED, "replaced"),
        ("3", "1", RESTORED, "restored"),
    ],
)
def test_an_image_of_one_side_is_refused_and_replaced(
    play: Play, station: str, hub: str, notice: str, state: str
) -> None:
    async def story(scene: Scene) -> None:
        await scene.lived_until(max(int(station[-1]), int(hub[-1])))
        scene.put_back("anna", station[0])
        scene.put_back("hub", hub[0])
        async with scene.hub() as running:
            await scene.refused(running, notice, state)

    play(story)


def test_images_of_both_sides_from_one_moment_agree_and_go_on(play: Play) -> None:
    """Nobody can tell them from two computers that were off; what was said since is worth nothing to either."""

    async def story(scene: Scene) -> None:
        await scene.lived_until(2)
        scene.put_back("anna", "1")
        scene.put_back("hub", "1")
        async with scene.hub() as hub, scene.station():
            await scene.proven(1)
            await scene.renewed(hub, 2)

    play(story)


@pytest.mark.parametrize("saved", [False, True])
def test_a_hub_put_back_to_when_a_key_was_pending_takes_only_that_one(play: Play, saved: bool) -> None:
    """A pending key that the station saved is taken, wherever it came from; one that it did not save never is."""

    async def story(scene: Scene) -> None:
        await scene.lived_until(1)
        async with scene.hub() as hub, scene.station() as app:
            await scene.proven(1)
            save = app._door._save
            app._door._save = partial(_full, save if saved else None)
            await ask(hub, "hub.psk.expire", station="anna")
            await until(lambda: hub.engine.core.proofs.accounts["anna"].pending is not None, "a pending key")
            await until(lambda: any("Could Not Be Saved" in notice for notice in scene.notices), "the full disk")
        scene.keep_both("pending")
        async with scene.hub() as hub, scene.station():
            await scene.proven(2)
        scene.put_back("hub", "pending")
        async with scene.hub() as hub:
            if not saved:
                await scene.refused(hub, RESTORED, "restored")
                return
            async with scene.station():
                await scene.proven(2)
                assert hub.engine.core.proofs.accounts["anna"].pending is None
                await scene.renewed(hub, 3)

    play(story)


def _full(save: Callable[[Bundle], None] | None, bundle: Bundle) -> None:
    """A disk that says no; with `save` it took it all the same."""
    if save is not None:
        save(bundle)
    raise NotWritten("psk.bin could not be written", "no space left")
