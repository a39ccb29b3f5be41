"""The desktop as its session bus knows it: who draws icons, who shows notices and what that can do. Linux only."""

from dataclasses import dataclass
from typing import Literal

from dbus_fast import DBusFastError

from agent.ui.session_bus import DAEMON, call, session_bus
from agent.ui.tray.registration import PROPERTIES, WATCHER_NAME

NOTIFICATIONS = "org.freedesktop.Notifications"
_NOTIFIER = (NOTIFICATIONS, "/org/freedesktop/Notifications", NOTIFICATIONS)
_TROUBLE = (OSError, DBusFastError)


@dataclass(frozen=True, slots=True)
class Daemon:
    """A notification daemon: its name, and what it is capable of."""

    name: str
    can: frozenset[str]


async def tray_host() -> Literal["no-bus", "no-watcher", "no-host", "host"]:
    """How far an icon would come."""
    bus = await session_bus()
    if bus is None:
        return "no-bus"
    try:
        owned = (await call(bus, DAEMON, "NameHasOwner", "s", WATCHER_NAME))[0]
        if not owned:
            return "no-watcher"
        get = await call(bus, PROPERTIES, "Get", "ss", WATCHER_NAME, "IsStatusNotifierHostRegistered")
    except _TROUBLE:
        return "no-watcher"
    return "host" if get[0].value else "no-host"


async def notification_daemon() -> Daemon | Literal["no-bus", "none", "hangs"]:
    """Who shows notices. One that is only started when needed is started by this question, as by a notice."""
    bus = await session_bus()
    if bus is None:
        return "no-bus"
    try:
        owned = (await call(bus, DAEMON, "NameHasOwner", "s", NOTIFICATIONS))[0]
        startable = (await call(bus, DAEMON, "ListActivatableNames"))[0]
        if not owned and NOTIFICATIONS not in startable:
            return "none"
        can = (await call(bus, _NOTIFIER, "GetCapabilities"))[0]
        name, *_ = await call(bus, _NOTIFIER, "GetServerInformation")
    except TimeoutError:
        return "hangs"
    except _TROUBLE:
        return "none"
    return Daemon(str(name), frozenset(map(str, can)))


async def leave() -> None:
    """Let go of the session bus, if there is one."""
    bus = await session_bus()
    if bus is not None:
        bus.disconnect()
