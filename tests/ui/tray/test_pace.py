"""How often a panel hears of changes."""

import asyncio
from itertools import pairwise

from agent.ui.tray.pace import Pace


def test_any_number_of_requests_in_one_turn_is_one_deed() -> None:
    async def run() -> None:
        done: list[int] = []
        pace = Pace(lambda: done.append(1))
        for _ in range(100):
            pace.ask()
        assert not done
        await asyncio.sleep(0.01)
        assert done == [1]

    asyncio.run(run())


def test_the_first_change_after_a_rest_is_not_held_back() -> None:
    async def run() -> None:
        done = asyncio.Event()
        Pace(done.set, gap=60).ask()
        await asyncio.wait_for(done.wait(), 10)

    asyncio.run(run())


def test_the_next_change_waits_until_the_gap_is_over_and_is_not_lost() -> None:
    async def run() -> None:
        loop, times = asyncio.get_running_loop(), []
        done = asyncio.Event()

        def deed() -> None:
            times.append(loop.time())
            done.set()

        pace = Pace(deed, gap=0.05)
        for _ in range(3):
            done.clear()
            pace.ask()
            await asyncio.wait_for(done.wait(), 10)
        assert all(later - earlier >= 0.049 for earlier, later in pairwise(times))

    asyncio.run(run())


def test_flush_does_what_waits_and_nothing_else() -> None:
    async def run() -> None:
        done: list[int] = []
        pace = Pace(lambda: done.append(1), gap=60)
        pace.flush()
        assert not done
        pace.ask()
        pace.flush()
        pace.ask()
        pace.flush()
        assert done == [1, 1]

    asyncio.run(run())


def test_what_was_dropped_is_never_done() -> None:
    async def run() -> None:
        done: list[int] = []
        pace = Pace(lambda: done.append(1), gap=0)
        pace.ask()
        pace.drop()
        await asyncio.sleep(0.02)
        assert not done

    asyncio.run(run())
