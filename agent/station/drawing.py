"""When views are drawn: soon after a change, a burst of changes as one picture, and never for most of the time."""

import asyncio
import time
from collections.abc import Callable

REFRESH_S = 0.03
"""Views are drawn at most this often, seconds."""

SHARE = 0.05
"""Drawing takes at most this share of the time, however much there is to draw."""


class Drawing:
    """`draw` draws everything."""

    def __init__(self, draw: Callable[[], None]) -> None:
        self._draw, self._pause = draw, REFRESH_S
        self._waiting: asyncio.TimerHandle | None = None

    def now(self) -> None:
        """Draw at once."""
        self._waiting, began = None, time.monotonic()
        self._draw()
        self._pause = max(REFRESH_S, (time.monotonic() - began) / SHARE)

    def soon(self) -> None:
        """Something has changed."""
        if self._waiting is None:
            self._waiting = asyncio.get_running_loop().call_later(self._pause, self.now)
