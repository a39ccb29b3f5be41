"""Receiving: stored before it is accepted, receipted every time, handed on once, and never the end of the agent."""

import sqlite3
from functools import partial
from pathlib import Path

import pytest

from agent.domain.audience import Audience
from agent.domain.effects import Post
from agent.domain.envelope import LIFE_MS, SEALED_BYTES
from agent.domain.events import Arrived, NotSaved, StrangerHeard
from agent.domain.messages import ErrorNote, Presence, Probe
from agent.links.base import Delivery
from agent.routing import incoming, rows
from agent.routing.admission import Admitted
from agent.routing.bucket import Buckets
from tests.routing.place import Place, members, play, receipt, soon


def test_a_page_over_three_links_comes_once_and_is_receipted_each_time(tmp_path: Path) -> None:
    async def scene() -> None:
        people = members()
        front, kitchen, accepted = Place(tmp_path, people), Place(tmp_path, people, "kitchen"), list[int]()
        kitchen.up()
        page = front.post()
        for copy in range(3):
            kitchen.arrive(front, page, partial(accepted.append, copy))
        await soon(lambda: len(accepted) == 3)
        kitchen.arrive(front, page, partial(accepted.append, 3))
        await soon(lambda: len(accepted) == 4)
        assert kitchen.arrived() == [page.id]
        await soon(kitchen.receipts)
        assert set(kitchen.receipts()) == {("front", page.id, "stored")}
        front.crash()
        kitchen.crash()

    play(scene)


def test_without_the_memory_of_ids_a_second_copy_would_ring_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = rows.insert_in

    def forget(db: sqlite3.Connection, admitted: Admitted, link: str) -> bool:
        insert(db, admitted, link)
        return True

    monkeypatch.setattr(rows, "insert_in", forget)

    async def scene() -> None:
        people = members()
        front, kitchen = Place(tmp_path, people), Place(tmp_path, people, "kitchen")
        page = front.post()
        for _ in range(2):
            kitchen.arrive(front, page)
            await soon(kitchen.arrived)
            kitchen.events.append(StrangerHeard("between the copies"))
        await soon(lambda: len(kitchen.arrived()) == 2)
        front.crash()
        kitchen.crash()

    play(scene)


def test_nothing_is_accepted_before_it_is_on_disk(tmp_path: Path) -> None:
    async def scene() -> None:
        people = members()
        front, kitchen, order = Place(tmp_path, people), Place(tmp_path, people, "kitchen"), list[str]()
        kitchen.disk.log = order
        kitchen.arrive(front, front.post(), lambda: order.append("accept"))
        await soon(lambda: "accept" in order)
        assert order == ["commit", "accept"]
        front.crash()
        kitchen.crash()

    play(scene)


