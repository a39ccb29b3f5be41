"""One setting in the window: its name, the control its kind needs, and why it cannot be changed or was not."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING

from agent.ui.window.press import on

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from agent.ui.window.app import Window
    from agent.ui.window.model.shapes import Setting

NAME = 200
DIGITS = 6


class Row(ttk.Frame):
    """What all kinds have; `choose(key, value)` is called when a person decides."""

    name_above = True
    """Whether the name stands on the left; a flag carries its own."""

    def __init__(self, parent: tk.Misc, window: Window, one: Setting, choose: Callable[[str, Any], None]) -> None:
        px = window.theme.px
        super().__init__(parent)
        self.key, self.usable = one["key"], False
        self.window, self.texts = window, window.texts
        self._one, self._choose = one, choose
        self._line = ttk.Frame(self)
        self._line.pack(fill="x")
        self.name = window.texts(f"setting.{self.key}")
        self._controls: list[ttk.Widget] = []
        self._words: list[ttk.Label] = []
        if self.name_above:
            box = ttk.Frame(self._line, width=px(NAME), height=px(26))
            box.pack(side="left")
            box.pack_propagate(flag=False)
            self._words.append(ttk.Label(box, text=self.name))
            self._words[0].pack(side="left")
        self._build()
        self._why = ttk.Label(self._line, style="Muted.TLabel")
        self._why.pack(side="left", padx=(px(14), 0))
        self._fault = ttk.Label(self, style="Bad.TLabel", wraplength=px(640), justify="left")

    def show(self, one: Setting, *, usable: bool) -> None:
        """Show the setting as the agent tells it."""
        self._one, fixed = one, one.get("fixed", "")
        self.usable = usable and not fixed
        for widget in (*self._controls, *self._words):
            widget.state(["!disabled" if self.usable else "disabled"])
        self._why.configure(text=self.texts(f"settings.{fixed}") if fixed else "")
        self._set(one["value"])

    def replied(self, trouble: str) -> None:
        """Say what was wrong with the last choice, and show what counts; or nothing."""
        self._fault.configure(text=trouble)
        if trouble:
            self._fault.pack(anchor="w")
            self._set(self._one["value"])
        else:
            self._fault.pack_forget()

    def focus_inside(self) -> None:
        """The keyboard goes here."""
        self._controls[0].focus_set()

    def choose(self, value: Any) -> None:
        """A person decided."""
        if self.usable and value != self._one["value"]:
            self._choose(self.key, value)

    def _build(self) -> None:
        """Make the controls."""

    def _set(self, value: Any) -> None:
        """Show a value."""


class Flag(Row):
    """On or off."""

    name_above = False

    def _build(self) -> None:
        self._on = tk.BooleanVar(self)
        box = ttk.Checkbutton(
            self._line, text=self.name, variable=self._on, command=lambda: self.choose(self._on.get())
        )
        box.pack(side="left")
        self._controls.append(box)

    def _set(self, value: Any) -> None:
        self._on.set(bool(value))


class Choice(Row):
    """One of a few."""

    def _build(self) -> None:
        self._chosen = tk.StringVar(self)
        for choice in self._one["choices"]:
            radio = ttk.Radiobutton(
                self._line,
                text=self.texts(f"setting.{self.key}.{choice}"),
                variable=self._chosen,
                value=choice,
                command=lambda: self.choose(self._chosen.get()),
            )
            radio.pack(side="left", padx=(0, self.window.theme.px(14)))
            self._controls.append(radio)

    def _set(self, value: Any) -> None:
        self._chosen.set(str(value))

    def focus_inside(self) -> None:
        """The keyboard goes to the choice that is made."""
        self._controls[self._one["choices"].index(self._one["value"])].focus_set()


class Number(Row):
    """A whole number; it counts when one presses Enter or goes on."""

    def _build(self) -> None:
        self._text, self._shown = tk.StringVar(self), ""
        entry = ttk.Entry(self._line, textvariable=self._text, width=DIGITS, justify="right")
        entry.pack(side="left", padx=(self.window.theme.px(6), 0))
        unit = ttk.Label(self._line, text=self.texts("settings.seconds", **self._bounds))
        unit.pack(side="left", padx=(self.window.theme.px(8), 0))
        self._controls.append(entry)
        self._words.append(unit)
        for key in ("Return", "KP_Enter", "FocusOut"):
            on(entry, key, self._typed)
        on(entry, "Escape", self._forget)

    @property
    def _bounds(self) -> dict[str, int]:
        return {"least": self._one["least"], "most": self._one["most"]}

    def _typed(self) -> None:
        text = self._text.get().strip()
        if text == self._shown:
            self.replied("")
        elif text.isdecimal() and len(text) <= DIGITS and self._one["least"] <= int(text) <= self._one["most"]:
            self.choose(int(text))
        else:  # what was typed stays, to be put right
            self._fault.configure(text=self.texts("settings.no-number", **self._bounds))
            self._fault.pack(anchor="w")

    def _forget(self) -> None:
        self._shown = ""
        self._set(self._one["value"])
        self.replied("")

    def _set(self, value: Any) -> None:
        """Show it, unless a person is typing another."""
        if str(value) != self._shown:
            self._shown = str(value)
            self._text.set(self._shown)


KINDS: dict[str, type[Row]] = {"flag": Flag, "choice": Choice, "number": Number}
"""What the agent calls kinds; a row nobody knows here is left out."""
