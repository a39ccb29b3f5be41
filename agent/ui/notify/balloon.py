"""Windows' old balloons through plyer: shown before we say so, gone after ten seconds.

plyer's own call starts a thread that cannot tell that it failed, keeps the program from ending, and leaves an empty
icon beside the clock until then.
"""

import atexit
import time
from concurrent.futures import Future
from threading import Thread

STAYS = 10.0
"""Seconds a balloon is there."""
TIMEOUT = 5.0
"""Seconds Windows has to take it."""


def show_balloon(title: str, message: str, app: str) -> None:
    """Show a balloon; returns when Windows has it, raises what went wrong."""
    taken: Future[None] = Future()
    Thread(target=_be_balloon, args=(title, message, app, taken), name="balloon", daemon=True).start()
    taken.result(TIMEOUT)


def _be_balloon(title: str, message: str, app: str, taken: "Future[None]") -> None:
    """Show it and take it away in one thread, as Windows wants it."""
    from plyer.platforms.win.libs.balloontip import WindowsBalloonTip

    try:
        balloon = WindowsBalloonTip(title, message, app, timeout=0)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is why nothing was shown
        taken.set_exception(error)
        return
    taken.set_result(None)
    time.sleep(STAYS)
    atexit.unregister(balloon.__del__)  # plyer holds it there until the program ends; it goes when nobody holds it
