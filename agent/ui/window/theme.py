"""How the window looks: colours, fonts, sizes for this screen and small pictures."""

from __future__ import annotations

from tkinter import PhotoImage, font, ttk

from agent.ui.window import pictures, styles
from agent.ui.window.palette import DARK, LIGHT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tkinter import Misc

    from agent.ui.window.model.ladder import Mark

USUAL_LINE = 16.5
"""Height of a 10 point line on a screen of 96 dpi, in pixels."""
ROUND = 5
"""Radius of round corners on such a screen."""


class Theme:
    """One look; it has to live as long as the window, for Tk forgets pictures that nobody holds."""

    def __init__(self, root: Misc, *, dark: bool) -> None:
        self.root = root
        self.colours = DARK if dark else LIGHT
        family = str(font.nametofont("TkDefaultFont", root).actual("family"))
        self.text = font.Font(root, family=family, size=10)
        font.nametofont("TkTextFont", root).configure(family=family, size=10)  # of lines to type into; 9 on Windows
        # The font follows the resolution people set up for their screen, which Tk alone does not tell on Linux.
        self.scale = max(1.0, self.text.metrics("linespace") / USUAL_LINE)
        self.strong = font.Font(root, family=family, size=10, weight="bold")
        self.small = font.Font(root, family=family, size=9)
        self.head = font.Font(root, family=family, size=14, weight="bold")
        self.gone = font.Font(root, family=family, size=10, overstrike=True)
        self._pictures: dict[str, PhotoImage] = {}
        self._later: list[tuple[PhotoImage, tuple[str, str, str, int]]] = []
        self._forms = False
        self._name = "nmr-dark" if dark else "nmr-light"
        style = ttk.Style(root)
        style.theme_create(self._name, parent="clam")
        self.use()
        styles.apply(style, self)

    def use(self) -> None:
        """Make this the look of all widgets."""
        ttk.Style(self.root).theme_use(self._name)

    def prepare_forms(self) -> None:
        """Make the styles of forms, before the first one."""
        if not self._forms:
            self._forms = True
            styles.apply_for_forms(ttk.Style(self.root), self)
            self.finish()

    def px(self, size: float) -> int:
        """`size` pixels of a usual screen, in pixels of this one."""
        return round(size * self.scale)

    def mark(self, kind: Mark, back: str, colour: str = "") -> PhotoImage:
        """One rung of a ladder on the colour `back`; without a colour of its own in the one its kind has."""
        c = self.colours
        colour = colour or {"none": c.edge, "done": c.good, "bad": c.bad}.get(kind, c.accent)
        name = f"mark {kind} {back} {colour}"
        return self._pictures.get(name) or self.keep(name, pictures.mark(kind, self.px(15), back, colour, c.surface))

    def box(self, back: str, fill: str, edge: str, stroke: float = 1) -> PhotoImage:
        """A box with round corners that ttk repeats in the middle; not too small, or it would repeat it often."""
        line = max(1, round(stroke * self.scale))
        name = f"box {back} {fill} {edge} {line}"
        size = self.px(28), self.px(20)
        return self._pictures.get(name) or self.keep(name, pictures.box(size, self.px(ROUND), back, fill, edge, line))

    def later(self, back: str, fill: str, edge: str, stroke: float = 1) -> PhotoImage:
        """The same for a state nobody sees before the window stands; it is drawn by `finish`."""
        picture = PhotoImage(master=self.root)
        line = max(1, round(stroke * self.scale))
        self._later.append((picture, (back, fill, edge, line)))
        return picture

    def finish(self) -> None:
        """Draw what was left for later, once the window stands."""
        size = self.px(28), self.px(20)
        for picture, (back, fill, edge, line) in self._later:
            picture.configure(data=pictures.box(size, self.px(ROUND), back, fill, edge, line), format="png")
            self._pictures[str(picture)] = picture
        self._later.clear()

    def pill(self, size: tuple[int, int], back: str, fill: str, edge: str) -> PhotoImage:
        """A box with round corners in exactly this size, to write on."""
        name = f"pill {size} {back} {fill} {edge}"
        return self._pictures.get(name) or self.keep(name, pictures.box(size, self.px(ROUND), back, fill, edge))

    def keep(self, name: str, png: bytes) -> PhotoImage:
        """Make the picture and hold it under `name`."""
        self._pictures[name] = PhotoImage(master=self.root, data=png, format="png")
        return self._pictures[name]
