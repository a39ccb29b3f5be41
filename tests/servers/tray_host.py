"""The panel's side of a tray for tests: a watcher that items register with, and a reader that sees and clicks menus."""

import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from dbus_fast import Message, MessageType, PropertyAccess, Variant
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusBool, DBusInt32, DBusStr
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

from agent.ui.session_bus import DAEMON, call

WATCHER = "org.kde.StatusNotifierWatcher"
WATCHER_PATH = "/StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
PROPERTIES = "org.freedesktop.DBus.Properties"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a menu as a panel reads it; `text` is None for a separator."""

    id: int
    text: str | None
    enabled: bool = True
    checked: bool | None = None
    children: tuple["Line", ...] = field(default=())

    def find(self, *labels: str) -> "Line":
        """The line below this one with that path of labels."""
        line = self
        for label in labels:
            line = next((child for child in line.children if child.text == label), line)
            if line.text != label:
                raise LookupError(f"no entry {' / '.join(labels)}")
        return line

    def has(self, labels: Sequence[str]) -> bool:
        """Whether there is a line with that path of labels."""
        try:
            self.find(*labels)
        except LookupError:
            return False
        return True

    def ids(self) -> dict[int, str | None]:
        """The numbers of this line and all below, with their labels."""
        found = {self.id: self.text}
        for child in self.children:
            found |= child.ids()
        return found


class Watcher(ServiceInterface):
    """The least a tray item wants: a book of names, and word that somebody draws what stands in it.

    `times` says when items registered, as `time.perf_counter` does.
    """

    def __init__(self, *, host: bool = True) -> None:
        super().__init__(WATCHER)
        self.items: list[str] = []
        self.times: list[float] = []
        self.host = host

    def drop(self, name: str) -> None:
        """Forget an item whose name nobody owns any more."""
        if name in self.items:
            self.items.remove(name)

    @dbus_method("RegisterStatusNotifierItem")
    def register_item(self, name: DBusStr) -> None:
        self.times.append(time.perf_counter())
        if name not in self.items:
            self.items.append(name)

    @dbus_method("RegisterStatusNotifierHost")
    def register_host(self, _name: DBusStr) -> None:
        self.host = True
        self.host_registered()

    @dbus_property(PropertyAccess.READ, "IsStatusNotifierHostRegistered")
    def is_host_registered(self) -> DBusBool:
        return self.host

    @dbus_property(PropertyAccess.READ, "ProtocolVersion")
    def protocol_version(self) -> DBusInt32:
        return 0

    @dbus_signal("StatusNotifierHostRegistered")
    def host_registered(self) -> None:
        pass


class TrayHost:
    """A panel without pixels on its own connection; `signals` counts what items broadcast, by name."""

    def __init__(self, bus: MessageBus, watcher: Watcher) -> None:
        self._bus = bus
        self.watcher = watcher
        self.signals: dict[str, int] = {}

    @property
    def items(self) -> list[str]:
        """The bus names of the items that are registered now."""
        return self.watcher.items

    async def ask(self, path: str, interface: str, member: str, signature: str = "", *body: object) -> Any:
        """Call a method of the first item and return its first answer."""
        return (await call(self._bus, (self.items[0], path, interface), member, signature, *body) or [None])[0]

    async def properties(self) -> dict[str, Any]:
        """Everything the first item says about itself."""
        answer: dict[str, Variant] = await self.ask("/StatusNotifierItem", PROPERTIES, "GetAll", "s", ITEM)
        return {name: variant.value for name, variant in answer.items()}

    async def menu(self) -> Line:
        """The first item's menu, read as a panel does before it opens it."""
        path = (await self.properties())["Menu"]
        await self.ask(path, MENU, "AboutToShow", "i", 0)
        answer = await call(self._bus, (self.items[0], path, MENU), "GetLayout", "iias", 0, -1, [])
        return read_line(answer[1])

    async def click(self, *labels: str) -> None:
        """Click the entry with that path of labels."""
        await self.click_id((await self.menu()).find(*labels).id)

    async def click_id(self, number: int) -> None:
        """Click the line with that number, as it stood in a menu read before."""
        await self.ask("/MenuBar", MENU, "Event", "isvu", number, "clicked", Variant("s", ""), 0)

    async def activate(self) -> None:
        """Click the icon with the left button."""
        await self.ask("/StatusNotifierItem", ITEM, "Activate", "ii", 0, 0)

    def hear(self, message: Message) -> None:
        """Keep the book and count signals."""
        if message.message_type is not MessageType.SIGNAL:
            return
        if message.member == "NameOwnerChanged" and not message.body[2]:
            self.watcher.drop(message.body[0])
        elif message.interface in {ITEM, MENU}:
            self.signals[str(message.member)] = self.signals.get(str(message.member), 0) + 1


@asynccontextmanager
async def tray_host(address: str, *, host: bool = True) -> AsyncIterator[TrayHost]:
    """A panel on the bus at `address` for as long as the block runs; without `host` nobody draws the icons."""
    bus = await MessageBus(address).connect()
    watcher = Watcher(host=host)
    panel = TrayHost(bus, watcher)
    bus.add_message_handler(panel.hear)
    bus.export(WATCHER_PATH, watcher)
    for interface in (ITEM, MENU, DAEMON[2]):
        rule = f"type='signal',interface='{interface}'"
        await call(bus, DAEMON, "AddMatch", "s", rule)
    await bus.request_name(WATCHER)
    try:
        yield panel
    finally:
        await bus.release_name(WATCHER)
        bus.disconnect()


def read_line(answer: Any) -> Line:
    """A line and all below it from one answer of GetLayout: (id, properties, children)."""
    number, properties, children = answer
    plain = {name: variant.value for name, variant in properties.items()}
    toggle = plain.get("toggle-state") if "toggle-type" in plain else None
    return Line(
        number,
        # "_" before a letter marks a mnemonic, "__" is one "_"
        None if plain.get("type") == "separator" else re.sub("_(.)", r"\1", plain.get("label", "")),
        plain.get("enabled", True),
        None if toggle is None else toggle == 1,
        tuple(read_line(child.value) for child in children),
    )
