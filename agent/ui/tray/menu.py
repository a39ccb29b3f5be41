"""The tray's menu as pystray knows it, built from the view's entries for every back end alike."""

import os
from collections.abc import Callable, Iterable
from typing import Any

from agent.ui.view import Entry

# pystray loads the back end it thinks best when it is imported, and with it GTK or Xlib. We choose ourselves.
_wanted = os.environ.get("PYSTRAY_BACKEND")
os.environ["PYSTRAY_BACKEND"] = "dummy"
from pystray import Menu, MenuItem  # noqa: E402 - after the line above
from pystray._base import Icon as BareIcon  # noqa: E402 - the same

if _wanted is None:
    del os.environ["PYSTRAY_BACKEND"]
else:
    os.environ["PYSTRAY_BACKEND"] = _wanted

__all__ = ["BareIcon", "Clicked", "Item", "Menu", "build", "default_entry"]

Clicked = Callable[[object], None]
"""Called with an entry's intent."""


class Item(MenuItem):  # type: ignore[misc] # pystray has no types
    """A pystray item that still knows its entry, so that back ends can tell entries apart by key."""

    def __init__(self, entry: Entry, action: Any, text: str) -> None:
        self.entry = entry
        checked = None if entry.checked is None else lambda _: bool(entry.checked)
        super().__init__(text, action, checked=checked, default=entry.default, enabled=entry.enabled)


def build(entries: Iterable[Entry], clicked: Clicked, escape: Callable[[str], str] = str) -> Menu:
    """A pystray menu whose items call `clicked`; `escape` guards what the back end would read as a mnemonic."""
    return Menu(*(_item(entry, clicked, escape) for entry in entries))


def _item(entry: Entry, clicked: Clicked, escape: Callable[[str], str]) -> MenuItem:
    if not entry.text:
        return Menu.SEPARATOR
    if entry.submenu:
        return Item(entry, build(entry.submenu, clicked, escape), escape(entry.text))
    return Item(entry, lambda _icon, _item: clicked(entry.intent), escape(entry.text))


def default_entry(entries: Iterable[Entry]) -> Entry | None:
    """The entry a left click stands for, if it may be clicked now."""
    return next((entry for entry in entries if entry.default and entry.enabled), None)
