"""Connections that come and go leave nothing behind."""

import asyncio
import sys
from pathlib import Path

import pytest

from agent.links.p2p import events
from tests.links.p2p.pair import Pair
from tests.links.taking import until

CYCLES, LONG_CYCLES = 200, 1000


def held() -> tuple[int, int]:
    """Tasks and file descriptors."""
    return len(asyncio.all_tasks()), sum(1 for _ in Path("/proc/self/fd").iterdir())


async def _cycle(count: int) -> None:
    for _ in range(3):
        pair = Pair()
        await pair.open()
        await pair.close()
    before = held()
    for _ in range(count):
        pair = Pair()
        await pair.open()
        await pair.close()
        failed = [event.pc for event in pair.heard if isinstance(event, events.Failed)]
        assert failed == ["b"], "only who did not close hears of an end"
    await until(lambda: held() <= before)


@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
@pytest.mark.parametrize("count", [CYCLES, pytest.param(LONG_CYCLES, marks=pytest.mark.long)])
def test_tasks_and_descriptors_stay_the_same_over_many_connections(count: int) -> None:
    asyncio.run(_cycle(count))


@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
def test_a_connection_given_up_at_any_moment_leaves_nothing() -> None:
    async def walk() -> None:
        await _cycle(1)
        before = held()
        for step in range(8):
            pair = Pair()
            opening = asyncio.create_task(pair.open())
            await asyncio.sleep(0.004 * step)
            await pair.close()
            opening.cancel()
            await asyncio.gather(opening, return_exceptions=True)
        await until(lambda: held() <= before)

    asyncio.run(walk())


def test_nonsense_instead_of_a_description_fails_and_raises_nothing() -> None:
    async def walk() -> None:
        for sdp in ((), ("v=0",), ("m=application x",), ("\x00",), ("a=fingerprint",)):
            pair = Pair()
            await pair.b.take(sdp)
            assert [type(event) for event in pair.heard] == [events.Failed]
            await pair.close()
        pair = Pair()
        await pair.a.join(("v=0",))
        await pair.a.close()
        assert [type(event) for event in pair.heard] == [events.Failed]

    asyncio.run(walk())
