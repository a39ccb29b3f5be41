"""Does what may take seconds beside the event loop."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
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


async def aside(deed: Callable[[], T]) -> T:
    """As `beside`, for what may take hours: a process that ends does not wait for it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(set_: Callable[..., None], what: object) -> None:
        with suppress(RuntimeError):  # nobody waits any more, and the loop is closed
            loop.call_soon_threadsafe(lambda: None if done.done() else set_(what))

    def work() -> None:
        try:
            settle(done.set_result, deed())
        except BaseException as error:  # noqa: BLE001 - it is for whoever waits
            settle(done.set_exception, error)

    Thread(target=work, name="nmr-aside", daemon=True).start()
    return await done
