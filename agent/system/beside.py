"""Does what may take seconds beside the event loop."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


async def beside(deed: Callable[[], T]) -> T:
    """Return what `deed` returns; the loop goes on meanwhile, and the thread ends with it."""
    from concurrent.futures import ThreadPoolExecutor

    pool = ThreadPoolExecutor(1)
    try:
        return await asyncio.get_running_loop().run_in_executor(pool, deed)
    finally:
        pool.shutdown(wait=False)  # who is cancelled waits for nobody
