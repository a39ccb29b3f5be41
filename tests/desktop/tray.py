"""The icons on a test desktop's panel and their menus, found and clicked by pixels."""

from collections.abc import Callable, Sequence

from PIL import Image, ImageChops

from agent.ui.icons import Picture
from tests.desktop.overheard import Overheard
from tests.servers.desktop import PANEL, Desktop
from tests.servers.popups import popups
from tests.servers.programs import until
from tests.servers.sight import Box
from tests.servers.tray_host import Line

PATIENCE = 60.0
"""Seconds for whatever a loaded computer has to do."""
NOWHERE = (300, 733)
"""Where the pointer touches nothing."""
SEPARATOR = 0.04
"""How high a separator of a menu is, in entries."""
LEFT = 700
"""Left of this the panel has no icons."""
NARROWEST = 8
"""Pixels of an icon's width; the edge of a button is less."""
Place = tuple[int, int]


class TrayArea:
    """The panel's tray, which is empty when this is made; agents are known by their processes."""

    def __init__(self, desktop: Desktop, bus: Overheard) -> None:
        self._desktop, self._bus = desktop, bus
        self._places: dict[int, Place] = {}
        self.away()
        self._empty = desktop.panel_strip()

    def away(self) -> None:
        """Take the pointer where it touches nothing."""
        self._desktop.move(*NOWHERE)

    def icons(self) -> list[Place]:
        """The middle of every icon drawn on the panel, from left to right."""
        drawn = runs(_columns(self._empty, self._desktop.panel_strip()))
        middle = (PANEL[1] + PANEL[3]) // 2
        return [((left + right) // 2, middle) for left, right in drawn if left > LEFT and right - left > NARROWEST]

    def meet(self) -> None:
        """Find out whose icon is whose: the panel asks an agent for its menu when a person opens it."""
        self._places = {}
        for place in self.icons():
            before = len(self._bus.opened)
            self._desktop.click(*place, 3)
            self._menu(1)
            until(lambda: len(self._bus.opened) > before, "the question for a menu", PATIENCE)  # noqa: B023 - waited for here
            self._desktop.key("Escape")
            self._closed()
            self._places[self._bus.opened[-1]] = place
        self.away()

    def wears(self, pid: int, picture: Picture) -> bool:
        """Whether an agent's icon has this face: its main colour, or nearly, for panels scale."""
        x, y = self._places[pid]
        counted = picture.image(22).getcolors(10_000) or []
        _, main = max((count, colour) for count, colour in counted if isinstance(colour, tuple) and colour[3] == 255)
        here = self._desktop.pixels().convert("RGB").crop((x - 12, y - 12, x + 12, y + 12)).getcolors(10_000) or []
        return any(isinstance(colour, tuple) and _near(colour, main[:3]) for _, colour in here)

    def open_menu(self, pid: int) -> Box:
        """Right click on an agent's icon; returns the menu's box."""
        self._closed()
        self._desktop.click(*self._places[pid], 3)
        return self._menu(1)

    def choose(self, pid: int, labels: Sequence[str], before_click: Callable[[], object]) -> None:
        """Open an agent's menu and click along the labels; `before_click` is called with the pointer on the last."""
        until(lambda: self._bus.menu(pid).has(labels), f"{' ▸ '.join(labels)} in the menu", PATIENCE)
        line, box = self._bus.menu(pid), self.open_menu(pid)
        for depth, label in enumerate(labels, start=1):
            x, y = _middle(line, label, box)
            self._desktop.move(x, y)
            line = line.find(label)
            if depth == len(labels):
                before_click()
            self._desktop.click(x, y)
            if depth < len(labels):
                box = self._menu(depth + 1)
        self.away()
        self._closed()

    def close_menu(self) -> None:
        """Put an open menu away."""
        while popups(self._desktop, "POPUP_MENU"):
            self._desktop.key("Escape")
        self.away()

    def _menu(self, depth: int) -> Box:
        """The box of the menu that is so many menus deep, once it is drawn."""
        until(lambda: len(popups(self._desktop, "POPUP_MENU")) == depth, f"menu {depth}", PATIENCE)
        box = popups(self._desktop, "POPUP_MENU")[-1]
        until(lambda: len(self._desktop.pixels().crop(box).getcolors(1 << 20) or []) > 1, "the menu's words", PATIENCE)
        return box

    def _closed(self) -> None:
        until(lambda: not popups(self._desktop, "POPUP_MENU"), "the end of the menu", PATIENCE)


def _middle(menu: Line, label: str, box: Box) -> Place:
    """Where an entry of a menu stands: separators are thin, all entries equally high."""
    heights = [SEPARATOR if line.text is None else 1.0 for line in menu.children]
    place = [line.text for line in menu.children].index(label)
    share = (sum(heights[:place]) + 0.5) / sum(heights)
    left, top, right, bottom = box
    return (left + right) // 2, round(top + (bottom - top) * share)


def _near(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return all(abs(mine - theirs) < 16 for mine, theirs in zip(one, other, strict=True))


def _columns(one: Image.Image, other: Image.Image) -> list[bool]:
    """For each column of two pictures whether they differ there."""
    changed = ImageChops.difference(one.convert("RGB"), other.convert("RGB")).convert("L")
    return [changed.crop((x, 0, x + 1, changed.height)).getbbox() is not None for x in range(changed.width)]


def runs(row: list[bool]) -> list[tuple[int, int]]:
    """Where a row is true: first and one past the last of each run."""
    edges = [x for x in range(len(row) + 1) if (x < len(row) and row[x]) != (x > 0 and row[x - 1])]
    return list(zip(edges[::2], edges[1::2], strict=True))
