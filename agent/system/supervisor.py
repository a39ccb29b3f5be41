"""Words for systemd: that we are up, that we live, that we end; nothing where nobody asked for them."""

# One datagram to the socket in $NOTIFY_SOCKET ("@" first: an abstract one), lines of NAME=value:
#   READY=1 STATUS=…       once stations can come
#   WATCHDOG=1             twice in $WATCHDOG_USEC microseconds, if that is set and $WATCHDOG_PID is ours or not set
#   STOPPING=1             when the end begins

import asyncio
import os
import socket
import sys
from collections.abc import MutableMapping
from contextlib import suppress

_PER_TURN = 2_000_000
"""Half of it, in seconds: microseconds in two seconds."""


class Supervisor:
    """Speaks to whoever started us; our own children do not inherit the way."""

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        self._address = environment.pop("NOTIFY_SOCKET", "")
        every, whose = environment.pop("WATCHDOG_USEC", ""), environment.pop("WATCHDOG_PID", "")
        ours = whose in ("", str(os.getpid()))
        self._pause_s = int(every) / _PER_TURN if every.isdigit() and ours else 0.0

    def ready(self, status: str) -> None:
        """We are up; `status` is shown beside."""
        self._say(f"READY=1\nSTATUS={status}")

    def stopping(self) -> None:
        """The end has begun."""
        self._say("STOPPING=1")

    async def keep_alive(self) -> None:
        """Say that we live for as long as the event loop does; returns at once where nobody watches."""
        while self._address and self._pause_s:
            self._say("WATCHDOG=1")
            await asyncio.sleep(self._pause_s)

    def _say(self, words: str) -> None:
        if sys.platform == "win32" or not self._address:
            return
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as way:
            way.sendto(words.encode(), address)