def test_a_full_disk_accepts_nothing_tells_and_recovers_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broker hands over only so much that is not accepted: what cannot be stored must not wait for it."""
    monkeypatch.setattr(incoming, "STORE_AGAIN_S", 0.02)

    async def scene() -> None:
        people = members()
        front, kitchen, accepted = Place(tmp_path, people), Place(tmp_path, people, "kitchen"), list[int]()
        kitchen.up()
        kitchen.disk.full = True
        page = front.post()
        kitchen.arrive(front, page, lambda: accepted.append(1))
        await soon(lambda: sum(isinstance(event, NotSaved) for event in kitchen.events) >= 2)
        assert (accepted, kitchen.arrived(), kitchen.receipts()) == ([], [], [])
        kitchen.disk.full = False
        await soon(kitchen.receipts)
        assert (accepted, kitchen.arrived()) == ([1], [page.id])
        front.crash()
        kitchen.crash()

    play(scene)


def test_an_id_belongs_to_its_first_sender(tmp_path: Path) -> None:
    """Else a colleague who is quick could have the page of another taken for known: receipted and never rung."""

    async def scene() -> None:
        people = members()
        front, bar, kitchen = (Place(tmp_path, people, name) for name in ("front", "bar", "kitchen"))
        kitchen.up()
        page = front.post()
        kitchen.arrive(bar, page)
        await soon(kitchen.receipts)
        kitchen.arrive(front, page)
        await soon(lambda: kitchen.router.refused == {"id": 1})
        await kitchen.router.drain()
        assert kitchen.receipts() == [("bar", page.id, "stored")]
        for place in (front, bar, kitchen):
            place.crash()

    play(scene)


def test_a_station_that_speaks_another_version_is_told_so_once_an_hour(tmp_path: Path) -> None:
    async def scene() -> None:
        people = members()
        front, bar, kitchen = (Place(tmp_path, people, name) for name in ("front", "bar", "kitchen"))
        kitchen.up()
        LIFE_MS["page.dance"] = 60_000  # the senders know a type that the receiver does not
        try:
            dances = [front.post(type_="page.dance") for _ in range(3)] + [bar.post(type_="page.dance")]
            containers = [front.container(dance, "kitchen") for dance in dances[:3]]
            other = bar.container(dances[3], "kitchen")
        finally:
            del LIFE_MS["page.dance"]
        for container in containers[:2]:
            kitchen.router.arrived(Delivery("mqtt", "front", container, lambda: None))
        kitchen.router.arrived(Delivery("mqtt", "bar", other, lambda: None))
        await soon(lambda: len(kitchen.session.sent) == 2)
        told = [(to, envelope_.re, params) for to, envelope_, params in kitchen.sent()]
        assert told == [
            ("front", dances[0].id, ErrorNote(code="unknown-type")),
            ("bar", dances[3].id, ErrorNote(code="unknown-type")),
        ]
        kitchen.skew_s += 3601
        kitchen.router.arrived(Delivery("mqtt", "front", containers[2], lambda: None))
        await soon(lambda: len(kitchen.session.sent) == 3)
        assert kitchen.router.refused == {"type": 4}
        for place in (front, bar, kitchen):
            place.crash()

    play(scene)


def test_an_error_is_never_answered_with_an_error(tmp_path: Path) -> None:
    async def scene() -> None:
        people = members()
        front, kitchen = Place(tmp_path, people), Place(tmp_path, people, "kitchen")
        kitchen.up()
        note = Post(
            "1" * 32, Audience("station", "kitchen"), ("kitchen",), "error", ErrorNote(code="unknown-type"), want=0
        )
        kitchen.arrive(front, note)
        await soon(kitchen.arrived)
        await kitchen.router.drain()
        assert kitchen.session.sent == []
        front.crash()
        kitchen.crash()

    play(scene)


def test_what_passes_is_handed_on_unstored(tmp_path: Path) -> None:
    async def scene() -> None:
        people = members()
        front, kitchen = Place(tmp_path, people), Place(tmp_path, people, "kitchen")
        for params in (Presence(up=False), Probe(n=1)):
            type_ = type(params).__name__.lower()
            kitchen.arrive(front, front.post(type_=type_, params=params, want=0))
        await soon(lambda: len(kitchen.arrived()) == 2)
        assert kitchen.handled() == {}
        kitchen.arrive(front, front.post(type_="receipt", params=receipt("9" * 32), want=0))
        await soon(lambda: len(kitchen.events) == 3)
        front.crash()
        kitchen.crash()

    play(scene)


@pytest.mark.parametrize("anchored", [True, False])
def test_what_the_core_had_not_finished_comes_again_and_says_when_its_time_is_a_guess(
    tmp_path: Path, anchored: bool
) -> None:
    async def scene() -> None:
        people = members()
        front, kitchen = Place(tmp_path, people), Place(tmp_path, people, "kitchen")
        page = front.post()
        kitchen.arrive(front, page)
        await soon(kitchen.arrived)
        kitchen.crash()
        kitchen.events.clear()
        kitchen.skew_ms, kitchen.anchored = 3 * 3_600_000, anchored
        kitchen.open()
        kitchen.router.start()
        (event,) = kitchen.events
        assert isinstance(event, Arrived)
        assert (event.envelope.id, event.expired, event.unverified) == (page.id, anchored, not anchored)
        front.crash()
        kitchen.crash()

    play(scene)


def test_a_stored_arrival_that_nobody_can_read_any_more_does_not_stop_the_start(tmp_path: Path) -> None:
    async def scene() -> None:
        people = members()
        front, kitchen = Place(tmp_path, people), Place(tmp_path, people, "kitchen")
        page = front.post()
        kitchen.arrive(front, page)
        await soon(kitchen.arrived)
        await kitchen.store.write(_store_junk)
        kitchen.crash()
        kitchen.events.clear()
        kitchen.open()
        kitchen.router.start()
        assert kitchen.arrived() == [page.id]
        await soon(lambda: kitchen.handled() == {page.id: False, "x": True})
        front.crash()
        kitchen.crash()

    play(scene)


def _store_junk(db: sqlite3.Connection) -> None:
    db.execute("INSERT INTO inbox (id, sender, link, exp, frame) VALUES ('x', 'front', 'mqtt', 1, x'00')")


@pytest.mark.parametrize(("link", "sender", "lost"), [("mail", None, 0), ("mqtt", "front", 8)])
def test_more_mails_than_may_come_at_once_wait_for_their_turn_and_none_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, link: str, sender: str | None, lost: int
) -> None:
    """A morning's mails come at once, and whoever wrote them perhaps writes them once; they are accepted as they go."""
    monkeypatch.setattr("tests.routing.place.Buckets", lambda *_: Buckets(rate=1.0, burst=2))

    async def scene() -> None:
        people, accepted = members(), list[int]()
        front, kitchen = Place(tmp_path, people), Place(tmp_path, people, "kitchen")
        pages = [front.post() for _ in range(10)]
        for number, page in enumerate(pages):
            container = front.container(page, "kitchen")
            kitchen.router.arrived(Delivery(link, sender, container, partial(accepted.append, number)))
        await soon(lambda: len(kitchen.arrived()) == 2)
        assert kitchen.router.refused.get("rate", 0) == lost
        assert len(accepted) == 2 + lost
        for count in range(3, 11 - lost):
            kitchen.skew_s += 1.0
            await soon(lambda count=count: len(kitchen.arrived()) >= count)  # type: ignore[misc]
        assert kitchen.arrived() == [page.id for page in pages[: 10 - lost]]
        front.crash()
        kitchen.crash()

    play(scene)


def test_what_is_too_large_is_refused_however_many_wait(tmp_path: Path) -> None:
    async def scene() -> None:
        kitchen = Place(tmp_path, members(), "kitchen")
        kitchen.router.arrived(Delivery("mail", None, bytes(SEALED_BYTES + 1), lambda: None))
        assert kitchen.router.refused == {"size": 1}
        kitchen.crash()

    play(scene)
