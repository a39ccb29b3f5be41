"""A Windows for tests that draws no toasts and remembers them: the parts of WinRT that desktop-notifier calls."""

import platform
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar
from xml.etree import ElementTree as ET

import pytest


class Toast:
    """One ToastNotification; `xml` is what Windows would have drawn."""

    def __init__(self, document: "XmlDocument") -> None:
        self.xml = document.root
        self.tag = self.group = ""
        self.priority: object = None
        self._activated: Callable[[Toast, object], None] = _nothing
        self._dismissed: Callable[[Toast, object], None] = _nothing

    def add_activated(self, listener: "Callable[[Toast, object], None]") -> None:
        self._activated = listener

    def add_dismissed(self, listener: "Callable[[Toast, object], None]") -> None:
        self._dismissed = listener

    def add_failed(self, listener: object) -> None:
        pass

    def press(self, label: str) -> None:
        """Press the button with this label."""
        button = next(action for action in self.xml.iter("action") if action.get("content") == label)
        self._activated(self, _Boxed(button.get("arguments", "")))

    def click(self) -> None:
        """Click the toast itself."""
        self._activated(self, _Boxed(self.xml.get("launch", "")))

    def dismiss(self, why: str = "user-canceled") -> None:
        """Close the toast."""
        self._dismissed(self, SimpleNamespace(reason=why))

    def texts(self) -> list[str]:
        """Title and body as drawn."""
        return [text.text or "" for text in self.xml.iter("text")]


class XmlDocument:
    """Refuses what Windows refuses: anything that is not well-formed XML."""

    def load_xml(self, text: str) -> None:
        self.root = ET.fromstring(text)  # noqa: S314 - written by the code under test


class _Boxed:
    def __init__(self, arguments: str) -> None:
        self.arguments = arguments
        self.user_input: dict[str, object] = {}

    def as_(self, kind: object) -> "_Boxed":
        return self


class Windows:
    """What was shown and taken away; `setting` is the switch in the settings, `broken` makes showing fail."""

    now: ClassVar["Windows"]

    def __init__(self) -> None:
        self.apps: list[str] = []
        self.toasts: dict[str, Toast] = {}
        self.shown = 0
        self.setting = "enabled"
        self.broken = False
        self.history = self

    def create_toast_notifier_with_id(self, app: str) -> "Windows":
        self.apps.append(app)
        return self

    def show(self, toast: Toast) -> None:
        if self.broken:
            raise OSError("element not found")
        self.shown += 1
        self.toasts[toast.tag] = toast

    def remove_grouped_tag_with_id(self, tag: str, group: str, app: str) -> None:
        self.toasts.pop(tag, None)


def _nothing(toast: Toast, boxed: object) -> None:
    pass


def install(monkeypatch: pytest.MonkeyPatch) -> Windows:
    """Put such a Windows under desktop-notifier."""
    windows = Windows()
    parts: dict[str, dict[str, Any]] = {
        "winreg": {},
        "winrt": {},
        "winrt.system": {"Object": object, "unbox_string": str},
        "winrt.windows": {},
        "winrt.windows.applicationmodel": {},
        "winrt.windows.applicationmodel.core": {"CoreApplication": SimpleNamespace(id="")},
        "winrt.windows.data": {},
        "winrt.windows.data.xml": {},
        "winrt.windows.data.xml.dom": {"XmlDocument": XmlDocument},
        "winrt.windows.ui": {},
        "winrt.windows.ui.notifications": {
            "NotificationSetting": SimpleNamespace(ENABLED="enabled"),
            "ToastActivatedEventArgs": object,
            "ToastDismissalReason": SimpleNamespace(USER_CANCELED="user-canceled"),
            "ToastDismissedEventArgs": object,
            "ToastFailedEventArgs": object,
            "ToastNotification": Toast,
            "ToastNotificationManager": SimpleNamespace(get_default=lambda: windows),
            "ToastNotificationPriority": SimpleNamespace(DEFAULT="default", HIGH="high"),
        },
    }
    for name, content in parts.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "desktop_notifier.backends.winrt", raising=False)
    monkeypatch.setattr(platform, "system", lambda: "Windows")
    monkeypatch.setattr(platform, "version", lambda: "10.0.22631")
    return windows
