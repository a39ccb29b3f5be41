"""A menu as a numbered tree, and what changed in it since the last look: entries, or only their words and ticks."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from agent.ui.tray.menu import Item, Menu

# Properties as com.canonical.dbusmenu names them; a property with its default value is left out:
#   type = "separator"    label (a single _ would be a mnemonic)    enabled = true    children-display = "submenu"
#   toggle-type = "checkmark"    toggle-state = 0 | 1
Properties = dict[str, str | bool | int]
ROOT = 0


@dataclass(frozen=True, slots=True)
class Node:
    """One line of the menu: `id` is its number on the bus, `item` None for separators and the root."""

    id: int
    properties: Properties
    item: Item | None = None
    children: tuple[int, ...] = ()


@dataclass(slots=True)
class Change:
    """What a new menu changed. `layout`: entries came or went; the rest: properties of entries that stayed."""

    layout: bool = False
    updated: list[tuple[int, Properties]] = field(default_factory=list)
    removed: list[tuple[int, list[str]]] = field(default_factory=list)


Path = tuple[int, str, int]
"""Which entry: the parent's number, the entry's key, and how many brothers before it have the same key."""


class Layout:
    """The menu that is shown. A number stays with its entry while the entry is there and is never given to another:
    a late click must not hit what stands in its place now.
    """

    def __init__(self) -> None:
        self.nodes: dict[int, Node] = {ROOT: Node(ROOT, {"children-display": "submenu"})}
        self._ids: dict[Path, int] = {}
        self._last = ROOT

    def replace(self, menu: Menu) -> Change:
        """Make `menu` the one that is shown."""
        before, known = self.nodes, self._ids
        self.nodes, self._ids = {}, {}
        self._add(ROOT, {"children-display": "submenu"}, None, menu, known)
        return _compare(before, self.nodes)

    def _add(
        self, number: int, properties: Properties, item: Item | None, menu: Menu | None, known: dict[Path, int]
    ) -> int:
        children: list[int] = []
        for child, key in _keyed(menu):
            found = self._number((number, key, 0), known)
            submenu = None if child is None else child.submenu
            children.append(self._add(found, _properties(child), child, submenu, known))
        self.nodes[number] = Node(number, properties, item, tuple(children))
        return number

    def _number(self, path: Path, known: dict[Path, int]) -> int:
        while path in self._ids:
            path = (*path[:2], path[2] + 1)
        if path not in known:
            self._last += 1
        self._ids[path] = known.get(path, self._last)
        return self._ids[path]


def _keyed(menu: Menu | None) -> Iterator[tuple[Item | None, str]]:
    """The menu's lines with a key each; pystray's separators are all the same object and go by what is above them."""
    above = ""
    for item in menu or ():
        if item is Menu.SEPARATOR:
            yield None, f"after {above}"
        else:
            above = item.entry.key
            yield item, f"entry {above}"


def _properties(item: Item | None) -> Properties:
    if item is None:
        return {"type": "separator"}
    properties: Properties = {"label": item.text.replace("_", "__")}
    if not item.enabled:
        properties["enabled"] = False
    if item.checked is not None:
        properties |= {"toggle-type": "checkmark", "toggle-state": int(item.checked)}
    if item.submenu is not None:
        properties["children-display"] = "submenu"
    return properties


def _compare(before: dict[int, Node], after: dict[int, Node]) -> Change:
    change = Change(layout=any(node.children != before[n].children for n, node in after.items() if n in before))
    for number in before.keys() & after.keys():
        old, new = before[number].properties, after[number].properties
        if updated := {name: value for name, value in new.items() if old.get(name) != value}:
            change.updated.append((number, updated))
        if removed := [name for name in old if name not in new]:
            change.removed.append((number, removed))
    return change
