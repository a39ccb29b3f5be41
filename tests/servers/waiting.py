"""Wait for a condition inside an event loop, instead of sleeping for luck."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

_LOOK_S = 0.05


async def eventually(holds: Callable[[], object | Awaitable[object]], seconds: float = 20.0) -> None:
    """Return as soon as `holds` does; raise TimeoutError after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        answer = holds()
        if await answer if isinstance(answer, Awaitable) else answer:
            return
        if time.monotonic() >= end:
            raise TimeoutError(f"not within {seconds:g} s")
        await asyncio.sleep(0.005)


@asynccontextmanager
async def lateness() -> AsyncIterator[Callable[[], float]]:
    """Seconds for which a busy computer kept this loop from its work, in all: no promise in seconds counts them."""
    late = 0.0

    async def look() -> None:
        nonlocal late
        while True:
            due = time.monotonic() + _LOOK_S
            await asyncio.sleep(_LOOK_S)
            late += time.monotonic() - due

    looking = asyncio.create_task(look())
    try:
        yield lambda: late
    finally:
        looking.cancel()
