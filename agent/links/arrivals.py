"""What a session has received and nobody has taken yet: a stream that ends when the session does."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator

from agent.links.base import INBOX, Delivery, LinkDown, LinkRefused


class Arrivals:
    """The receiving half of a session, for one reader; used in the event loop only.

    With `gated` what comes into the inbox waits for `open`.
    """

    def __init__(self, *, gated: bool = False) -> None:
        self.ended: LinkDown | LinkRefused | None = None
        """Why the session ended; None while it is up."""
        self._open = not gated
        self._inbox: deque[Delivery] = deque()
        self._channels: deque[Delivery] = deque()
        self._news = asyncio.Event()

    def waiting(self, channel: str = INBOX) -> int:
        """How many wait for the reader in the inbox; or in all other channels together."""
        return len(self._lane(channel))

    def put(self, delivery: Delivery, place: int | None = None) -> None:
        """Add what came: behind all others of its kind, or at `place` among them."""
        lane = self._lane(delivery.channel)
        lane.insert(len(lane) if place is None else place, delivery)
        self._news.set()

    def open(self) -> None:
        """Hand over what waits in the inbox, and from now on what comes."""
        self._open = True
        self._news.set()

    def end(self, error: LinkDown | LinkRefused, *, drop: bool = False) -> None:
        """End the stream behind what has come already, or with `drop` at once; only the first reason counts."""
        if self.ended is None:
            self.ended = error
            self._news.set()
            if drop:
                self._inbox.clear()
                self._channels.clear()

    def check_up(self) -> None:
        """Raise LinkDown if the session has ended."""
        if self.ended is not None:
            raise LinkDown(str(self.ended))

    async def stream(self) -> AsyncIterator[Delivery]:
        """Yield what comes until the session ends, then raise why."""
        while True:
            while lanes := self._ready():
                for lane in lanes:  # in turn: neither a flood of proofs nor one of pages may hold up the others
                    if lane:
                        yield lane.popleft()
            if self.ended is not None:
                raise self.ended
            self._news.clear()
            await self._news.wait()

    def _lane(self, channel: str) -> deque[Delivery]:
        return self._inbox if channel == INBOX else self._channels

    def _ready(self) -> list[deque[Delivery]]:
        """The lanes in which somebody waits who may be taken."""
        lanes = (self._channels, self._inbox) if self._open else (self._channels,)
        return [lane for lane in lanes if lane]
