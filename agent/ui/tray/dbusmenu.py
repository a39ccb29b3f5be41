"""The menu on the bus, as panels read and click it (com.canonical.dbusmenu)."""

from collections.abc import Callable
from typing import Annotated

from dbus_fast import DBusError, ErrorType, PropertyAccess, Variant
from dbus_fast.annotations import DBusBool, DBusInt32, DBusSignature, DBusStr, DBusUInt32, DBusVariant
from dbus_fast.service import ServiceInterface, dbus_method, dbus_property, dbus_signal

from agent.ui.tray.layout import ROOT, Layout, Node, Properties
from agent.ui.tray.menu import Item, Menu

# What goes over the bus:
#   GetLayout(parent, depth, names) -> revision, (id, {name: value}, [children])      depth -1: the whole tree
#   GetGroupProperties(ids, names) -> [(id, {name: value})]
#   AboutToShow(id) -> the layout changed, read it again      Event(id, "clicked", data, time)
#   LayoutUpdated(revision, parent)          entries came or went: a panel closes an open menu or redraws it
#   ItemsPropertiesUpdated(updated, removed) words and ticks only: an open menu stays open
PATH = "/MenuBar"
READ = PropertyAccess.READ
SIGNATURES = {"enabled": "b", "toggle-state": "i"}
Tree = tuple[int, dict[str, Variant], list[Variant]]

Ints = Annotated[list[int], DBusSignature("ai")]
Strings = Annotated[list[str], DBusSignature("as")]
Groups = list[tuple[int, dict[str, Variant]]]
Names = list[tuple[int, list[str]]]


class DBusMenu(ServiceInterface):
    """Shows one menu to every panel that asks. `clicked` gets the item, `fresh` brings a waiting change in first."""

    def __init__(self, clicked: Callable[[Item], None], fresh: Callable[[], None]) -> None:
        super().__init__("com.canonical.dbusmenu")
        self._clicked = clicked
        self._fresh = fresh
        self._layout = Layout()
        self._revision = 1

    def replace(self, menu: Menu) -> None:
        """Show `menu` from now on and tell panels no more than what changed."""
        change = self._layout.replace(menu)
        if change.updated or change.removed:
            updated = [(number, _variants(properties)) for number, properties in change.updated]
            self.items_properties_updated(updated, change.removed)
        if change.layout:
            self._revision += 1
            self.layout_updated(self._revision, ROOT)

    @dbus_property(READ, "Version")
    def version(self) -> DBusUInt32:
        """Of the protocol."""
        return 3

    @dbus_property(READ, "Status")
    def status(self) -> DBusStr:
        """A panel may show an urgent menu unasked; ours has the icon for that."""
        return "normal"

    @dbus_property(READ, "TextDirection")
    def text_direction(self) -> DBusStr:
        """Left to right."""
        return "ltr"

    @dbus_property(READ, "IconThemePath")
    def icon_theme_path(self) -> Strings:
        """No icons in the menu."""
        return []

    @dbus_method("GetLayout")
    def get_layout(
        self, parent: DBusInt32, depth: DBusInt32, names: Strings
    ) -> Annotated[tuple[int, Tree], DBusSignature("u(ia{sv}av)")]:
        """The tree below `parent`."""
        return self._revision, self._tree(self._node(parent), depth, names)

    def _tree(self, node: Node, depth: int, names: list[str]) -> Tree:
        children = node.children if depth else ()
        below = [Variant("(ia{sv}av)", self._tree(self._layout.nodes[n], depth - 1, names)) for n in children]
        return node.id, _variants(node.properties, names), below

    @dbus_method("GetGroupProperties")
    def get_group_properties(
        self, ids: Ints, names: Strings
    ) -> Annotated[list[tuple[int, dict[str, Variant]]], DBusSignature("a(ia{sv})")]:
        """Properties of several lines; of all when no ids are given."""
        nodes = self._layout.nodes
        return [(n, _variants(nodes[n].properties, names)) for n in ids or nodes if n in nodes]

    @dbus_method("GetProperty")
    def get_property(self, number: DBusInt32, name: DBusStr) -> DBusVariant:
        """One property of one line."""
        variants = _variants(self._node(number).properties)
        if name not in variants:
            raise DBusError(ErrorType.INVALID_ARGS, f"entry {number} has no {name}")
        return variants[name]

    @dbus_method("Event")
    def event(self, number: DBusInt32, kind: DBusStr, _data: DBusVariant, _time: DBusUInt32) -> None:
        """A person did something with one line."""
        self._happened(number, kind)

    @dbus_method("EventGroup")
    def event_group(self, events: Annotated[list[tuple[int, str, Variant, int]], DBusSignature("a(isvu)")]) -> Ints:
        """Several events at once; returns the numbers that are no lines."""
        return [number for number, kind, _data, _time in events if not self._happened(number, kind)]

    def _happened(self, number: int, kind: str) -> bool:
        node = self._layout.nodes.get(number)
        item = node.item if node else None
        if kind == "clicked" and item is not None and item.enabled and item.submenu is None:
            self._clicked(item)
        return node is not None

    @dbus_method("AboutToShow")
    def about_to_show(self, _number: DBusInt32) -> DBusBool:
        """A menu is going to open; whether its lines changed since the panel read them."""
        before = self._revision
        self._fresh()
        return self._revision != before

    @dbus_method("AboutToShowGroup")
    def about_to_show_group(self, ids: Ints) -> Annotated[tuple[list[int], list[int]], DBusSignature("aiai")]:
        """The same for several; which changed, and which are no lines."""
        before = self._revision
        self._fresh()
        gone = [number for number in ids if number not in self._layout.nodes]
        return (ids if self._revision != before else []), gone

    def _node(self, number: int) -> Node:
        node = self._layout.nodes.get(number)
        if node is None:
            raise DBusError(ErrorType.INVALID_ARGS, f"no entry {number}")
        return node

    @dbus_signal("LayoutUpdated")
    def layout_updated(self, revision: int, parent: int) -> Annotated[tuple[int, int], DBusSignature("ui")]:
        """Lines came or went below `parent`."""
        return revision, parent

    @dbus_signal("ItemsPropertiesUpdated")
    def items_properties_updated(
        self, updated: Groups, removed: Names
    ) -> Annotated[tuple[Groups, Names], DBusSignature("a(ia{sv})a(ias)")]:
        """Words, ticks or greying changed."""
        return updated, removed


def _variants(properties: Properties, names: list[str] | None = None) -> dict[str, Variant]:
    return {
        name: Variant(SIGNATURES.get(name, "s"), value)
        for name, value in properties.items()
        if not names or name in names
    }
