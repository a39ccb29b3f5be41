"""Containers waiting to be checked: one at once in the loop, a burst beside it, on a core of its own.

Opening and verifying release the interpreter lock, so a burst is checked in one more thread while the loop stores
and answers what that has done already. The order is kept. Without a burst there is no thread.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from agent.links.base import Delivery
from agent.routing.admission import Admitted
from agent.wire.frame import FrameRefused

log = logging.getLogger(__name__)

Found = Admitted | FrameRefused

FEW = 4
"""So many at once are checked in the loop: a thread would cost more than it saves."""
CHUNK = 32


class CheckQueue:
    """Calls `check` for each delivery, in the loop or in a thread, and `done` in the loop, in order.

    A defect in either costs the one message it met; nothing may stop the queue.
    """

    def __init__(self, check: Callable[[Delivery], Found], done: Callable[[Delivery, Found], None]) -> None:
        self._check, self._done = check, done
        self._waiting: deque[Delivery] = deque()
        self._busy = self._stopped = False
        self._pool: ThreadPoolExecutor | None = None

    def put(self, delivery: Delivery) -> None:
        """Queue one; looked at when the link has handed over all it has."""
        if self._stopped:
            return
        self._waiting.append(delivery)
        if len(self._waiting) == 1 and not self._busy:
            asyncio.get_running_loop().call_soon(self._take)

    def stop(self) -> None:
        """End the thread; what waits stays unaccepted and comes again."""
        self._stopped = True
        self._waiting.clear()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def _take(self) -> None:
        if len(self._waiting) <= FEW:
            while self._waiting:
                delivery = self._waiting.popleft()
                self._finish(delivery, self._look(delivery))
        else:
            self._hand_over()

    def _hand_over(self) -> None:
        """Give the next chunk to the thread."""
        self._busy = True
        if self._pool is None:
            self._pool = ThreadPoolExecutor(1, "check")
        chunk = [self._waiting.popleft() for _ in range(min(CHUNK, len(self._waiting)))]
        loop = asyncio.get_running_loop()
        future = self._pool.submit(self._check_all, chunk)
        future.add_done_callback(lambda found: _soon(loop, self._checked, chunk, found))

    def _check_all(self, chunk: Sequence[Delivery]) -> list[Found]:
        return [self._look(delivery) for delivery in chunk]

    def _look(self, delivery: Delivery) -> Found:
        try:
            return self._check(delivery)
        except Exception:
            log.exception("the check of a message failed")
            return FrameRefused("defect")

    def _finish(self, delivery: Delivery, found: Found) -> None:
        try:
            self._done(delivery, found)
        except Exception:
            log.exception("a message that was checked could not be taken")

    def _checked(self, chunk: Sequence[Delivery], found: Future[list[Found]]) -> None:
        """Start on the next chunk first, so that the thread works while the loop does."""
        self._busy = False
        if self._waiting:
            self._hand_over()
        if not found.cancelled():
            for delivery, one in zip(chunk, found.result(), strict=True):
                self._finish(delivery, one)


def _soon(
    loop: asyncio.AbstractEventLoop,
    callback: Callable[[Sequence[Delivery], Future[list[Found]]], None],
    chunk: Sequence[Delivery],
    found: Future[list[Found]],
) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(callback, chunk, found)
