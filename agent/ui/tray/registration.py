"""Keep the icon known to the panel, also when the panel starts late or again."""

import asyncio
import contextlib
import itertools
import logging
import os

from dbus_fast import DBusFastError, Message, MessageType
from dbus_fast.aio import MessageBus

from agent.ui.session_bus import DAEMON, call

# RegisterStatusNotifierItem(name) at the watcher; whoever draws icons is a host and asks the watcher for the names.
# The name is ours alone and released when we go, because the connection is shared and outlives the icon.
WATCHER_NAME = "org.kde.StatusNotifierWatcher"
WATCHER = (WATCHER_NAME, "/StatusNotifierWatcher", WATCHER_NAME)
PROPERTIES = (WATCHER_NAME, "/StatusNotifierWatcher", "org.freedesktop.DBus.Properties")
HOST_SIGNALS = ("StatusNotifierHostRegistered", "StatusNotifierHostUnregistered")
RULES = (
    f"type='signal',sender='{DAEMON[0]}',interface='{DAEMON[2]}',member='NameOwnerChanged',arg0='{WATCHER_NAME}'",
    *(f"type='signal',sender='{WATCHER_NAME}',interface='{WATCHER_NAME}',member='{name}'" for name in HOST_SIGNALS),
)
DO_NOT_QUEUE = 4
TRANSIENT = (OSError, DBusFastError)

log = logging.getLogger(__name__)
_numbers = itertools.count(1)


class Registration:
    """One item's entry in the panel's book."""

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self._name = f"org.kde.StatusNotifierItem-{os.getpid()}-{next(_numbers)}"
        self._registered = False
        self._trying: asyncio.Task[None] | None = None

    @property
    def registered(self) -> bool:
        """Whether a panel has the icon now."""
        return self._registered and self._bus.connected

    async def start(self) -> None:
        """Register now, and again whenever a watcher appears."""
        self._bus.add_message_handler(self._heard)
        try:
            await call(self._bus, DAEMON, "RequestName", "su", self._name, DO_NOT_QUEUE)
            for rule in RULES:
                await call(self._bus, DAEMON, "AddMatch", "s", rule)
        except TRANSIENT as error:
            log.warning("no tray icon: %s", error)
            return
        self._try()
        if self._trying is not None:
            await asyncio.wait({self._trying})

    async def stop(self) -> None:
        """Take the item out of the book."""
        self._bus.remove_message_handler(self._heard)
        self._registered = False
        if self._trying is not None:
            self._trying.cancel()
        with contextlib.suppress(*TRANSIENT):
            await call(self._bus, DAEMON, "ReleaseName", "s", self._name)
            for rule in RULES:
                await call(self._bus, DAEMON, "RemoveMatch", "s", rule)

    def _heard(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.member == "NameOwnerChanged" and message.body[0] == WATCHER_NAME:
            self._registered = False
            if message.body[2]:
                self._try()
        elif message.interface == WATCHER_NAME and message.member in HOST_SIGNALS:
            self._try()

    def _try(self) -> None:
        if self._trying is not None:
            self._trying.cancel()
        self._trying = asyncio.get_running_loop().create_task(self._register())

    async def _register(self) -> None:
        try:
            await call(self._bus, WATCHER, "RegisterStatusNotifierItem", "s", self._name)
        except TRANSIENT as error:
            log.info("no panel takes the tray icon yet: %s", error)
            return
        self._registered = await self._has_host()

    async def _has_host(self) -> bool:
        """Whether anybody draws what the watcher knows; a watcher that does not say counts as one."""
        try:
            get = await call(self._bus, PROPERTIES, "Get", "ss", WATCHER_NAME, "IsStatusNotifierHostRegistered")
        except TRANSIENT:
            return True
        return bool(get[0].value)
