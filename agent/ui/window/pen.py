"""Draws words, marks and chips on a canvas, and shortens what does not fit."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from tkinter import Canvas
    from tkinter.font import Font

    from agent.ui.window.model.ladder import Mark
    from agent.ui.window.theme import Theme

REMEMBERED = 4000
"""Measured widths that are kept; a few screens full of rows."""


class Box:
    """A rectangle on the canvas, in pixels."""

    def __init__(self, x: int, y: int, width: int, height: int) -> None:
        self.x, self.y, self.width, self.height = x, y, width, height

    @property
    def right(self) -> int:
        """The first pixel to the right of it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first pixel below it."""
        return self.y + self.height


class Pen:
    """Draws on one canvas in the colours of a theme."""

    def __init__(self, canvas: Canvas, theme: Theme) -> None:
        self.canvas = canvas
        self.theme = theme
        self.back = theme.colours.surface
        """The colour under what is drawn next."""
        self._widths: dict[tuple[int, str], int] = {}
        self._fitted: dict[tuple[int, str, int], str] = {}

    def text(
        self,
        x: int,
        y: int,
        text: str,
        width: int,
        *,
        font: Font | None = None,
        colour: str = "",
        right: bool = False,
    ) -> int:
        """Write one line whose middle is at height `y`, shortened to `width`; returns how wide it became."""
        font = font or self.theme.text
        shown = self.fit(text, font, width)
        if shown:
            self.canvas.create_text(
                x, y, text=shown, font=font, fill=colour or self.theme.colours.text, anchor="e" if right else "w"
            )
        return self.width(shown, font)

    def width(self, text: str, font: Font) -> int:
        """How wide a text is, in pixels."""
        key = id(font), text
        if key not in self._widths:
            if len(self._widths) > REMEMBERED:
                self._widths.clear()
            self._widths[key] = font.measure(text)
        return self._widths[key]

    def fit(self, text: str, font: Font, width: int) -> str:
        """As much of the text as fits, with … where something is missing; lines become one."""
        key = id(font), text, width
        if key not in self._fitted:
            if len(self._fitted) > REMEMBERED:
                self._fitted.clear()
            self._fitted[key] = self._cut(text.replace("\n", " ↵ "), font, width)
        return self._fitted[key]

    def _cut(self, text: str, font: Font, width: int) -> str:
        if self.width(text, font) <= width:
            return text
        low, high = 0, len(text)
        while low < high:
            middle = (low + high + 1) // 2
            if font.measure(text[:middle] + "…") <= width:
                low = middle
            else:
                high = middle - 1
        return text[:low].rstrip() + "…" if low else ""

    def chip(self, x: int, y: int, text: str, *, colour: str = "", fill: str = "", edge: str = "") -> int:
        """A word in a small box whose middle is at height `y`; returns how wide it became."""
        theme, c = self.theme, self.theme.colours
        width = self.width(text, theme.small) + theme.px(14)
        height = theme.small.metrics("linespace") + theme.px(5)
        fill = fill or c.raised_over
        picture = theme.pill((width, height), self.back, fill, edge or fill)
        self.canvas.create_image(x, y, image=picture, anchor="w")
        self.canvas.create_text(x + theme.px(7), y, text=text, font=theme.small, fill=colour or c.text, anchor="w")
        return width

    def chip_width(self, text: str) -> int:
        """How wide a chip with this word is."""
        return self.width(text, self.theme.small) + self.theme.px(14)

    def mark(self, x: int, y: int, kind: Mark, colour: str = "") -> None:
        """A rung of a ladder, around its middle."""
        self.canvas.create_image(x, y, image=self.theme.mark(kind, self.back, colour))

    def fill(self, box: Box, colour: str) -> None:
        """Fill a rectangle, to draw on."""
        self.back = colour
        self.canvas.create_rectangle(box.x, box.y, box.right, box.bottom, fill=colour, width=0)

    def ring(self, box: Box, colour: str) -> None:
        """Draw a line around a rectangle, inside of it."""
        stroke = self.theme.px(2)
        inset = stroke // 2
        self.canvas.create_rectangle(
            box.x + inset, box.y + inset, box.right - inset - 1, box.bottom - inset - 1, outline=colour, width=stroke
        )

    def line(self, x: int, y: int, to_x: int, colour: str, width: float = 1) -> None:
        """A horizontal line, thin as a hair unless told otherwise."""
        self.canvas.create_line(x, y, to_x, y, fill=colour, width=width)

    def middle(self, width: int, height: int, head: str, more: str) -> None:
        """Two centred lines for a list with nothing in it."""
        theme, c = self.theme, self.theme.colours
        step = theme.px(11) if more else 0
        self.canvas.create_text(width // 2, height // 2 - step, text=head, font=theme.text, fill=c.muted)
        if more:
            self.canvas.create_text(
                width // 2,
                height // 2 + step,
                text=more,
                font=theme.small,
                fill=c.muted,
                width=width - theme.px(40),
                justify="center",
            )
