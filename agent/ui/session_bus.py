"""The agent's one connection to the desktop's D-Bus session bus, shared by tray and notifier. Linux only."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

from agent.system.sparing import later

with later("xml.etree.ElementTree", "xml.parsers.expat"):  # only for whoever asks what our objects look like
    from dbus_fast import DBusError, DBusFastError, Message, MessageType
    from dbus_fast.aio import MessageBus

log = logging.getLogger(__name__)

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 5.0
DAEMON = ("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
"""Destination, path and interface of the bus itself."""

_connecting: tuple[asyncio.AbstractEventLoop, asyncio.Task[MessageBus | None]] | None = None


async def session_bus() -> MessageBus | None:
    """The session bus, connected once for each event loop; None when this session has none."""
    global _connecting
    loop = asyncio.get_running_loop()
    if _connecting is None or _connecting[0] is not loop or _lost(_connecting[1]):
        _connecting = loop, loop.create_task(_connect())
    return await asyncio.shield(_connecting[1])


def _lost(task: asyncio.Task[MessageBus | None]) -> bool:
    if not task.done():
        return False
    bus = None if task.cancelled() else task.result()
    return bus is None or not bus.connected


async def _connect() -> MessageBus | None:
    address = _address()
    if address is None:
        return None
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            return _patient(await MessageBus(address).connect())
    except (OSError, DBusFastError) as error:
        log.warning("no session bus: %s", error)
        return None


class _Patient:
    """A socket that takes nothing while the bus is slow to read, where dbus_fast's writer would hang up for good."""

    def __init__(self, inside: Any) -> None:
        self._inside = inside

    def send(self, data: memoryview) -> int:
        """Return how many bytes were taken; the rest goes when there is room."""
        try:
            return int(self._inside.send(data))
        except BlockingIOError:
            return 0


def _patient(bus: MessageBus) -> MessageBus:
    writer: Any = bus._writer  # noqa: SLF001 - dbus_fast has no way to say how it writes
    if writer is not None:
        writer.sock = _Patient(writer.sock)
    return bus


def _address() -> str | None:
    """Where the bus is; systems with systemd have it in the runtime folder even when nobody exported the address."""
    if address := os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    socket = Path(os.environ.get("XDG_RUNTIME_DIR") or "/nonexistent", "bus")
    return f"unix:path={socket}" if socket.exists() else None


async def call(
    bus: MessageBus, target: tuple[str, str, str], member: str, signature: str = "", *body: Any
) -> list[Any]:
    """Call `member` of `target` (destination, path, interface) and return what it answers.

    Raises DBusError when it answers with an error, TimeoutError when it does not answer.
    """
    if not bus.connected:
        raise _gone()
    destination, path, interface = target
    message = Message(
        destination=destination, path=path, interface=interface, member=member, signature=signature, body=list(body)
    )
    async with asyncio.timeout(ANSWER_SECONDS):
        reply: Message | None = await bus.call(message)
    if reply is None:  # what a call gets when the connection closes under it
        raise _gone()
    if reply.message_type is MessageType.ERROR:
        raise DBusError(
            reply.error_name or "org.freedesktop.DBus.Error.Failed", str(reply.body[0]) if reply.body else ""
        )
    return list(reply.body)


def _gone() -> DBusError:
    return DBusError("org.freedesktop.DBus.Error.Disconnected", "the session bus is gone")


async def is_owned(bus: MessageBus, name: str) -> bool:
    """Whether a program on the bus owns `name`; False when the bus does not say."""
    try:
        return bool((await call(bus, DAEMON, "NameHasOwner", "s", name))[0])
    except (OSError, DBusFastError):
        return False
