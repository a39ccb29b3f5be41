"""The thin side of the proof: a whole agent at a gated link, with keys in real files."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from agent.domain import effects as do
from agent.domain.bundle import Bundle, Held
from agent.domain.errors import NmrError
from agent.domain.events import ChannelOpen, Event, KeysRead, KeysSaved, LinkChanged
from agent.domain.messages import OrderPut
from agent.links.base import HubUnproven, LinkDown
from agent.links.memory import MemoryNet
from agent.station.door import Door
from agent.system.psk_file import load_bundle, save_bundle
from agent.system.wrapping_key import make_key
from tests.station.hub_side import DAY_MS, bundle
from tests.station.net_hub import NetHub
from tests.walks.desk import Desk, until
from tests.walks.members import SITE, Members


def good() -> Bundle:
    return bundle(not_after=round(time.time() * 1000) + 20 * DAY_MS)


def expired() -> Bundle:
    return bundle(not_after=round(time.time() * 1000) - 1)


class Place:
    """One station, its hub and the net between them."""

    def __init__(self, folder: Path, held: Bundle, on_disk: Bundle | None = None) -> None:
        members = Members()
        members.add("front", "desk")
        members.add("kitchen", "kitchen")
        self.net, self.desk = MemoryNet(), Desk(folder, members, "front")
        self.hub = NetHub(members, "front", Held(held))
        self.secrets = self.desk.profile.secrets_folder
        save_bundle(self.secrets, SITE, "front", on_disk or held, make_key(self.secrets, keyring=False))

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Place"]:
        async with self.hub.running(self.net), self.desk.running(self.net.link("front", gated=True)):
            yield self

    @property
    def proof(self) -> dict[str, Any]:
        found = self.desk.app.status()["proof"]
        assert isinstance(found, dict)
        return found

    @property
    def link(self) -> str:
        links = self.desk.app.core.reach.links
        return links["memory"].state if links else ""

    def on_disk(self) -> Bundle:
        return load_bundle(self.secrets, SITE, "front")

    def told(self) -> str:
        notice = self.desk.notifier.notices.get("connection")
        return notice.body if notice else ""


def play(scene: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(scene())


def test_a_station_comes_up_when_the_hub_has_proven_itself(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, good())
        async with place.running():
            await until(lambda: place.link == "up", "up")
            await until(lambda: place.desk.app.core.fetching.complete, "the list")
            assert (place.proof["state"], place.proof["notice"]) == ("proven", "")
            assert place.hub.heard[:2] == ["auth.hello", "auth.confirm"]
            assert place.hub.channels[:2] == ["auth", "auth"]
            assert place.told() == ""
            assert place.desk.app.status()["state"] == "ok"

    play(scene)


def test_before_the_proof_nothing_but_proofs_leaves_and_no_letter_is_opened(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, good())
        place.hub.dropped.add("auth.proof")
        async with place.running():
            await until(lambda: place.hub.heard, "a hello")
            page = await place.desk.page("kitchen")
            stamp = (round(time.time() * 1000), 0, "hub")
            await place.hub.write("order.put", OrderPut(uuid=page.id, kind="order", fields={"title": ("tea", stamp)}))
            await asyncio.sleep(0.1)
            assert place.desk.app.core.ordering.alive() == []
            assert set(place.hub.heard) == {"auth.hello"}
            assert place.proof["notice"] == "Connection Established: Negotiating Authentication"
            assert place.desk.app.status()["state"] == "offline"
            place.hub.dropped.clear()
            place.net.cut("front")
            place.net.heal("front")
            await until(lambda: "page.new" in place.hub.heard, "the page of before")
            await until(place.desk.app.core.ordering.alive, "the letter of before")
            assert not page.settled

    play(scene)


def test_an_expired_key_is_renewed_and_the_station_comes_up_with_the_new_one(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, expired())
        async with place.running():
            await until(lambda: place.link == "up", "up")
            new = place.on_disk()
            assert new.gen == 2
            assert place.hub.side.held == Held(new)
            heard = [type_ for type_ in place.hub.heard if type_ in ("psk.use", "auth.hello")]
            assert heard == ["psk.use", "auth.hello"], "the last word left before the session did"
            rounds = {channel for channel in place.hub.channels if channel.startswith("psk/")}
            assert len(rounds) == 1
            assert place.told() == ""

    play(scene)


def test_a_hub_without_our_key_is_left_and_asked_again_only_slowly(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, good(), on_disk=bundle(not_after=good().not_after, seed=9))
        async with place.running():
            await until(lambda: place.proof["state"] == "failed", "the failure")
            await until(lambda: place.link == "down", "the end")
            await until(place.told, "the notice")
            notice = place.proof["notice"]
            assert notice.startswith("Connection Failure: The Hub Does Not Know This Key")
            assert place.told() == notice
            hellos = place.hub.heard.count("auth.hello")
            await asyncio.sleep(0.7)
            assert place.hub.heard.count("auth.hello") == hellos
            save_bundle(place.secrets, SITE, "front", place.hub.side.held.current)
            await place.desk.app.requests.answer("retry", {}, lambda _: None)
            await until(lambda: place.link == "up", "up at once")
            await until(lambda: not place.told(), "the notice is taken away")

    play(scene)


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda path: path.unlink(), "The Key Of This Station Is Missing"),
        (lambda path: path.write_bytes(b"NMRK1 junk"), "The Key Of This Station"),
        (lambda path: path.write_bytes(path.read_bytes()[:-1] + b"?"), "The Key Of This Station Is Damaged"),
    ],
)
def test_a_key_file_that_cannot_be_used_is_told(tmp_path: Path, harm: Callable[[Path], object], words: str) -> None:
    async def scene() -> None:
        place = Place(tmp_path, good())
        harm(place.secrets / "psk.bin")
        async with place.running():
            await until(lambda: place.proof["state"] == "failed", "the failure")
            await until(place.told, "the notice")
            assert words in place.told()
            assert place.hub.heard == []

    play(scene)


def test_keys_that_cannot_be_written_are_told_and_the_old_ones_stay(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, expired())

        def full(_: Bundle) -> None:
            raise NmrError("Not written", "The disk is full")

        async with place.running():
            place.desk.app._door._save = full
            await until(place.told, "the notice")
            assert "The New PSK Could Not Be Saved" in place.told()
            assert "The disk is full" in place.told()
            assert place.on_disk().gen == 1

    play(scene)


def test_what_is_decided_while_nobody_is_connected_is_done_by_nobody() -> None:
    async def scene() -> None:
        happened: list[Event] = []

        def nobody() -> Any:
            raise AssertionError("no router is needed")

        door = Door(router=nobody, handle=happened.append, load=good, save=lambda _: None)
        for effect in (do.Listen("auth"), do.Unlisten("auth"), do.OpenInbox(), do.Abort("x", soon=True)):
            door.deeds[type(effect)](effect)
        await asyncio.sleep(0)
        await door.close()
        assert happened == []

    play(scene)


def test_keys_are_read_and_written_in_the_order_it_was_decided() -> None:
    async def scene() -> None:
        happened: list[Event] = []
        disk = [good()]
        new = bundle(2, not_after=0)

        def save(fresh: Bundle) -> None:
            time.sleep(0.05)
            disk.append(fresh)

        door = Door(router=lambda: None, handle=happened.append, load=lambda: disk[-1], save=save)  # type: ignore[arg-type, return-value]
        for effect in (do.ReadKeys(), do.SaveKeys(new), do.ReadKeys()):
            door.deeds[type(effect)](effect)
        await until(lambda: len(happened) == 3, "all three")
        assert happened == [KeysRead(disk[0]), KeysSaved(ok=True), KeysRead(new)]

    play(scene)


def test_a_channel_of_a_session_that_is_gone_is_told_to_nobody() -> None:
    """Its answer would be taken for the next session's, in which nobody listens."""

    async def scene() -> None:
        happened: list[Event] = []
        door = Door(router=lambda: None, handle=happened.append, load=good, save=lambda _: None)  # type: ignore[arg-type, return-value]
        listening = asyncio.Event()

        class Session:
            async def listen(self, _: str) -> None:
                await listening.wait()

            async def unlisten(self, _: str) -> None:
                raise LinkDown("gone")

        door._session = Session()  # type: ignore[assignment]  # as much of one as is used
        door.deeds[do.Listen](do.Listen("psk/1"))
        door.deeds[do.Unlisten](do.Unlisten("psk/1"))
        await asyncio.sleep(0.01)
        door._session = None
        listening.set()
        await until(lambda: not door._tasks, "all is over")
        assert [event for event in happened if isinstance(event, ChannelOpen | LinkChanged)] == []

    play(scene)


@pytest.mark.parametrize(("soon", "error"), [(True, LinkDown), (False, HubUnproven)])
def test_the_last_word_leaves_before_the_session_ends(soon: bool, error: type[LinkDown]) -> None:
    async def scene() -> None:
        done: list[object] = []

        class Router:
            async def drain(self) -> None:
                await asyncio.sleep(0.01)
                done.append("drained")

        class Session:
            def abort(self, error: LinkDown) -> None:
                done.append((type(error), str(error), door._again.is_set()))

        door = Door(router=Router, handle=done.append, load=good, save=lambda _: None)  # type: ignore[arg-type]  # as much of one as is used
        door._session = Session()  # type: ignore[assignment]  # as much of one as is used
        door.deeds[do.Abort](do.Abort("why", soon=soon))
        await until(lambda: not door._tasks, "the end")
        assert done == ["drained", (error, "why", soon)]

    play(scene)
