"""The parts of a form one types into, each with room for what is wrong with it."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING

from agent.ui.window.press import on

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.ui.texts import Texts
    from agent.ui.window.theme import Theme

NOTE_LINES = 3


class Field(ttk.Frame):
    """A widget `inside` and its fault below."""

    inside: tk.Misc

    def __init__(self, parent: tk.Misc) -> None:
        super().__init__(parent)
        self._fault = ttk.Label(self, style="Bad.TLabel")

    def fault(self, text: str) -> None:
        """Show what is wrong with it, or nothing."""
        self._fault.configure(text=text)
        if text:
            self._fault.pack(side="bottom", anchor="w")
        else:
            self._fault.pack_forget()

    def focus_inside(self) -> None:
        """The keyboard goes here."""
        self.inside.focus_set()


class Line(Field):
    """One line to type into; its fault goes away as soon as one types."""

    def __init__(self, parent: tk.Misc, text: str = "") -> None:
        super().__init__(parent)
        self._variable = tk.StringVar(self, text)
        self._variable.trace_add("write", lambda *_: self.fault(""))
        self.inside: ttk.Entry = ttk.Entry(self, textvariable=self._variable, width=46)
        self.inside.pack(fill="x")

    @property
    def text(self) -> str:
        """What was typed."""
        return self._variable.get()

    def fault(self, text: str) -> None:
        """Show what is wrong with it, or nothing."""
        super().fault(text)
        self.inside.state(["invalid" if text else "!invalid"])


class Note(Field):
    """A few lines to type into, with a count; Enter is `entered`, Shift+Enter a new line, Tab leaves."""

    def __init__(self, parent: tk.Misc, theme: Theme, texts: Texts, limit: int) -> None:
        super().__init__(parent)
        self.entered: Callable[[], None] = lambda: None
        self._texts, self._limit = texts, limit
        self._frame = ttk.Frame(self, style="Field.TFrame", padding=theme.px(5))
        self._frame.pack(fill="x")
        c = theme.colours
        self.inside: tk.Text = tk.Text(
            self._frame,
            height=NOTE_LINES,
            width=20,
            wrap="word",
            font=theme.text,
            background=c.surface,
            foreground=c.text,
            insertbackground=c.text,
            selectbackground=c.accent,
            selectforeground=c.on_accent,
            highlightthickness=0,
            borderwidth=0,
            undo=True,
        )
        self.inside.pack(fill="both", padx=theme.px(3))
        below = ttk.Frame(self)
        below.pack(fill="x")
        ttk.Label(below, text=texts("ask.note-hint"), style="Muted.TLabel").pack(side="left")
        self._count = ttk.Label(below, style="Muted.TLabel")
        self._count.pack(side="right")
        self._bind()
        self._typed()

    def _bind(self) -> None:
        on(self.inside, "Return", self._enter)
        on(self.inside, "KP_Enter", self._enter)
        on(self.inside, "Shift-Return", self._new_line)
        on(self.inside, "Tab", self._leave, self.inside.tk_focusNext)
        on(self.inside, "Shift-Tab", self._leave, self.inside.tk_focusPrev)
        on(self.inside, "<Modified>", self._typed)
        on(self.inside, "FocusIn", self._frame.state, ["focus"])
        on(self.inside, "FocusOut", self._frame.state, ["!focus"])

    @property
    def text(self) -> str:
        """What was typed."""
        return self.inside.get("1.0", "end-1c")

    def fault(self, text: str) -> None:
        """Show what is wrong with it, or nothing."""
        super().fault(text)
        self._frame.state(["invalid" if text else "!invalid"])

    def _typed(self) -> None:
        length = len(self.text)
        style = "Bad.TLabel" if length > self._limit else "Muted.TLabel"
        self._count.configure(text=self._texts("ask.counter", length=length, limit=self._limit), style=style)
        self.inside.edit_modified(arg=False)

    def _new_line(self) -> str:
        self.inside.insert("insert", "\n")
        self.inside.see("insert")
        return "break"  # the form behind would take it for Enter

    def _enter(self) -> str:
        self.entered()
        return "break"

    def _leave(self, neighbour: Callable[[], tk.Misc | None]) -> str:
        if (following := neighbour()) is not None:
            following.focus_set()
        return "break"
