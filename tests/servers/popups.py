"""What stands above all windows on a test desktop: menus, notices and tooltips, as the X server has them."""

from collections.abc import Iterator
from contextlib import contextmanager
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
        found = (_box(window, kinds, wanted) for window in display.screen().root.query_tree().children)
        return [box for box in found if box is not None]


@contextmanager
def _display(desktop: Desktop) -> Iterator[Display]:
    display = Display(desktop.env["DISPLAY"])
    try:
        yield display
    finally:
        display.close()


def _box(window: Any, kinds: int, wanted: int) -> Box | None:
    try:
        kind = window.get_full_property(kinds, X.AnyPropertyType)
        if kind is None or wanted not in kind.value or window.get_attributes().map_state != X.IsViewable:
            return None
        shape = window.get_geometry()
    except (BadWindow, BadDrawable):  # it closed while we looked
        return None
    return shape.x, shape.y, shape.x + shape.width, shape.y + shape.height
