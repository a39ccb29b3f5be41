"""The one way from a thread of a link into the event loop: in order, and many calls for one wake-up."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any, TypeVarTuple, Unpack

Arguments = TypeVarTuple("Arguments")

_log = logging.getLogger(__name__)


class Hop:
    """Calls handed over by one thread, made in the loop in the same order."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.closed = False
        """Whether the loop has ended, so that nobody waits for a call any more."""
        self._loop = loop
        self._calls: deque[tuple[Callable[..., object], tuple[Any, ...]]] = deque()
        self._due = False

    def post(self, call: Callable[[Unpack[Arguments]], object], *arguments: *Arguments) -> None:
        """Have `call` made in the loop soon; never raises, so that no callback of a library can kill its thread."""
        self._calls.append((call, arguments))
        if not self._due:
            self._due = True
            try:
                self._loop.call_soon_threadsafe(self._run)
            except RuntimeError:
                self.closed = True

    def _run(self) -> None:
        # Cleared before anything is taken: what is posted from now on asks for the next run, so nothing is stranded.
        self._due = False
        for _ in range(len(self._calls)):
            call, arguments = self._calls.popleft()
            try:
                call(*arguments)
            except Exception:  # noqa: BLE001 - one bad call must not stop what comes after it
                _log.exception("a mistake in this program; the link goes on")
