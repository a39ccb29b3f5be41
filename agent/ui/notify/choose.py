"""Which notifiers this computer has, in the order in which they are tried."""

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from agent.domain.errors import BadConfiguration
from agent.ui.notify.base import Notifier
from agent.ui.notify.fallback import Fallback

if TYPE_CHECKING:
    from dbus_fast.aio import MessageBus

OVERRIDE = "NMR_NOTIFY"
"""Environment: names of notifiers, separated by commas, instead of those of the platform."""
# Linux: our own on D-Bus; Windows: toasts. plyer is last on both: it has no buttons.
_ORDERS = {"linux": ("dbus", "plyer"), "win32": ("winrt", "plyer")}


async def choose_notifier(bus: "MessageBus | None", *, force: str | None = None) -> Notifier:
    """The notifier for this computer; whether it works is found out, and told, with each notice.

    Args:
        bus: the session bus shared with the tray; None where there is none.
        force: as the environment variable NMR_NOTIFY, which it overrides.

    Raises:
        BadConfiguration: a forced name is not known.
    """
    forced = os.environ.get(OVERRIDE, "") if force is None else force
    return Fallback([_make(name, bus) for name in _names(forced)])


def _names(forced: str) -> Sequence[str]:
    return [name.strip() for name in forced.split(",") if name.strip()] or _ORDERS.get(sys.platform, ("plyer",))


def _make(name: str, bus: "MessageBus | None") -> Notifier:
    match name:
        case "dbus":
            from agent.ui.notify.dbus import DbusNotifier
            from agent.ui.session_bus import session_bus

            return DbusNotifier(bus, reconnect=session_bus)
        case "winrt":
            from agent.ui.notify.winrt import WinrtNotifier

            return WinrtNotifier()
        case "plyer":
            from agent.ui.notify.plyer import PlyerNotifier

            return PlyerNotifier()
        case "silent":
            from agent.ui.notify.silent import SilentNotifier

            return SilentNotifier()
    raise BadConfiguration("Unknown notifier", f"{OVERRIDE} knows dbus, winrt, plyer and silent, not “{name}”.")
