"""A link with a way of its own to each station: pages open ways and take them, and none waits for another's."""

import asyncio
from pathlib import Path

from agent.domain.audience import THE_HUB
from agent.domain.effects import Post
from agent.domain.envelope import QUIET, WANT_NOTHING, WANT_STORED
from agent.domain.messages import OrderDelete, Presence
from agent.links.base import LinkDown
from tests.routing.place import Place, Session, members, play, soon


class Ways(Session):
    """A link whose ways are `open`; whoever is in `dead` looks open and is not, whoever is in `slow` never takes it."""

    rtt = None  # type: ignore[assignment]  # each way has its own

    def __init__(self) -> None:
        super().__init__()
        self.open: dict[str, float | None] = {}
        self.wanted: list[str] = []
        self.dead: set[str] = set()
        self.slow: set[str] = set()

    def ways(self) -> dict[str, float | None]:
        return dict(self.open)

    def want(self, station: str) -> None:
        self.wanted.append(station)

    async def send(self, to: str, sealed: bytes, channel: str = "") -> None:
        if to in self.slow:
            await asyncio.Event().wait()
        if to in self.dead:
            self.open.pop(to, None)
            raise LinkDown("gone")
        await super().send(to, sealed, channel)


class Site(Place):
    """A place with both links."""

    def ways_up(self) -> Ways:
        self.ways = Ways()
        self.router.opened("p2p", self.ways)  # type: ignore[arg-type]  # sends only
        return self.ways

    def opened(self, station: str) -> None:
        self.ways.open[station] = 0.0001
        self.router.ways_changed("p2p")


def test_a_page_goes_over_mqtt_at_once_where_no_way_is_open_and_opens_one(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Site(tmp_path, members())
        place.up()
        ways = place.ways_up()
        place.router.run([place.post()])
        await soon(lambda: place.session.sent)
        assert ways.wanted[:1] == ["kitchen"]
        assert ways.sent == []
        place.opened("kitchen")
        await soon(lambda: ways.sent)
        place.router.run([place.post()])
        await soon(lambda: len(ways.sent) == 2)
        assert len(place.session.sent) == 1
        place.crash()

    play(scene)


def test_without_mqtt_a_page_waits_for_its_way_and_nothing_for_others(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Site(tmp_path, members())
        place.router.run([place.post(("kitchen", "bar"))])
        await soon(lambda: place.router.open_rows == 2)
        ways = place.ways_up()
        assert set(ways.wanted) == {"kitchen", "bar"}
        place.opened("bar")
        await soon(lambda: ways.sent)
        assert [to for to, _ in ways.sent] == ["bar"]
        place.opened("kitchen")
        await soon(lambda: len(ways.sent) == 2)
        assert [to for to, _ in ways.sent] == ["bar", "kitchen"]
        place.crash()

    play(scene)


def test_what_is_quiet_or_for_the_hub_opens_no_way(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Site(tmp_path, members())
        ways = place.ways_up()
        bye = Post(place.new_id(), THE_HUB, ("hub",), "presence", Presence(up=False), want=WANT_NOTHING)
        order = place.post(type_="order.delete", params=OrderDelete(uuid="0" * 32, stamp=(1, 0, "front")), prio=QUIET)
        page = place.post(("hub",), want=WANT_STORED)
        place.router.run([bye, order, page])
        await soon(lambda: place.router.open_rows == 2)
        assert ways.wanted == []
        assert ways.sent == []
        place.crash()

    play(scene)


def test_what_a_dead_way_does_not_take_goes_over_mqtt_at_once(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Site(tmp_path, members())
        place.up()
        ways = place.ways_up()
        place.opened("kitchen")
        ways.dead.add("kitchen")
        place.router.run([place.post()])
        await soon(lambda: place.session.sent, within=2.5)
        place.crash()

    play(scene)


def test_what_was_sent_over_a_way_that_ends_goes_over_mqtt_at_once_unless_it_was_stored(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Site(tmp_path, members())
        place.up()
        ways = place.ways_up()
        place.opened("kitchen")
        place.router.run([place.post()])
        await soon(lambda: ways.sent)
        assert place.session.sent == []
        ways.open.clear()
        place.router.ways_changed("p2p")
        await soon(lambda: place.session.sent, within=2.5)
        place.crash()

    play(scene)


def test_the_whole_link_going_down_sends_what_is_open_another_way(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Site(tmp_path, members())
        place.up()
        ways = place.ways_up()
        place.opened("kitchen")
        place.router.run([place.post()])
        await soon(lambda: ways.sent)
        place.router.closed("p2p")
        await soon(lambda: place.session.sent, within=2.5)
        place.crash()

    play(scene)


def test_a_slow_station_holds_up_nobody_else(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Site(tmp_path, members())
        ways = place.ways_up()
        place.opened("kitchen")
        place.opened("bar")
        ways.slow.add("bar")
        place.router.run([place.post(("bar", "kitchen"))])
        await soon(lambda: ways.sent)
        assert [to for to, _ in ways.sent] == ["kitchen"]
        place.crash()

    play(scene)
