"""The lane before a link: nothing twice, no more at once than the link wants, nothing left behind a broken link."""

import asyncio

from agent.links.base import LinkDown
from agent.routing.lane import Lane
from tests.routing.place import Session, play, soon


def test_repeats_do_not_pile_up_before_a_slow_link() -> None:
    async def scene() -> None:
        session, gate = Session(), asyncio.Event()

        async def slowly(to: str, sealed: bytes, channel: str = "") -> None:
            await gate.wait()
            session.sent.append((to, sealed))

        session.send = slowly  # type: ignore[method-assign]  # a slow one
        lane = Lane("mail", session, lambda *_: None)  # type: ignore[arg-type]  # sends only
        for _ in range(100):
            lane.put("1", "kitchen", b"page")
            lane.put("2", "kitchen", b"other")
            await asyncio.sleep(0)
        assert len(lane) <= 2
        gate.set()
        await asyncio.wait_for(lane.drained(), 5)
        assert len(session.sent) <= 3
        lane.close()

    play(scene)


def test_a_link_that_takes_many_at_once_gets_many() -> None:
    async def scene() -> None:
        session, gate = Session(), asyncio.Event()
        under_way = 0

        async def slowly(to: str, sealed: bytes, channel: str = "") -> None:
            nonlocal under_way
            under_way += 1
            await gate.wait()
            session.sent.append((to, sealed))

        session.send, session.at_once = slowly, 3  # type: ignore[method-assign, attr-defined]  # a slow one
        took: list[str] = []
        lane = Lane("mail", session, lambda id_, *_: took.append(id_))  # type: ignore[arg-type]  # sends only
        for number in range(10):
            lane.put(str(number), "kitchen", b"page")
        await soon(lambda: under_way == 3)
        await asyncio.sleep(0)
        assert (under_way, len(lane)) == (3, 7)
        gate.set()
        await asyncio.wait_for(lane.drained(), 5)
        assert sorted(took) == [str(number) for number in range(10)]
        gate.clear()
        lane.put("late", "kitchen", b"page")
        await soon(lambda: under_way == 11)
        lane.close()
        await asyncio.sleep(0)
        assert len(took) == 10

    play(scene)


def test_a_link_that_takes_many_at_once_and_goes_down_keeps_none_waiting() -> None:
    async def scene() -> None:
        session = Session()
        session.broken, session.at_once = LinkDown("down"), 2  # type: ignore[attr-defined]  # many at once
        lost: list[str] = []
        lane = Lane("mail", session, lambda *_: None, lost.append)  # type: ignore[arg-type]  # sends only
        for number in range(10):
            lane.put(str(number), "kitchen", b"page")
        await asyncio.wait_for(lane.drained(), 5)
        assert 1 <= len(lost) <= 3
        session.broken = None
        lane.put("next", "kitchen", b"page")
        await asyncio.wait_for(lane.drained(), 5)
        assert len(session.sent) == 1
        lane.close()

    play(scene)
