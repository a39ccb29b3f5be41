"""One link that is up: containers wait here until the link takes them."""

import asyncio
import logging
from collections.abc import Callable

from agent.links.base import LinkDown, Session
from agent.routing.policy import LinkView
from agent.system.crash import point

log = logging.getLogger(__name__)

Took = Callable[[str, str, str], None]
"""Called with (id, recipient, link) when the link took a container."""


class Lane:
    """Pumps containers into a session until it is closed; what a broken link drops stays open as a row.

    `lost` is told the recipient of a container that the link did not take.
    """

    def __init__(self, name: str, session: Session, took: Took, lost: Callable[[str], None] = lambda _: None) -> None:
        self.name = name
        self._lost = lost
        self._session = session
        self._took = took
        self._waiting: dict[tuple[str, str], tuple[bytes, str, str]] = {}
        self._wake, self._idle = asyncio.Event(), asyncio.Event()
        self._idle.set()
        at_once = getattr(session, "at_once", 1)
        self._at_once = asyncio.Semaphore(at_once) if at_once > 1 else None
        self._carrying: set[asyncio.Task[None]] = set()
        self._task = asyncio.create_task(self._pump(), name=f"lane {name}")

    def __len__(self) -> int:
        """How many containers wait for the link."""
        return len(self._waiting)

    @property
    def view(self) -> LinkView:
        """The link as the policy sees it."""
        return LinkView(self.name, getattr(self._session, "rtt", None))

    def put(self, id_: str, recipient: str, sealed: bytes, channel: str = "", step: str = "") -> None:
        """Queue a container; one that waits already goes once. `step` names a crash point around its sending."""
        self._waiting[id_, recipient] = sealed, channel, step
        self._idle.clear()
        self._wake.set()

    async def drained(self) -> None:
        """Wait until the link has taken everything that was put."""
        await self._idle.wait()

    def close(self) -> None:
        """Drop what waits; its rows stay open and go over another lane or the next session."""
        for task in (self._task, *self._carrying):
            task.cancel()

    async def _pump(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._waiting:
                if self._at_once is None:
                    await self._carry(*self._next())
                else:
                    await self._at_once.acquire()
                    self._start(self._at_once)
            if not self._carrying:
                self._idle.set()

    def _next(self) -> tuple[str, str, bytes, str, str]:
        (id_, recipient), (sealed, channel, step) = next(iter(self._waiting.items()))
        del self._waiting[id_, recipient]
        return id_, recipient, sealed, channel, step

    def _start(self, turns: asyncio.Semaphore) -> None:
        """Let one more container begin; what was under way may have found the link down, and then none waits."""
        if not self._waiting:
            turns.release()
            return
        task = asyncio.create_task(self._carry(*self._next()))
        self._carrying.add(task)
        task.add_done_callback(lambda _: self._carried(task, turns))

    def _carried(self, task: asyncio.Task[None], turns: asyncio.Semaphore) -> None:
        self._carrying.discard(task)
        turns.release()
        if not self._carrying and not self._waiting:
            self._idle.set()

    async def _carry(self, id_: str, recipient: str, sealed: bytes, channel: str, step: str) -> None:
        """Hand one container over; whatever a link does wrong with it, those behind it go on."""
        try:
            if step:
                point(f"{step}.before")
            await self._session.send(recipient, sealed, channel)
            if step:
                point(f"{step}.after")
            self._took(id_, recipient, self.name)
        except LinkDown:
            self._waiting.clear()
            self._lost(recipient)
        except Exception:
            log.exception("link %s did not take a container", self.name)
