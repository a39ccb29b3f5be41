"""Buttons beside each other, in as many rows as they need."""

from __future__ import annotations

from tkinter import ttk
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tkinter as tk
    from collections.abc import Sequence


class Flow(ttk.Frame):
    """As high as its rows; it is laid out again whenever it becomes wider or narrower."""

    def __init__(self, parent: tk.Misc, gap: int) -> None:
        super().__init__(parent)
        self._gap, self._width = gap, 0
        self._shown: Sequence[ttk.Button] = ()
        self.bind("<Configure>", lambda event: self._lay_out(event.width))

    def show(self, buttons: Sequence[ttk.Button]) -> None:
        """Show these, which have to be children of this."""
        self._shown = buttons
        self.configure(height=max(one.winfo_reqheight() for one in buttons))

    def _lay_out(self, width: int) -> None:
        if width == self._width:
            return
        self._width = width
        x = y = high = 0
        for one in self._shown:
            wide = min(one.winfo_reqwidth(), width)
            if x and x + wide > width:
                x, y, high = 0, y + high + self._gap, 0
            one.place(x=x, y=y, width=wide)
            x, high = x + wide + self._gap, max(high, one.winfo_reqheight())
        self.configure(height=y + high)
