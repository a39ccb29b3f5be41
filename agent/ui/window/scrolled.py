"""A column that scrolls where it is higher than the window: by its bar, the wheel and the arrow keys."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING

from agent.ui.window.press import on

if TYPE_CHECKING:
    from agent.ui.window.theme import Theme

STEP = 30
BAR = 10


class Scrolled(ttk.Frame):
    """`inside` takes what is shown; it is `width` wide, the bar beside it comes and goes."""

    def __init__(self, parent: tk.Misc, theme: Theme, width: int) -> None:
        super().__init__(parent)
        c = theme.colours
        self._canvas = tk.Canvas(
            self,
            background=c.back,
            highlightthickness=1,
            highlightbackground=c.back,
            highlightcolor=c.accent,
            borderwidth=0,
            width=width - 2,  # its ring is not counted
            height=1,
            yscrollincrement=theme.px(STEP),
            takefocus=False,
        )
        self._bar = ttk.Scrollbar(self, command=self._canvas.yview)
        self._canvas.configure(yscrollcommand=self._moved)
        self.inside = ttk.Frame(self._canvas)
        self._canvas.create_window(0, 0, window=self.inside, anchor="nw", width=width - 2)
        self._canvas.grid(row=0, column=0, sticky="ns")
        self.columnconfigure(1, minsize=theme.px(BAR))
        self.rowconfigure(0, weight=1)
        for key, step in (("Up", -1), ("Down", 1), ("Button-4", -2), ("Button-5", 2)):
            on(self._canvas, key, self._roll, step)
        self._canvas.bind("<MouseWheel>", lambda event: self._roll(round(-event.delta / 60)))
        on(self.inside, "Configure", self._grown)

    def _grown(self) -> None:
        """Scroll over all there is; the wheel turns it wherever the pointer is."""
        self._canvas.configure(scrollregion=(0, 0, 0, self.inside.winfo_reqheight()))
        waiting: list[tk.Misc] = [self.inside]
        while waiting:
            widget = waiting.pop()
            waiting += widget.winfo_children()
            if str(self._canvas) not in (tags := widget.bindtags()):
                widget.bindtags((*tags, str(self._canvas)))

    def _moved(self, first: float, last: float) -> None:
        """Show where one is, and that there is more; the keyboard comes here only then."""
        self._bar.set(first, last)
        needed = float(last) - float(first) < 1  # Tk sends texts
        if needed == bool(self._bar.grid_info()):
            return  # each of what follows would bring us here again
        if needed:
            self._bar.grid(row=0, column=1, sticky="ns")
        else:
            self._bar.grid_remove()
        self._canvas.configure(takefocus=needed)

    def _roll(self, steps: int) -> None:
        self._canvas.yview_scroll(steps, "units")
