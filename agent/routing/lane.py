"""One link that is up: containers wait here until the link takes them."""

import asyncio
from collections import deque
from collections.abc import Callable

from agent.links.base import LinkDown, Session
from agent.routing.policy import LinkView

Took = Callable[[str, str, str], None]
"""Called with (id, recipient, link) when the link took a container."""


class Lane:
    """Pumps containers into a session; ends by itself when the link goes down (the rows stay open)."""

    def __init__(self, name: str, session: Session, took: Took) -> None:
        self.name = name
        self._session = session
        self._took = took
        self._waiting: deque[tuple[str, str, bytes]] = deque()
        self._wake = asyncio.Event()
        self._task = asyncio.create_task(self._pump(), name=f"lane {name}")

    @property
    def view(self) -> LinkView:
        """The link as the policy sees it."""
        return LinkView(self.name, getattr(self._session, "rtt", None))

    def put(self, id_: str, recipient: str, sealed: bytes) -> None:
        """Queue a container."""
        self._waiting.append((id_, recipient, sealed))
        self._wake.set()

    def close(self) -> None:
        """Drop what waits; its rows stay open and go over another lane or the next session."""
        self._task.cancel()

    async def _pump(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                id_, recipient, sealed = self._waiting.popleft()
                try:
                    await self._session.send(recipient, sealed)
                except LinkDown:
                    self._waiting.clear()
                    return
                self._took(id_, recipient, self.name)
