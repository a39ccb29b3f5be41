"""A list that draws only the rows one can see, so that ten thousand cost as much as twenty."""

from __future__ import annotations

import tkinter as tk
from bisect import bisect_right
from itertools import accumulate, repeat
from tkinter import ttk

from agent.ui.window.pen import Box, Pen
from agent.ui.window.press import on

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.ui.window.theme import Theme

    DrawRow = Callable[[Pen, str, Box, bool], None]
    """Draws the row of a key into a box; the last argument says whether it is selected."""

WHEEL_PX = 60
BORDER = 1
FAR = 1 << 30


def _nothing() -> None:
    """What happens when nobody asked to be told."""


class Board(ttk.Frame):
    """Rows by key, one of them selected; arrows, Page Up and Down, Home, End and the mouse move through them.

    `selected_by` is called after the selection changed, `opened` on Enter or a double click.
    """

    def __init__(self, parent: tk.Misc, theme: Theme, draw: DrawRow) -> None:
        super().__init__(parent)
        self.theme = theme
        self.draw = draw
        self.selected: str | None = None
        self.on_select: Callable[[], None] = _nothing
        self.on_open: Callable[[], None] = _nothing
        self.empty: tuple[str, str] = ("", "")
        self._keys: Sequence[str] = ()
        self._ends: list[int] = []
        self._index: dict[str, int] = {}
        self._top = 0
        self._painting = False
        c = theme.colours
        self.canvas = tk.Canvas(
            self,
            background=c.surface,
            highlightthickness=BORDER,
            highlightbackground=c.line,
            highlightcolor=c.accent,
            takefocus=True,
            borderwidth=0,
            width=1,
            height=1,
        )
        self._bar = ttk.Scrollbar(self, command=self._scroll)
        self._pen = Pen(self.canvas, theme)
        self.canvas.grid(row=0, column=0, sticky="nsew")
        self.columnconfigure(0, weight=1)
        self.rowconfigure(0, weight=1)
        self._bind()

    def _bind(self) -> None:
        canvas = self.canvas
        for key in ("Configure", "FocusIn", "FocusOut"):
            on(canvas, key, self.repaint)
        canvas.bind("<Button-1>", self._click)
        canvas.bind("<Double-Button-1>", lambda event: self.on_open() if self._at(event.y) else None)
        for key in ("Return", "KP_Enter"):
            on(canvas, key, lambda: self.on_open())  # noqa: PLW0108 - it is set later
        for key, step in (("Up", -1), ("Down", 1), ("Home", -FAR), ("End", FAR)):
            on(canvas, key, self.move, step)
        on(canvas, "Prior", lambda: self.move(-self._rows_in_view()))
        on(canvas, "Next", lambda: self.move(self._rows_in_view()))
        canvas.bind("<MouseWheel>", lambda event: self._roll(-event.delta / 120))
        on(canvas, "Button-4", self._roll, -1)
        on(canvas, "Button-5", self._roll, 1)

    # ---- what is in the list ----
    def show(self, keys: Sequence[str], heights: int | Sequence[int]) -> None:
        """List `keys`; the selection and what is in view stay where they are as far as possible."""
        anchor = self._keys[self._first()] if self._keys else None
        offset = self._top - (self._start(self._first()) if self._keys else 0)
        before = self._index.get(self.selected or "")
        self._keys = keys
        self._ends = list(accumulate(repeat(heights, len(keys)) if isinstance(heights, int) else heights))
        self._index = {key: i for i, key in enumerate(keys)}
        if anchor in self._index and self._top:
            self._top = self._start(self._index[anchor]) + offset
        if self.selected not in self._index:
            self.selected = None if before is None or not keys else keys[min(before, len(keys) - 1)]
            if before is not None:
                self.on_select()
        self.repaint()

    @property
    def listed(self) -> Sequence[str]:
        """The keys, from top to bottom."""
        return self._keys

    def select(self, key: str | None) -> None:
        """Select a row and bring it into view; None selects nothing."""
        changed = key != self.selected
        self.selected = key if key in self._index else None
        if self.selected is not None:
            self._bring(self._index[self.selected])
        self.repaint()
        if changed:
            self.on_select()

    def move(self, by: int) -> str:
        """Select the row `by` rows further down; without a selection the first one."""
        if self._keys:
            now, last = self._index.get(self.selected or "", -1 if abs(by) == 1 else 0), len(self._keys) - 1
            self.select(self._keys[min(last, max(0, now + by))])
        return "break"

    # ---- scrolling ----
    def _start(self, i: int) -> int:
        return self._ends[i - 1] if i else 0

    def _first(self) -> int:
        return min(bisect_right(self._ends, self._top), len(self._keys) - 1)

    def _rows_in_view(self) -> int:
        if not self._keys:
            return 1
        return max(1, bisect_right(self._ends, self._top + self.canvas.winfo_height()) - self._first() - 1)

    def _bring(self, i: int) -> None:
        height = self.canvas.winfo_height() - 2 * BORDER
        self._top = min(self._top, self._start(i))
        if height > 1:
            self._top = max(self._top, min(self._ends[i] - height, self._start(i)))

    def _scroll(self, what: str, amount: str, unit: str = "") -> None:
        """Follow the scrollbar: moveto FRACTION, or scroll NUMBER units|pages."""
        total = self._ends[-1] if self._ends else 0
        if what == "moveto":
            self._top = round(float(amount) * total)
        else:
            step = self.canvas.winfo_height() if unit == "pages" else self.theme.px(WHEEL_PX)
            self._top += int(amount) * step
        self.repaint()

    def _roll(self, notches: float) -> None:
        self._top += round(notches * self.theme.px(WHEEL_PX))
        self.repaint()

    def _at(self, y: int) -> str | None:
        """The key of the row at this height of the canvas."""
        i = bisect_right(self._ends, self._top + y - BORDER)
        return self._keys[i] if i < len(self._keys) else None

    def _click(self, event: tk.Event[tk.Misc]) -> None:
        self.canvas.focus_set()
        if key := self._at(event.y):
            self.select(key)

    # ---- drawing ----
    def repaint(self) -> None:
        """Draw what is in view, once, when Tk has time."""
        if not self._painting:
            self._painting = True
            self.after_idle(self._paint)

    def _paint(self) -> None:
        self._painting = False
        width, height = self.canvas.winfo_width(), self.canvas.winfo_height()
        if width <= 1:
            return
        total = self._ends[-1] if self._ends else 0
        self._top = max(0, min(self._top, total - height + 2 * BORDER))
        self._show_bar(total, height)
        self.canvas.delete("all")
        if not self._keys:
            self._pen.middle(width, height, *self.empty)
            return
        focused = self.canvas.focus_get() is self.canvas
        for i in range(self._first(), len(self._keys)):
            top = self._start(i) - self._top
            if top >= height:
                break
            box = Box(BORDER, BORDER + top, width - 2 * BORDER, self._ends[i] - self._start(i))
            self._row(self._keys[i], box, focused=focused)

    def _row(self, key: str, box: Box, *, focused: bool) -> None:
        c, selected = self.theme.colours, key == self.selected
        self._pen.fill(box, c.chosen if selected else c.surface)
        self.draw(self._pen, key, box, selected)
        self._pen.line(box.x, box.bottom - 1, box.right, c.line)
        if selected and focused:
            self._pen.ring(box, c.accent)

    def _show_bar(self, total: int, height: int) -> None:
        """Place the scrollbar only where there is something to scroll."""
        needed = total > height
        if needed != bool(self._bar.grid_info()):
            if needed:
                self._bar.grid(row=0, column=1, sticky="ns")
            else:
                self._bar.grid_remove()
        if needed:
            self._bar.set(self._top / total, min(1.0, (self._top + height) / total))
