"""The tab with the settings staff may choose; what policy fixed is greyed, with the reason beside it."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING

from agent.ui.window.setting_row import KINDS, Row
from agent.ui.window.tab import Tab

if TYPE_CHECKING:
    from typing import Any

    from agent.ui.window.app import Window
    from agent.ui.window.model.shapes import Setting


class Settings(Tab):
    """One row for each setting the agent tells, under a heading for each part; a change is sent at once."""

    def __init__(self, parent: tk.Misc, window: Window) -> None:
        super().__init__(parent, window, window.texts("window.settings"))
        self.theme.prepare_forms()
        self._body = ttk.Frame(self)
        self._body.pack(fill="both", expand=True)
        self._rows: dict[str, Row] = {}
        self._below = ttk.Label(self, style="Muted.TLabel")
        self._below.pack(side="bottom", anchor="w", pady=(self.theme.px(8), 0))

    def refresh(self) -> None:
        """Show the model as it is now."""
        super().refresh()
        known = [one for one in self.window.model.settings if one.get("kind") in KINDS]
        self._below.configure(text=self.texts("settings.kept" if known else "settings.none"))
        if [one["key"] for one in known] != list(self._rows):
            self._build(known)
        for one in known:
            self._rows[one["key"]].show(one, usable=self.window.model.agent)

    def focus_first(self) -> None:
        """The keyboard goes back to the setting it was in, or to the first that can be changed."""
        usable = [row for row in self._rows.values() if row.usable]
        last = [row for row in usable if row.key == self.window.last_setting]
        if usable:
            (last or usable)[0].focus_inside()

    def _build(self, known: list[Setting]) -> None:
        px = self.theme.px
        for child in self._body.winfo_children():
            child.destroy()
        self._rows, part = {}, ""
        for one in known:
            if part != (part := one["key"].partition(".")[0]):
                heading = ttk.Label(self._body, text=self.texts(f"settings.{part}"), style="Strong.TLabel")
                heading.pack(anchor="w", pady=(px(14) if self._rows else 0, px(8)))
            row = KINDS[one["kind"]](self._body, self.window, one, self._choose)
            row.pack(fill="x", pady=(0, px(6)))
            self._rows[one["key"]] = row

    def _choose(self, key: str, value: Any) -> None:
        """Send what was chosen; the row says what the agent has against it."""
        self.window.last_setting = key

        def replied(reply: dict[str, Any]) -> None:
            row = self._rows.get(key)
            if row is not None and row.winfo_exists():
                row.replied("" if reply["ok"] else self.window.why(reply["error"]))

        self.window.ask("settings.set", {"key": key, "value": value}, replied)
