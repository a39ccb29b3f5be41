"""Wait for a condition inside an event loop, instead of sleeping for luck."""

import asyncio
import time
from collections.abc import Awaitable, Callable


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
