"""The whole agent: a defect in the core is told to whoever asked, and the last words leave."""

import asyncio
from pathlib import Path

import pytest

from agent.domain.errors import NmrError
from agent.domain.events import Event, Instant, PageAsked
from agent.domain.messages import Presence
from agent.links.memory import MemoryNet
from agent.routing import rows
from agent.wire.frame import read_body, take_apart
from agent.wire.seal import open_sealed
from tests.walks.desk import Desk, until
from tests.walks.members import Members


def people() -> Members:
    made = Members()
    made.add("front", "desk")
    made.add("kitchen", "kitchen")
    made.add("bar", "kitchen")
    return made


def test_a_defect_of_the_core_is_told_to_whoever_asked(tmp_path: Path) -> None:
    async def scene() -> None:
        net = MemoryNet()
        front = Desk(tmp_path, people(), "front")
        async with front.running(net.link("front")):
            handle = front.app.core.handle

            def broken(event: Event, now: Instant) -> list[object]:
                if isinstance(event, PageAsked):
                    raise TypeError("a defect")
                return list(handle(event, now))

            front.app.core.handle = broken  # type: ignore[method-assign, assignment]  # on purpose
            with pytest.raises(NmrError, match="did not work"):
                await asyncio.wait_for(front.page("kitchen"), 20)
            front.app.core.handle = handle  # type: ignore[method-assign]
            await front.page("kitchen")

    asyncio.run(scene())


def test_a_station_that_ends_says_good_bye(tmp_path: Path) -> None:
    async def scene() -> None:
        members, net = people(), MemoryNet()
        net.link("hub")
        front = Desk(tmp_path, members, "front")
        async with front.running(net.link("front")):
            await until(lambda: front.app.core.reach.connected, "the link")
        kept = [letter.sealed for letter in net._boxes["hub"]._kept.values()]
        said = [read_body(take_apart(open_sealed(sealed, members.hub)).body)[1] for sealed in kept]
        assert Presence(up=False) in said

    asyncio.run(scene())


def test_a_full_disk_keeps_nobody_a_member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither entry nor pin can be written: what waits for whoever was shown out goes to nobody all the same."""

    def full(*_: object) -> None:
        raise NmrError("Could not be saved", "No space left on device")

    async def scene() -> None:
        members, net = people(), MemoryNet()
        front = Desk(tmp_path, members, "front")
        async with front.running(net.link("front")):
            page = await front.page("kitchen")
            members.revoke("kitchen")
            monkeypatch.setattr("agent.station.app.save_pin", full)
            monkeypatch.setattr("agent.routing.rows.keep", full)
            revoked = members.frames[-1].decode()
            front.app.router.run(front.app.core.membership.entries([revoked], now=front.app._clock.now()))
            await until(lambda: page.targets["kitchen"].why == "revoked", "the row is given up")
            monkeypatch.undo()

    asyncio.run(scene())


def test_a_page_taken_before_it_was_shown_does_not_ring_at_the_next_start(tmp_path: Path) -> None:
    async def scene() -> None:
        members, net = people(), MemoryNet()
        net.link("hub")
        front, kitchen, bar = (Desk(tmp_path, members, name) for name in ("front", "kitchen", "bar"))
        shown = asyncio.Event()
        async with front.running(net.link("front")), bar.running(net.link("bar")):
            async with kitchen.running(net.link("kitchen")):
                show = kitchen.notifier.show

                async def slowly(notice: object) -> object:
                    await shown.wait()
                    return await show(notice)  # type: ignore[arg-type]

                kitchen.notifier.show = slowly  # type: ignore[method-assign, assignment]
                page = await front.page("kitchen")
                await until(lambda: page.id in kitchen.app.core.ringing.pages, "the page")
                await until(lambda: page.id in bar.app.core.ringing.pages, "the page at the bar")
                await bar.app.requests.answer("answer", {"page": page.id, "answer": "accepted"}, lambda _: None)
                await until(lambda: not kitchen.app.core.ringing.pages[page.id].open, "silence")
                kitchen.app._performer._handle = lambda _: None  # it dies before it could say what it has shown
                shown.set()
            kitchen.notifier.events.clear()
            kitchen.notifier.show = show  # type: ignore[method-assign]
            async with kitchen.running(net.link("kitchen")):
                store = kitchen.app._store
                await until(lambda: not store.read(rows.UNHANDLED), "all is handled")
                assert kitchen.notifier.rung(page.id) == 0

    asyncio.run(scene())
