"""The times a core wants to be woken at, on one timer."""

import asyncio
from collections.abc import Callable
from heapq import heappop, heappush

SAME_S = 0.05
"""Times this close together are one waking."""


class Wakes:
    """Calls `woke` once for all times that have come; monotonic seconds."""

    def __init__(self, clock: Callable[[], float], woke: Callable[[], None]) -> None:
        self._clock, self._woke = clock, woke
        self._times: list[float] = []
        self._slots: set[int] = set()
        self._timer: asyncio.TimerHandle | None = None

    def at(self, mono: float) -> None:
        """Wake at this time at the latest."""
        slot = int(mono / SAME_S) + 1
        if slot in self._slots:
            return
        self._slots.add(slot)
        heappush(self._times, slot * SAME_S)
        if self._times[0] == slot * SAME_S:
            self._set()

    def stop(self) -> None:
        """Wake nobody any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _set(self) -> None:
        self.stop()
        delay = max(0.0, self._times[0] - self._clock())
        self._timer = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        now, due = self._clock(), False
        while self._times and self._times[0] <= now + 0.001:
            self._slots.discard(round(heappop(self._times) / SAME_S))
            due = True
        if self._times:
            self._set()
        if due:
            self._woke()
