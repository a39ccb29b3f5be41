"""The agent, cut off from all other stations' sockets by SIGUSR1 and joined again by SIGUSR2; NMR_WEAK as weak_agent.

What it sends in datagrams is lost then, without a word to anybody: so does a cable that was pulled. Streams go on.
"""

import os
import signal
import sys
from asyncio.selector_events import _SelectorDatagramTransport  # type: ignore[attr-defined]  # what every loop uses
from typing import Any

from agent.__main__ import main
from tests.faults.weak_agent import weaken

cut = False
send = _SelectorDatagramTransport.sendto


def lose(self: Any, data: bytes, addr: Any = None) -> None:
    """Send, or seem to."""
    if not cut:
        send(self, data, addr)


def turn(number: int, _: object) -> None:
    """Cut or mend."""
    global cut
    cut = number == signal.SIGUSR1


if __name__ == "__main__":
    _SelectorDatagramTransport.sendto = lose
    signal.signal(signal.SIGUSR1, turn)
    signal.signal(signal.SIGUSR2, turn)
    if os.environ.get("NMR_WEAK"):
        weaken(os.environ["NMR_WEAK"])
    sys.exit(main())
