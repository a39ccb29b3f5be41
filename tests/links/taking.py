"""Reading from a session in tests: never longer than a few seconds."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager

from agent.links.base import Delivery, Link, Session
from agent.links.keeper import LinkState, keep_up

SOON_S = 30.0


async def take(stream: AsyncIterator[Delivery], within: float = SOON_S) -> Delivery:
    """The next delivery."""
    async with asyncio.timeout(within):
        return await anext(stream)


async def take_all(stream: AsyncIterator[Delivery], wanted: Iterable[bytes], within: float = SOON_S) -> list[bytes]:
    """Accept what comes until every wanted message has come; return all of it, doubles included."""
    missing, came = set(wanted), list[bytes]()
    async with asyncio.timeout(within):
        while missing:
            delivery = await anext(stream)
            delivery.accept()
            came.append(delivery.sealed)
            missing.discard(delivery.sealed)
    return came


async def until(true: Callable[[], object], within: float = SOON_S) -> None:
    """Wait for a condition."""
    async with asyncio.timeout(within):
        while not true():
            await asyncio.sleep(0.005)


class Kept:
    """What a keeper told: its states, its sessions, and what arrived (accepted at once)."""

    def __init__(self) -> None:
        self.states: list[LinkState] = []
        self.sessions: list[Session] = []
        self.came: list[bytes] = []
        self.again = asyncio.Event()

    @property
    def names(self) -> list[str]:
        """The states, in order."""
        return [state.state for state in self.states]

    @property
    def now(self) -> str:
        """The state it is in."""
        return self.states[-1].state if self.states else ""

    def arrived(self, delivery: Delivery) -> None:
        """Accept and remember."""
        delivery.accept()
        self.came.append(delivery.sealed)


@asynccontextmanager
async def kept_up(link: Link, **settings: object) -> AsyncIterator[Kept]:
    """A keeper at work."""
    kept = Kept()
    told = {"opened": kept.sessions.append, "arrived": kept.arrived, "changed": kept.states.append, "again": kept.again}
    task = asyncio.create_task(keep_up(link, **{**told, **settings}))  # type: ignore[arg-type]
    try:
        yield kept
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
