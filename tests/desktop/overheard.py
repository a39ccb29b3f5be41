"""The session bus as a bystander has it: every notice that is asked for, and every menu as a panel reads it."""

import asyncio
import threading
from collections.abc import Coroutine
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus

from agent.ui.session_bus import DAEMON, call
from tests.servers.notification_daemon import NAME as NOTIFICATIONS
from tests.servers.tray_host import ITEM, MENU, PROPERTIES, WATCHER, WATCHER_PATH, Line, read_line

T = TypeVar("T")
MONITORING = (DAEMON[0], DAEMON[1], "org.freedesktop.DBus.Monitoring")
RULES = [f"interface='{NOTIFICATIONS}',member='Notify'", f"interface='{MENU}',member='AboutToShowGroup'"]
ITEM_PATH = "/StatusNotifierItem"


@dataclass(frozen=True, slots=True)
class Asked:
    """One call of Notify: `pid` is the agent, `buttons` are label by action."""

    pid: int
    title: str
    body: str
    buttons: dict[str, str]


class Overheard:
    """Listens in a thread of its own; `notices` holds everything anybody asked the daemon to show, in order,
    `opened` the processes whose menus a panel opened.
    """

    def __init__(self, address: str) -> None:
        self.notices: list[Asked] = []
        self.opened: list[int] = []
        self._address = address
        self._pids: dict[str, int] = {}
        self._noting: list[asyncio.Task[None]] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="overheard", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._open())
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def items(self) -> dict[int, dict[str, Any]]:
        """The icons in the panel's book by process, in the order of their registration, with their properties."""
        return self._do(self._items())

    def menu(self, pid: int) -> Line:
        """The menu of an agent, read as a panel does before it opens it."""
        return self._do(self._menu(pid))

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(20)

    async def _open(self) -> None:
        self._bus = await MessageBus(self._address).connect()
        self._ear = await MessageBus(self._address).connect()
        self._ear.add_message_handler(self._hear)
        # From here on this connection only listens.
        await call(self._ear, MONITORING, "BecomeMonitor", "asu", RULES, 0)

    async def _close(self) -> None:
        for bus in (self._bus, self._ear):
            bus.disconnect()
            await bus.wait_for_disconnect()  # type: ignore[no-untyped-call]

    def _hear(self, message: Message) -> bool:
        """Whether nothing more is to be done: a call must not be answered, for who listens may not speak."""
        if message.message_type is not MessageType.METHOD_CALL:
            return False
        note = self._note(message) if message.member == "Notify" else self._open_menu(message)
        self._noting.append(self._loop.create_task(note))
        return True

    async def _note(self, message: Message) -> None:
        _, _, _, title, body, actions, _, _ = message.body
        buttons = dict(zip(actions[::2], actions[1::2], strict=True))
        self.notices.append(Asked(await self._pid(str(message.sender)), title, body, buttons))

    async def _open_menu(self, message: Message) -> None:
        if 0 in message.body[0]:
            self.opened.append(await self._pid(str(message.destination)))

    async def _pid(self, name: str) -> int:
        """The process behind a name on the bus."""
        if name not in self._pids:
            self._pids[name] = (await call(self._bus, DAEMON, "GetConnectionUnixProcessID", "s", name))[0]
        return self._pids[name]

    async def _items(self) -> dict[int, dict[str, Any]]:
        watcher = (WATCHER, WATCHER_PATH, PROPERTIES)
        book = (await call(self._bus, watcher, "Get", "ss", WATCHER, "RegisteredStatusNotifierItems"))[0].value
        found = {}
        for name in (entry.partition("/")[0] for entry in book):
            (said,) = await call(self._bus, (name, ITEM_PATH, PROPERTIES), "GetAll", "s", ITEM)
            found[await self._pid(name)] = {key: value.value for key, value in said.items()} | {"bus name": name}
        return found

    async def _menu(self, pid: int) -> Line:
        item = (await self._items())[pid]
        menu = (item["bus name"], item["Menu"], MENU)
        await call(self._bus, menu, "AboutToShow", "i", 0)
        return read_line((await call(self._bus, menu, "GetLayout", "iias", 0, -1, []))[1])
