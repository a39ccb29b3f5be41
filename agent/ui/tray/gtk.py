"""pystray's icon on GTK, for Linux desktops whose tray does not speak D-Bus."""

from collections.abc import Callable
from typing import Any

from agent.ui.icons import Picture
from agent.ui.tray.menu import Menu

PICTURE_SIZE = 48
"""Pixels; GTK scales it to the tray."""


def make_icon(name: str, *, title: str, menu: Menu) -> Any:
    """An icon of the better of pystray's two GTK back ends; imports GTK, hence to be called in the tray's thread."""
    try:
        from pystray._appindicator import Icon as PystrayIcon
    except (ImportError, ValueError):  # no library for indicators: an icon of the oldest kind
        from pystray._gtk import Icon as PystrayIcon

    class Icon(PystrayIcon):  # type: ignore[misc] # pystray has no types
        """pystray passes everything on to GTK's own loop by itself, so any thread may touch it."""

        @property
        def present(self) -> bool:
            return bool(self.visible)

        def wear(self, picture: Picture) -> None:
            self.icon = picture.image(PICTURE_SIZE)

        def soon(self, deed: Callable[[], None]) -> None:
            deed()

        def _initialize(self) -> None:
            # Not as pystray has it: it would need a notification daemon, which we notify without pystray.
            self._mark_ready()

        def _finalize(self) -> None:
            self._remove_fs_icon()

    return Icon(name, title=title, menu=menu)
