"""What stands above all windows on a test desktop: menus, notices and tooltips, as the X server has them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, Literal

from Xlib import X
from Xlib.display import Display
from Xlib.error import BadDrawable, BadWindow

from tests.servers.desktop import Desktop
from tests.servers.sight import Box

Kind = Literal["POPUP_MENU", "NOTIFICATION", "TOOLTIP"]
"""As in the window manager standard, _NET_WM_WINDOW_TYPE_..."""


def popups(desktop: Desktop, kind: Kind) -> list[Box]:
    """The boxes of all popups of a kind, the lowest first: of a menu and its submenus the innermost is last."""
    with _display(desktop) as display:
        wanted = display.intern_atom(f"_NET_WM_WINDOW_TYPE_{kind}")
        kinds = display.intern_atom("_NET_WM_WINDOW_TYPE")

        def is_one(window: Any) -> bool:
            kind = window.get_full_property(kinds, X.AnyPropertyType)
            return kind is not None and wanted in kind.value

        return _boxes(display, is_one)


def unmanaged(desktop: Desktop) -> list[Box]:
    """The boxes of all popups of any kind, the lowest first; wine's do not tell theirs."""
    with _display(desktop) as display:
        return _boxes(display, lambda window: bool(window.get_attributes().override_redirect))


@contextmanager
def _display(desktop: Desktop) -> Iterator[Display]:
    display = Display(desktop.env["DISPLAY"])
    try:
        yield display
    finally:
        display.close()


def _boxes(display: Display, wanted: Callable[[Any], bool]) -> list[Box]:
    """The boxes of the visible windows on the screen itself that are `wanted`."""
    found = []
    for window in display.screen().root.query_tree().children:
        with suppress(BadWindow, BadDrawable):  # it closed while we looked
            if window.get_attributes().map_state == X.IsViewable and wanted(window):
                shape = window.get_geometry()
                found.append((shape.x, shape.y, shape.x + shape.width, shape.y + shape.height))
    return found
