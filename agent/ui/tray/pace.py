"""Slow down: however often something changes, the panel hears of it at most ten times a second."""

import asyncio
from collections.abc import Callable

GAP = 0.1
"""Seconds between two updates; panels have crashed at a hundred updates a second."""


class Pace:
    """Runs `deed` once for any number of requests within `gap` seconds; holds no timer while nothing is asked."""

    def __init__(self, deed: Callable[[], None], gap: float = GAP) -> None:
        self._deed = deed
        self._gap = gap
        self._free_at = 0.0
        self._waiting: asyncio.TimerHandle | None = None

    def ask(self) -> None:
        """Have the deed done: at the end of this turn of the loop, or when the gap since the last one is over."""
        if self._waiting is None:
            loop = asyncio.get_running_loop()
            self._waiting = loop.call_at(max(self._free_at, loop.time()), self.flush)

    def flush(self) -> None:
        """Do now what was asked for, if anything was."""
        if self._waiting is None:
            return
        self.drop()
        self._free_at = asyncio.get_running_loop().time() + self._gap
        self._deed()

    def drop(self) -> None:
        """Forget what was asked for."""
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
