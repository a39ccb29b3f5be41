"""The desktop's notification daemon as seen over D-Bus: what it can do, and the four calls it takes."""

# org.freedesktop.Notifications 1.2, path /org/freedesktop/Notifications:
#   GetCapabilities() -> as
#   Notify(app s, replaces u, icon s, title s, body s, actions as, hints a{sv}, expire i) -> id u
#       actions: [key, label, key, label, ...]; expire: ms, 0 never, -1 as the daemon likes
#   CloseNotification(id u)
#   signal ActionInvoked(id u, key s)
#   signal NotificationClosed(id u, why u)     why: 1 expired, 2 a person closed it, 3 by call, 4 unknown

import asyncio
import contextlib
import functools
from collections.abc import Callable, Sequence

from dbus_fast import Message, MessageType, Variant
from dbus_fast.aio import MessageBus

from agent.system.assets import asset
from agent.ui.reason import reason

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"
_BUS, _BUS_PATH = "org.freedesktop.DBus", "/org/freedesktop/DBus"
_RULES = (
    f"type='signal',sender='{NAME}',interface='{NAME}',path='{PATH}'",
    f"type='signal',sender='{_BUS}',interface='{_BUS}',member='NameOwnerChanged',arg0='{NAME}'",
)
TIMEOUT = 2.0
"""Seconds a daemon has for an answer; a page must not hang on a hung desktop."""
PATIENCE = 10.0
"""Seconds for which a daemon that did not answer is not asked again: a hang costs one time-out, not one a page."""
AT_ONCE = 16
"""Most calls under way: dbus-fast gives the whole connection up when its socket is full, and a burst would fill it."""

Late = Callable[["asyncio.Task[Message | None]"], None]
"""Called with the reply that came after its time was over."""
Signalled = Callable[[str, int, "str | int"], None]
"""Called with the signal's name, the notification's id and the signal's second value."""


class NoAnswer(Exception):
    """The daemon did not take a call; the text says why."""


