"""A question before something that cannot be undone."""

from __future__ import annotations

from tkinter import ttk
from typing import TYPE_CHECKING

from agent.ui.window.form import Form

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.ui.window.app import Window

WIDTH = 380


class Question(Form):
    """Asks once; Enter agrees, Escape does not."""

    def __init__(self, window: Window, ask: str, more: str, agree: str, agreed: Callable[[], object]) -> None:
        super().__init__(window, agree)
        self._agreed = agreed
        wrap = self.theme.px(WIDTH)
        ttk.Label(self.body, text=ask, style="Strong.TLabel", wraplength=wrap).pack(anchor="w")
        ttk.Label(self.body, text=more, wraplength=wrap, justify="left").pack(
            anchor="w", pady=(self.theme.px(6), self.theme.px(12))
        )
        self.buttons(agree, "Danger.TButton")
        self.open(self._accept)

    def accept(self) -> None:
        """Do it."""
        self.destroy()
        self._agreed()
