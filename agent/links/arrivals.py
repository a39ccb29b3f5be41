"""What a session has received and nobody has taken yet: a stream that ends when the session does."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from agent.links.base import Delivery, LinkDown


class Arrivals:
    """The receiving half of a session, for one reader; used in the event loop only."""

    def __init__(self) -> None:
        self.ended: str | None = None
        """Why the session ended; None while it is up."""
        self._waiting: deque[Delivery] = deque()
        self._news = asyncio.Event()

    def __len__(self) -> int:
        """How many wait for the reader."""
        return len(self._waiting)

    def put(self, delivery: Delivery, place: int | None = None) -> None:
        """Add what came: behind all others, or at `place` among them."""
        self._waiting.insert(len(self._waiting) if place is None else place, delivery)
        self._news.set()

    def end(self, why: str) -> None:
        """End the stream behind what has come already; only the first reason counts."""
        if self.ended is None:
            self.ended = why
            self._news.set()

    async def stream(self) -> AsyncIterator[Delivery]:
        """Yield what comes until the session ends, then raise LinkDown."""
        while True:
            while self._waiting:
                yield self._waiting.popleft()
            if self.ended is not None:
                raise LinkDown(self.ended)
            self._news.clear()
            await self._news.wait()
