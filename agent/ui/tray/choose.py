"""Which tray this computer has."""

import importlib.util
import logging
import os
import sys
from typing import TYPE_CHECKING

from agent.ui.tray.base import Tray
from agent.ui.tray.silent import SilentTray

if TYPE_CHECKING:
    from dbus_fast.aio import MessageBus

OVERRIDE = "NMR_TRAY"
"""Environment: `sni`, `native` or `silent`, instead of what would be chosen."""

log = logging.getLogger(__name__)


async def choose_tray(bus: "MessageBus | None", *, force: str | None = None) -> Tray:
    """The tray for this computer; one that cannot be had becomes the silent one.

    Args:
        bus: the session bus shared with the notifier; None where there is none.
        force: as the environment variable NMR_TRAY, which it overrides.
    """
    wanted = force or os.environ.get(OVERRIDE) or await _best(bus)
    try:
        return _make(wanted, bus)
    except (ImportError, OSError, ValueError) as error:
        log.warning("no tray icon: %s", error)
        return SilentTray()


async def _best(bus: "MessageBus | None") -> str:
    # Windows:
    if sys.platform == "win32":
        return "native"
    # Linux: without a watcher an old tray is worth a try, else we wait for a watcher, which may just be starting.
    if bus is not None:
        from agent.ui.session_bus import is_owned
        from agent.ui.tray.registration import WATCHER_NAME

        if not _has_gtk() or await is_owned(bus, WATCHER_NAME):
            return "sni"
    return "native" if _has_gtk() else "silent"


def _has_gtk() -> bool:
    display = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    return bool(display) and importlib.util.find_spec("gi") is not None


def _make(name: str, bus: "MessageBus | None") -> Tray:
    if name == "silent":
        return SilentTray()
    if name == "sni" and bus is not None:
        from agent.ui.session_bus import session_bus
        from agent.ui.tray.sni import SniTray

        return SniTray(bus, reconnect=session_bus)
    if name == "native":
        return _native()
    raise ValueError("there is no session bus" if name == "sni" else f"{OVERRIDE} knows no {name!r}")


def _native() -> Tray:
    from agent.ui.tray.native import NativeTray

    # Windows:
    if sys.platform == "win32":
        from agent.ui.tray import win32

        return NativeTray(win32.Icon, win32.panel, win32.escape)
    # Linux:
    from agent.ui.tray.gtk import make_icon

    return NativeTray(make_icon)
