"""Wakings: none before its time, none forgotten, and times that lie close together are one."""

import asyncio
import time

from agent.station.wakes import SAME_S, Wakes


class Sleeper:
    """Notes when it was woken, seconds after its start."""

    def __init__(self) -> None:
        self.start = time.monotonic()
        self.woken: list[float] = []
        self.wakes = Wakes(time.monotonic, lambda: self.woken.append(time.monotonic() - self.start))

    def at(self, *seconds: float) -> None:
        for one in seconds:
            self.wakes.at(self.start + one)


def run(*seconds: float, wakings: int) -> list[float]:
    """Ask for these times, wait for so many wakings and a little longer; return when they came."""

    async def sleep() -> list[float]:
        sleeper = Sleeper()
        sleeper.at(*seconds)
        async with asyncio.timeout(10):
            while len(sleeper.woken) < wakings:
                await asyncio.sleep(0.005)
        await asyncio.sleep(0.1)
        sleeper.wakes.stop()
        return sleeper.woken

    return asyncio.run(sleep())


def test_a_waking_comes_not_before_its_time_and_once() -> None:
    woken = run(0.1, 0.3, wakings=2)
    assert len(woken) == 2
    assert all(wanted <= came + 0.002 for wanted, came in zip((0.1, 0.3), woken, strict=True))


def test_a_hundred_times_in_one_moment_are_one_waking() -> None:
    assert len(run(*(0.1 + number * SAME_S / 100 for number in range(100)), wakings=1)) <= 2


def test_an_earlier_time_comes_before_one_that_was_asked_for_first() -> None:
    assert len(run(60.0, 0.1, wakings=1)) == 1


def test_a_time_that_is_over_wakes_at_once() -> None:
    assert len(run(-100.0, wakings=1)) == 1


def test_who_is_stopped_sleeps() -> None:
    async def sleep() -> list[float]:
        sleeper = Sleeper()
        sleeper.at(0.05)
        sleeper.wakes.stop()
        await asyncio.sleep(0.2)
        return sleeper.woken

    assert asyncio.run(sleep()) == []


def test_a_time_asked_for_while_waking_is_kept() -> None:
    async def sleep() -> int:
        woken: list[float] = []

        def woke() -> None:
            woken.append(time.monotonic())
            if len(woken) < 3:
                wakes.at(time.monotonic() + 0.05)

        wakes = Wakes(time.monotonic, woke)
        wakes.at(time.monotonic())
        async with asyncio.timeout(10):
            while len(woken) < 3:
                await asyncio.sleep(0.005)
        wakes.stop()
        return len(woken)

    assert asyncio.run(sleep()) == 3
