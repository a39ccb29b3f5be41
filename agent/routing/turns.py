"""What a link brings faster than it may, and without saying from whom: it waits for its turn instead of being lost."""

import asyncio
from collections import deque
from collections.abc import Callable

from agent.links.base import Delivery

LOOK_S = 0.25
"""How often it is looked whether more may come in."""
MOST = 20_000
"""So many may wait; a mailbox keeps what was not accepted, so they are few megabytes."""


class Turns:
    """First come, first in: `enter` takes a delivery in, False if it may not come in yet."""

    def __init__(self, enter: Callable[[Delivery], bool]) -> None:
        self._enter = enter
        self._waiting: deque[Delivery] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def take(self, delivery: Delivery) -> bool:
        """Let it in, now or later; False if too many wait already."""
        if not self._waiting and self._enter(delivery):
            return True
        if len(self._waiting) >= MOST:
            return False
        self._waiting.append(delivery)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._go_on)
        return True

    def stop(self) -> None:
        """Let nothing in any more; what waits was not accepted and comes again."""
        self._waiting.clear()
        if self._timer is not None:
            self._timer.cancel()

    def _go_on(self) -> None:
        while self._waiting and self._enter(self._waiting[0]):
            self._waiting.popleft()
        more = bool(self._waiting)
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._go_on) if more else None
