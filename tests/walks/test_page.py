"""A page's walk between two agents: shown once, answered, told back, silent everywhere else."""

import asyncio
from pathlib import Path

from agent.domain.page import State
from agent.links.memory import Faults, MemoryNet
from tests.walks.desk import Desk, until
from tests.walks.members import Members


def test_a_page_is_shown_and_its_sender_hears_who_takes_it(tmp_path: Path) -> None:
    async def walk() -> None:
        members, net = Members(), MemoryNet()
        for station, role in (("front", "desk"), ("kitchen", "kitchen"), ("hub2", "other")):
            members.add(station, role)
        net.link("hub")
        front, kitchen = Desk(tmp_path, members, "front"), Desk(tmp_path, members, "kitchen")
        async with front.running(net.link("front")), kitchen.running(net.link("kitchen")):
            page = await front.page("kitchen", "two coffees")
            await until(lambda: page.state is State.PRESENTED, "presented")
            assert kitchen.notifier.notices[page.id].body.startswith("two coffees")
            await kitchen.app.requests.answer("answer", {"page": page.id, "answer": "accepted"}, lambda _: None)
            await until(lambda: page.state is State.ACCEPTED, "accepted")
            assert page.taken is not None
            assert page.taken.person == "kitchen"
            assert page.id not in kitchen.notifier.notices
        assert kitchen.notifier.rung(page.id) == 1

    asyncio.run(walk())


def test_over_a_net_that_loses_doubles_and_reorders_every_page_rings_once(tmp_path: Path) -> None:
    async def walk() -> None:
        members, net = Members(), MemoryNet(Faults(loss=0.02, double=0.5, reorder=0.5, delay=0.05))
        members.add("front", "desk")
        members.add("kitchen", "kitchen")
        net.link("hub")
        ring = "[ring]\nper_minute = 1000\n"
        front, kitchen = Desk(tmp_path, members, "front", ring), Desk(tmp_path, members, "kitchen", ring)
        async with front.running(net.link("front")), kitchen.running(net.link("kitchen")):
            pages = [await front.page("kitchen", str(number)) for number in range(100)]
            await until(lambda: all(page.state is State.PRESENTED for page in pages), "all presented", within=60)
        assert [kitchen.notifier.rung(page.id) for page in pages] == [1] * 100

    asyncio.run(walk())
