"""The column on the left: where to go, how much waits for an answer, who sits here and whether it is connected."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk

from agent.ui.window.clock import clock, now_ms

TYPE_CHECKING = False
if TYPE_CHECKING:
    from agent.ui.window.app import Window

WIDTH = 168
WEEK_MS = 7 * 24 * 60 * 60 * 1000


class Sidebar(ttk.Frame):
    """The tabs as a list, and the station's state below."""

    def __init__(self, parent: tk.Misc, window: Window) -> None:
        px = window.theme.px
        super().__init__(parent, style="Side.TFrame", padding=px(10), width=px(WIDTH))
        self.pack_propagate(False)
        self._window = window
        self._chosen = tk.StringVar(self, window.shown)
        self._buttons = {name: self._button(name) for name in ("orders", "pages", "status", "settings")}
        self._below()

    def _button(self, name: str) -> ttk.Radiobutton:
        button = ttk.Radiobutton(
            self,
            style="Nav.TRadiobutton",
            value=name,
            variable=self._chosen,
            command=lambda: self._window.show(name),
        )
        button.pack(fill="x", pady=(0, self._window.theme.px(4)))
        return button

    def _below(self) -> None:
        px = self._window.theme.px
        wrap = px(WIDTH - 30)
        self._dnd = ttk.Label(self, style="Muted.Side.TLabel", wraplength=wrap)
        self._person = ttk.Label(self, style="Strong.Side.TLabel", wraplength=wrap)
        self._station = ttk.Label(self, style="Muted.Side.TLabel", wraplength=wrap)
        self._state = ttk.Label(self, style="Side.TLabel", compound="left")
        for label in (self._station, self._person):
            label.pack(side="bottom", fill="x", padx=px(4))
        self._state.pack(side="bottom", fill="x", padx=px(4), pady=(0, px(8)))
        self._dnd.pack(side="bottom", fill="x", padx=px(4), pady=(0, px(4)))

    def refresh(self) -> None:
        """Show the model as it is now."""
        window = self._window
        model, texts, c = window.model, window.texts, window.theme.colours
        self._chosen.set(window.shown)
        for name, button in self._buttons.items():
            count = model.unanswered if name == "pages" else 0
            button.configure(text=f"{texts(f'window.{name}')}  ({count})" if count else texts(f"window.{name}"))
        status = model.status
        state = status.get("state", "offline") if model.agent else "offline"
        mark, colour = {"ok": ("full", c.good), "degraded": ("hollow", c.warn)}.get(state, ("bad", c.bad))
        self._state.configure(image=window.theme.mark(mark, c.side, colour), text=f"  {texts(f'state.{state}')}")  # type: ignore[arg-type]
        self._person.configure(text=status.get("person", ""))
        self._station.configure(text=" · ".join([status.get("station", ""), *status.get("roles", ())]).strip(" ·"))
        self._dnd.configure(text=self._quiet(status.get("dnd_until_ms")))

    def _quiet(self, until_ms: int | None) -> str:
        if until_ms is None:
            return ""
        if until_ms - now_ms() > WEEK_MS:
            return self._window.texts("window.dnd-open")
        return self._window.texts("window.dnd-until", time=clock(until_ms))