class Daemon:
    """The daemon behind one bus connection, which others share; every call ends within `timeout` seconds.

    Args:
        bus: a connected bus.
        signalled: what to do with its signals.
        changed: what to do when the daemon is another process now; its bus name, empty when there is none.
        timeout: seconds a call may take.
    """

    def __init__(
        self, bus: MessageBus, signalled: Signalled, changed: Callable[[str], None], timeout: float = TIMEOUT
    ) -> None:
        self._bus, self._signalled, self._changed, self._timeout = bus, signalled, changed, timeout
        self._owner = ""  # unique name of the daemon that answered last
        self._asked: asyncio.Task[frozenset[str]] | None = None
        self._free = asyncio.Semaphore(AT_ONCE)
        self._hung_until = 0.0  # loop time

    @property
    def connected(self) -> bool:
        """Whether the bus connection still stands."""
        return bool(self._bus.connected)

    async def watch(self) -> None:
        """Begin to hear its signals, and ask what it can do so that the first page need not wait for that."""
        self._bus.add_message_handler(self._hear)
        for rule in _RULES:
            await self._call("AddMatch", "s", [rule], to=_BUS, path=_BUS_PATH)
        self._ask()

    async def unwatch(self) -> None:
        """Let go of the bus, which stays open for others."""
        self._bus.remove_message_handler(self._hear)
        for rule in _RULES:
            await self._call("RemoveMatch", "s", [rule], to=_BUS, path=_BUS_PATH)

    async def can(self) -> frozenset[str]:
        """What the present daemon is capable of; asked once, again after another daemon came."""
        if before := self._asked:
            with contextlib.suppress(NoAnswer):
                return await asyncio.shield(before)
            if self._asked is before:
                self._asked = None  # perhaps asked when no daemon was there; one may be there now
        return await asyncio.shield(self._asked or self._ask())

    async def notify(
        self, title: str, body: str, *, replaces: int, actions: Sequence[str], hints: dict[str, Variant], expire: int
    ) -> int:
        """Show a notice and return its id; `replaces` is the id of the one it takes the place of, or 0."""
        fields = ["No More Running", replaces, _icon(), title, body, list(actions), hints, expire]
        reply = await self._call("Notify", "susssasa{sv}i", fields, late=None if replaces else self._withdraw)
        self._owner = reply.sender or ""
        number: int = reply.body[0]
        return number

    async def close(self, number: int) -> None:
        """Take a notice away."""
        await self._call("CloseNotification", "u", [number])

    def _ask(self) -> asyncio.Task[frozenset[str]]:
        self._asked = asyncio.create_task(self._capabilities(), name="capabilities of the notification daemon")
        self._asked.add_done_callback(
            lambda task: task.cancelled() or task.exception()
        )  # else asyncio complains at exit
        return self._asked

    async def _capabilities(self) -> frozenset[str]:
        reply = await self._call("GetCapabilities")
        self._owner = reply.sender or ""
        return frozenset(reply.body[0])

    async def _call(
        self,
        member: str,
        signature: str = "",
        body: Sequence[object] = (),
        *,
        to: str = NAME,
        path: str = PATH,
        late: "Late | None" = None,
    ) -> Message:
        message = Message(destination=to, path=path, interface=to, member=member, signature=signature, body=list(body))
        async with self._free:
            reply = await self._answer(message, late)
        if reply is None:  # what a call gets when the connection is closed under it
            raise NoAnswer("the session bus is gone")
        if reply.message_type is MessageType.ERROR:
            raise NoAnswer(" ".join(map(str, reply.body)) or reply.error_name or "error without a name")
        return reply

    async def _answer(self, message: Message, late: "Late | None") -> Message | None:
        now = asyncio.get_running_loop().time
        if now() < self._hung_until:
            raise NoAnswer("the notification daemon does not answer")
        if not self._bus.connected:
            raise NoAnswer("the session bus is gone")
        asked = asyncio.create_task(self._bus.call(message))
        asked.add_done_callback(self._heard)
        if not (await asyncio.wait((asked,), timeout=self._timeout))[0]:
            self._hung_until = now() + PATIENCE
            if late:
                asked.add_done_callback(late)
            raise NoAnswer(f"the notification daemon did not answer within {self._timeout:g} s")
        try:
            return asked.result()
        except Exception as error:
            raise NoAnswer(reason(error)) from error

    def _heard(self, asked: "asyncio.Task[Message | None]") -> None:
        # Looking at it keeps asyncio from complaining about a call nobody waits for any more.
        if not asked.cancelled() and asked.exception() is None:
            self._hung_until = 0.0

    def _withdraw(self, late: "asyncio.Task[Message | None]") -> None:
        # We already said that this notice was not shown, and somebody else may have shown it.
        reply = None if late.cancelled() or late.exception() else late.result()
        if reply and reply.message_type is MessageType.METHOD_RETURN and self._bus.connected:
            self._bus.send(
                Message(
                    destination=NAME,
                    path=PATH,
                    interface=NAME,
                    member="CloseNotification",
                    signature="u",
                    body=[reply.body[0]],
                )
            )

    def _hear(self, message: Message) -> None:
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.interface == NAME and message.path == PATH and message.sender == self._owner:
            if message.signature in {"us", "uu"}:
                self._signalled(message.member or "", message.body[0], message.body[1])
        elif message.member == "NameOwnerChanged" and message.sender == _BUS and message.body[0] == NAME:
            self._owned(message.body[2])

    def _owned(self, owner: str) -> None:
        if self._owner:  # else it was started by the question we are asking just now
            self._asked = None
        self._owner, self._hung_until = owner, 0.0
        self._changed(owner)


@functools.cache
def _icon() -> str:
    """Our bell as a file, because only few desktops look into our .desktop file; nothing where it is missing."""
    try:
        return str(asset("icons/no-more-running-48.png"))
    except FileNotFoundError:
        return ""
