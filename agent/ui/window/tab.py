"""What all tabs have: a heading, the line that the agent is gone, and the key that pages somebody."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent.ui.window.app import Window


class Tab(ttk.Frame):
    """One tab; `refresh` is called whenever it is visible and something changed."""

    def __init__(self, parent: tk.Misc, window: Window, heading: str) -> None:
        self.window = window
        self.theme, self.texts = window.theme, window.texts
        px = self.theme.px
        super().__init__(parent, padding=(px(20), px(14), px(20), px(10)))
        self._alarm = Alarm(self, window)
        self.head = ttk.Frame(self)
        self.head.pack(fill="x", pady=(0, px(10)))
        ttk.Frame(self.head, width=1, height=px(34)).pack(side="left")  # so that all headings stand equally high
        ttk.Label(self.head, text=heading, style="Head.TLabel").pack(side="left")

    def refresh(self) -> None:
        """Show the model as it is now."""
        self._alarm.refresh(self.head)

    def focus_first(self) -> None:
        """Give the keyboard to the most useful part."""

    def do(self, what: str) -> None:
        """React to a key that means something here: `new-order`, `page` or `search`."""
        if what == "page" and not self.window.model.why_not("page", self.texts):
            from agent.ui.window.page_form import PageForm

            PageForm(self.window)

    def letter(self, letter: str) -> None:
        """React to Alt and a letter."""


class Alarm(ttk.Frame):
    """The line that says that the agent is gone, or that orders are still being fetched."""

    def __init__(self, parent: ttk.Frame, window: Window) -> None:
        super().__init__(parent, style="Alarm.TFrame", padding=(window.theme.px(12), window.theme.px(7)))
        self._window = window
        self._title = ttk.Label(self, style="Strong.Alarm.TLabel")
        self._title.pack(side="left")
        self._more = ttk.Label(self, style="Alarm.TLabel")
        self._more.pack(side="left", padx=(window.theme.px(10), 0))

    def refresh(self, above: ttk.Frame) -> None:
        """Appear above that frame, or go away."""
        model, texts = self._window.model, self._window.texts
        if model.agent and not model.syncing:
            self.pack_forget()
            return
        style, title, more = "Note", texts("notice.requesting-orders"), ""
        if not model.agent:
            style, title, more = "Alarm", texts("window.no-agent"), texts("window.no-agent-more")
        self.configure(style=f"{style}.TFrame")
        self._title.configure(style=f"Strong.{style}.TLabel" if more else f"{style}.TLabel", text=title)
        self._more.configure(style=f"{style}.TLabel", text=more)
        self.pack(fill="x", before=above, pady=(0, self._window.theme.px(10)))
