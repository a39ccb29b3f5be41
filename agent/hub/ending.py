"""How a server of the site is told to end."""

import asyncio
import signal
import sys
from collections.abc import Callable


def listen_to_signals(quit_: Callable[[], None]) -> None:
    """End cleanly on SIGTERM and Ctrl-C; Windows knows only the latter."""
    loop = asyncio.get_running_loop()
    if sys.platform == "win32":
        signal.signal(signal.SIGINT, lambda *_: loop.call_soon_threadsafe(quit_))
    else:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, quit_)
