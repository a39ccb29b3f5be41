"""A notification daemon for tests: it shows nothing, remembers everything, and presses buttons when told to."""

import asyncio
import contextlib
from dataclasses import dataclass
from types import TracebackType
from typing import Annotated, Any, Self

from dbus_fast import DBusError
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusInt32, DBusSignature, DBusStr, DBusUInt32
from dbus_fast.service import ServiceInterface, dbus_method, dbus_signal

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
CAPABILITIES = ("body", "body-markup", "actions", "persistence")
EXPIRED, DISMISSED, CLOSED = 1, 2, 3

Strings = Annotated[list[str], DBusSignature("as")]
Hints = Annotated[dict[str, Any], DBusSignature("a{sv}")]
Server = Annotated[tuple[str, str, str, str], DBusSignature("ssss")]
Invoked = Annotated[tuple[int, str], DBusSignature("us")]
Ended = Annotated[tuple[int, int], DBusSignature("uu")]


@dataclass(frozen=True)
class Notified:
    """One Notify call as it came: `actions` are [key, label, key, label, …], hints without their D-Bus types."""

    number: int
    app: str
    replaces: int
    icon: str
    title: str
    body: str
    actions: list[str]
    hints: dict[str, Any]
    expire: int


class NotificationDaemon:
    """Owns org.freedesktop.Notifications on the bus at `address` while its context is open.

    `calls` holds every Notify, `open` those still on the imagined screen, `closed` the ids that were taken away by
    call, `asked` how often somebody wanted the capabilities. While `answering` is cleared, Notify gets no reply;
    with `refuses` it gets that text as an error.
    """

    def __init__(self, address: str, capabilities: tuple[str, ...] = CAPABILITIES) -> None:
        self.capabilities = capabilities
        self.calls: list[Notified] = []
        self.open: dict[int, Notified] = {}
        self.closed: list[int] = []
        self.asked = 0
        self.refuses = ""
        self.answering = asyncio.Event()
        self.answering.set()
        self.presses_at_once = ""
        self._bus = MessageBus(bus_address=address)
        self._interface = _Interface(self)

    async def __aenter__(self) -> Self:
        await self._bus.connect()
        self._bus.export(PATH, self._interface)
        await self._bus.request_name(NAME)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self._bus.disconnect()
        with contextlib.suppress(EOFError, OSError):  # a test may have ended the bus itself
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    @property
    def last(self) -> Notified:
        """The newest Notify."""
        return self.calls[-1]

    def press(self, action: str, number: int | None = None, *, stays: bool = False) -> None:
        """Press a button as a person would; a notice that does not stay is closed by that, as in most daemons."""
        number = self.last.number if number is None else number
        self._interface.ActionInvoked(number, action)
        if not stays:
            self.end(DISMISSED, number)

    def end(self, why: int, number: int | None = None) -> None:
        """Close a notice because it expired or a person dismissed it."""
        number = self.last.number if number is None else number
        self.open.pop(number, None)
        self._interface.NotificationClosed(number, why)


class _Interface(ServiceInterface):
    """The calls and signals of the notification standard."""

    def __init__(self, daemon: NotificationDaemon) -> None:
        super().__init__(NAME)
        self._daemon = daemon
        self._number = 0

    @dbus_method()
    def GetCapabilities(self) -> Strings:  # noqa: N802 - the standard's name
        self._daemon.asked += 1
        return list(self._daemon.capabilities)

    @dbus_method()
    def GetServerInformation(self) -> Server:  # noqa: N802
        return ("nmr-test", "nmr-test", "1", "1.2")

    @dbus_method()
    async def Notify(  # noqa: N802
        self,
        app: DBusStr,
        replaces: DBusUInt32,
        icon: DBusStr,
        title: DBusStr,
        body: DBusStr,
        actions: Strings,
        hints: Hints,
        expire: DBusInt32,
    ) -> DBusUInt32:
        daemon = self._daemon
        await daemon.answering.wait()
        if daemon.refuses:
            raise DBusError("org.freedesktop.Notifications.Error", daemon.refuses)
        if replaces not in daemon.open:
            self._number += 1
        number = replaces if replaces in daemon.open else self._number
        plain = {name: hint.value for name, hint in hints.items()}
        call = Notified(number, app, replaces, icon, title, body, actions, plain, expire)
        daemon.calls.append(call)
        daemon.open[number] = call
        if daemon.presses_at_once:
            daemon.press(daemon.presses_at_once)  # before the caller knows the id
        return number

    @dbus_method()
    def CloseNotification(self, number: DBusUInt32) -> None:  # noqa: N802
        self._daemon.closed.append(number)
        if self._daemon.open.pop(number, None):
            self.NotificationClosed(number, CLOSED)

    @dbus_signal()
    def ActionInvoked(self, number: int, action: str) -> Invoked:  # noqa: N802
        return (number, action)

    @dbus_signal()
    def NotificationClosed(self, number: int, why: int) -> Ended:  # noqa: N802
        return (number, why)
