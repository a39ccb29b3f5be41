"""Windows toasts with buttons, through desktop-notifier."""

import hashlib
import sys
from typing import Any

from agent.ui.notify.base import Happened, Notice, Shown, Urgency
from agent.ui.notify.plain import lines, one_line
from agent.ui.reason import reason

APP_ID = "NoMoreRunning.Agent"
"""AppUserModelID: of the process, of the Start-menu shortcut the installer makes, and of every toast."""
APP_NAME = "No More Running"
TAG = 64
"""Longest tag of a toast; Windows drops toasts with a longer one."""
BUTTONS = 5
"""Most buttons of a toast."""


class WinrtNotifier:
    """Shows toasts; the same key again replaces the toast. Windows is touched with the first notice."""

    name = "winrt"

    def __init__(self) -> None:
        self._toasts: Any = None  # desktop_notifier.DesktopNotifier, once it is needed
        self._happened: Happened = _nobody
        self._keys: dict[str, str] = {}  # tag to key
        self._taken: set[str] = set()

    async def start(self, happened: Happened) -> None:
        """Begin to listen for what people do with notices."""
        self._happened = happened

    async def show(self, notice: Notice) -> Shown:
        """Show or change a notice; returns when Windows took it."""
        try:
            await self._show(notice)
        except Exception as error:  # noqa: BLE001 - a notifier never raises
            return Shown(ok=False, by=self.name, why=reason(error))
        return Shown(ok=True, by=self.name)

    async def close(self, key: str) -> None:
        """Take the notice away, if it is still there."""
        tag = _tag(key)
        if self._toasts is None or self._keys.pop(tag, None) is None:
            return
        try:
            await self._toasts.clear(tag)
        except Exception:  # noqa: BLE001 - then it is not there
            return

    async def stop(self) -> None:
        """Close all own notices."""
        self._happened = _nobody
        for key in list(self._keys.values()):
            await self.close(key)

    async def _show(self, notice: Notice) -> None:
        if self._toasts is None:
            self._toasts = self._connect()
        if not await self._toasts.has_authorisation():
            raise PermissionError("notifications of No More Running are switched off in the settings of Windows")
        tag = _tag(notice.key)
        self._taken.discard(tag)
        self._keys[tag] = notice.key
        await self._toasts.send_notification(_toast(notice, tag))
        if tag not in self._taken:  # desktop-notifier swallows what went wrong and only calls when it went well
            del self._keys[tag]
            raise OSError("Windows did not take the toast")
        self._taken.discard(tag)

    def _connect(self) -> Any:
        from desktop_notifier import DesktopNotifier

        toasts = DesktopNotifier(app_name=APP_ID, app_icon=None)
        _name_app()
        # Listeners of the whole notifier: those of one toast are forgotten when it moves to the action centre.
        toasts.on_dispatched = self._taken.add
        toasts.on_clicked = lambda tag: self._tell(tag, "open")
        toasts.on_button_pressed = self._tell
        toasts.on_dismissed = lambda tag: self._tell(tag, "dismissed")
        return toasts

    def _tell(self, tag: str, action: str) -> None:
        if key := self._keys.pop(tag, None):  # a toast is gone once it was pressed
            self._happened(key, action)


def _toast(notice: Notice, tag: str) -> Any:
    from desktop_notifier import Button, Notification
    from desktop_notifier import Urgency as Level

    # The text goes into XML by an API that escapes it; no sound, because the agent rings by itself.
    return Notification(
        title=one_line(notice.title),
        message=lines(notice.body),
        urgency=(Level.Low, Level.Normal, Level.Critical)[notice.urgency],
        buttons=tuple(Button(one_line(label), identifier=action) for action, label in notice.buttons[:BUTTONS]),
        timeout=0 if notice.urgency is Urgency.CRITICAL else -1,
        identifier=tag,
    )


def _tag(key: str) -> str:
    return key if len(key) <= TAG else hashlib.sha256(key.encode()).hexdigest()


def _name_app() -> None:
    """Give the process our AppUserModelID, and the toasts our name: desktop-notifier wrote the id in its place."""
    if sys.platform == "win32":
        import ctypes
        import winreg

        ctypes.windll.shell32.SetCurrentProcessExplicitAppUserModelID(APP_ID)
        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, rf"SOFTWARE\Classes\AppUserModelId\{APP_ID}") as app:
            winreg.SetValueEx(app, "DisplayName", 0, winreg.REG_SZ, APP_NAME)


def _nobody(key: str, action: str) -> None:
    """What happens before `start` and after `stop` concerns nobody."""
