"""Lines on their way to one reader of the control socket: bounded, because the reader may be asleep."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Any

import msgspec

from agent.system.log import event

Id = int | str | None
"""What the other end calls its request; None where that cannot be read."""
Line = dict[str, Any]
Said = Line | Callable[[], Line]
"""A line, or a function that makes it.

A function, like a line whose `event` is "state", stands for the present: of several only the newest is sent, at least
100 ms after the one before, and the function is called only then.
"""

STATE_PAUSE = 0.1  # seconds
_MOST_UNSENT = 16 << 20  # bytes a reader may leave lying before it is cut off; a state of 10,000 orders has 3 MiB

log = logging.getLogger(__name__)


class Outbox:
    """What one connection has to send; nothing here but `run` ever waits."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._lines: deque[bytes] = deque()
        self._unsent = 0
        self._newest: dict[Id, Callable[[], Line]] = {}
        """What to say about the present, by request."""
        self._resting = False
        """Whether the last state was sent less than STATE_PAUSE ago."""
        self._news = asyncio.Event()

    def say(self, asked: Id, said: Said) -> None:
        """Send one more line of a request, or keep it until a line about the present may be sent."""
        if callable(said):
            self._newest[asked] = said
        elif said.get("event") == "state":
            self._newest[asked] = lambda: said
        else:
            self._put({"id": asked, **said})
        self._news.set()

    def finish(self, asked: Id, line: Line) -> None:
        """Send the last line of a request, after what it said before."""
        if newest := self._newest.pop(asked, None):
            self._put({"id": asked, **newest()})
        self._put(line)

    def _put(self, line: Line) -> None:
        if self._unsent > _MOST_UNSENT:
            event(log, "control-slow", logging.WARNING, unsent=self._unsent)
            self._writer.transport.abort()
            return
        encoded = msgspec.json.encode(line) + b"\n"
        self._lines.append(encoded)
        self._unsent += len(encoded)
        self._news.set()

    async def run(self) -> None:
        """Send for ever; waits for the reader, and nobody waits for this."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._lines:
                line = self._lines.popleft()
                self._writer.write(line)
                await self._writer.drain()
                self._unsent -= len(line)
            if self._newest and not self._resting:
                self._rest()
                newest, self._newest = self._newest, {}
                for asked, make in newest.items():
                    self._put({"id": asked, **make()})

    def flush(self) -> None:
        """Hand everything to the system at once."""
        self._writer.write(b"".join(self._lines))
        self._lines.clear()

    def _rest(self) -> None:
        def rested() -> None:
            self._resting = False
            self._news.set()

        self._resting = True
        asyncio.get_running_loop().call_later(STATE_PAUSE, rested)
