"""Checking in the loop or beside it: in order, all of them, and no defect is the end of it."""

import asyncio
import threading

import pytest

from agent.links.base import Delivery
from agent.routing.check_queue import FEW, CheckQueue, Found
from agent.wire.frame import FrameRefused
from tests.routing.place import play, soon


def delivery(number: int) -> Delivery:
    return Delivery("mqtt", "front", str(number).encode(), lambda: None)


class Watched:
    """A queue whose checks and results are written down."""

    def __init__(self, broken: bytes = b"", *, in_done: bool = False) -> None:
        self.done: list[bytes] = []
        self.codes: dict[bytes, str] = {}
        self.threads: set[int] = set()
        self._broken, self._in_done = broken, in_done
        self.queue = CheckQueue(self._check, self._checked)

    def _check(self, delivery_: Delivery) -> Found:
        self.threads.add(threading.get_ident())
        if delivery_.sealed == self._broken and not self._in_done:
            raise RuntimeError("a defect")
        return FrameRefused("seal")

    def _checked(self, delivery_: Delivery, found: Found) -> None:
        assert isinstance(found, FrameRefused)
        self.done.append(delivery_.sealed)
        self.codes[delivery_.sealed] = found.code
        if delivery_.sealed == self._broken and self._in_done:
            raise RuntimeError("a defect")


@pytest.mark.parametrize("count", [1, FEW, FEW + 1, 200])
@pytest.mark.parametrize("in_done", [False, True])
def test_all_come_out_in_order_whatever_one_of_them_does(count: int, in_done: bool) -> None:
    async def scene() -> None:
        watched = Watched(b"2", in_done=in_done)
        for number in range(count):
            watched.queue.put(delivery(number))
        await soon(lambda: len(watched.done) == count)
        watched.queue.put(delivery(count))
        await soon(lambda: len(watched.done) == count + 1)
        assert watched.done == [str(number).encode() for number in range(count + 1)]
        if count > 2 and not in_done:
            assert watched.codes[b"2"] == "defect"
        watched.queue.stop()

    play(scene)


def test_only_a_burst_is_worth_a_thread() -> None:
    async def scene() -> None:
        watched = Watched()
        for number in range(FEW):
            watched.queue.put(delivery(number))
        await soon(lambda: len(watched.done) == FEW)
        assert watched.threads == {threading.get_ident()}
        for number in range(FEW + 1):
            watched.queue.put(delivery(number))
        await soon(lambda: len(watched.done) == 2 * FEW + 1)
        assert len(watched.threads) == 2
        watched.queue.stop()

    play(scene)


def test_what_comes_after_the_end_stays_with_its_link() -> None:
    async def scene() -> None:
        watched = Watched()
        for number in range(FEW + 1):
            watched.queue.put(delivery(number))
        watched.queue.stop()
        for number in range(FEW + 1):
            watched.queue.put(delivery(number))
        await asyncio.sleep(0.01)
        assert watched.done == []

    play(scene)
