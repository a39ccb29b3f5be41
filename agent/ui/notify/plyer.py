"""Notices through plyer, when nothing better works: title and text, no buttons, no closing."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import cache

from agent.ui.notify.base import Happened, Notice, Shown
from agent.ui.notify.plain import escaped, lines, one_line
from agent.ui.reason import reason

APP = "No More Running"
TIMEOUT = 5.0
"""Seconds notify-send has to hand the notice over."""
BALLOON_TITLE, BALLOON_BODY = 63, 255
"""What a Windows balloon holds, in UTF-16 units; plyer dies of more."""

Tell = Callable[[str, str], None]
"""Takes title and message, blocks until they are handed over, raises what went wrong."""


class PlyerNotifier:
    """Shows notices without buttons; a changed notice is a second one, and only a person can close it.

    Args:
        tell: puts title and message on the screen; None takes plyer.
    """

    name = "plyer"

    def __init__(self, tell: Tell | None = None) -> None:
        self._tell = tell

    async def start(self, happened: Happened) -> None:
        """Nothing will happen: plyer hears of no click."""

    async def show(self, notice: Notice) -> Shown:
        """Show a notice; returns when the system took it."""
        try:
            tell = self._tell or _plyer()
            await asyncio.to_thread(tell, *_text(notice))
        except Exception as error:  # noqa: BLE001 - a notifier never raises
            return Shown(ok=False, by=self.name, why=reason(error))
        return Shown(ok=True, by=self.name)

    async def close(self, key: str) -> None:
        """Not possible."""

    async def stop(self) -> None:
        """Nothing to let go of."""


def _text(notice: Notice, platform: str = sys.platform) -> tuple[str, str]:
    title, body = one_line(notice.title), lines(notice.body)
    if platform == "win32":
        return _units(title, BALLOON_TITLE), _units(body, BALLOON_BODY)
    # notify-send reads a word that begins with a dash as an option, even after the title, and in the body it makes
    # `<` of `\074`, long after we escaped it.
    return _no_option(title), _no_option(escaped(body).replace("\\", r"\\"))


def _no_option(text: str) -> str:
    return f" {text}" if text.startswith("-") else text


def _units(text: str, longest: int) -> str:
    return text.encode("utf-16-le")[: 2 * longest].decode("utf-16-le", errors="ignore")


@cache
def _plyer() -> Tell:
    # Windows:
    if sys.platform == "win32":
        from agent.ui.notify.balloon import show_balloon

        return lambda title, message: show_balloon(title, message, APP)
    # Linux: plyer's own choice may be a portal whose call it builds by pasting texts together, so we name the class
    from plyer.platforms.linux import notification as linux

    linux.subprocess = _Checked
    sender = linux.NotifySendNotification()
    return lambda title, message: sender.notify(title=title, message=message, app_name=APP)


class _Checked:
    """Plyer's `subprocess`: plyer throws exit codes away, and a notice nobody saw would count as shown."""

    @staticmethod
    def call(command: Sequence[str]) -> None:
        """Run notify-send; raises OSError with its words when it failed."""
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT)
        if done.returncode:
            words = done.stderr.decode(errors="replace").strip()
            raise OSError(words or f"notify-send ended with {done.returncode}")
