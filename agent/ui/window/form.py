"""A form over the window: fields with their faults beside them, Enter accepts, Escape closes."""

from __future__ import annotations

import tkinter as tk
from contextlib import suppress
from tkinter import ttk
from typing import TYPE_CHECKING, Any

from agent.ui.window.press import button, on

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agent.ui.window.app import Window
    from agent.ui.window.field import Field
    from agent.ui.window.model.shapes import Reply


class Form(tk.Toplevel):
    """A small window that keeps the keyboard until it is closed; what was typed is never lost by a mistake."""

    def __init__(self, window: Window, title: str) -> None:
        super().__init__(window.root, background=window.theme.colours.back)
        self.withdraw()
        self.window = window
        self.theme, self.texts = window.theme, window.texts
        self.theme.prepare_forms()
        self.title(title)
        self.transient(window.root)
        if self.tk.call("tk", "windowingsystem") == "x11":
            self.attributes("-type", "dialog")
        self.resizable(width=False, height=False)
        px = self.theme.px
        self.body = ttk.Frame(self, padding=(px(20), px(16), px(20), px(16)))
        self.body.pack(fill="both", expand=True)
        self._fields: dict[str, Field] = {}
        self._trouble = ttk.Label(self.body, style="Bad.TLabel", wraplength=px(400), justify="left")
        self._waiting = False
        on(self, "Escape", self.destroy)
        on(self, "Return", self.accept)
        on(self, "KP_Enter", self.accept)

    # ---- building ----
    def field(self, name: str, label: str, widget: Field) -> None:
        """Place a field with its label above and room for a fault below."""
        ttk.Label(self.body, text=label).pack(anchor="w", pady=(0, self.theme.px(3)))
        widget.pack(fill="x", pady=(0, self.theme.px(10)))
        self._fields[name] = widget

    def buttons(self, accept: str, style: str = "Primary.TButton") -> None:
        """The last row: accept and cancel."""
        px = self.theme.px
        row = ttk.Frame(self.body)
        row.pack(side="bottom", fill="x", pady=(px(6), 0))
        self._accept = button(row, accept, self.accept, style)
        self._accept.pack(side="right")
        button(row, self.texts("window.cancel"), self.destroy).pack(side="right", padx=px(8))

    def open(self, first: tk.Misc) -> None:
        """Come up over the window with the keyboard in `first`."""
        self.update_idletasks()
        root = self.window.root
        left = root.winfo_rootx() + (root.winfo_width() - self.winfo_reqwidth()) // 2
        top = root.winfo_rooty() + (root.winfo_height() - self.winfo_reqheight()) // 3
        self.geometry(f"+{max(0, left)}+{max(0, top)}")
        on(self, "Map", self._hold)
        self.deiconify()
        first.focus_set()

    def _hold(self) -> None:
        """Keep the keyboard, unless the window is just being hidden."""
        with suppress(tk.TclError):
            self.grab_set()

    # ---- accepting ----
    def accept(self) -> None:
        """Check what was typed and send it; a form says how."""

    def send(self, do: str, given: dict[str, Any]) -> None:
        """Ask the agent, once; a fault it names is shown beside its field."""
        if not self._waiting:
            self._waiting = True
            self._accept.state(["disabled"])
            self.window.ask(do, given, self._replied)

    def _replied(self, reply: Reply) -> None:
        if not self.winfo_exists():
            return
        self._waiting = False
        self._accept.state(["!disabled"])
        if reply["ok"]:
            self.destroy()
            self.accepted(reply.get("result") or {})
            return
        error = reply["error"]
        if error.get("field") in self._fields:
            self.faults({error["field"]: error.get("message") or self.window.why(error)})
        else:
            self.trouble(self.window.why(error))

    def accepted(self, result: dict[str, Any]) -> None:
        """What happens after the agent did it and the form is gone."""

    def faults(self, found: Mapping[str, str]) -> None:
        """Show each fault beside its field and go to the first."""
        self.trouble("")
        for name, field in self._fields.items():
            field.fault(found.get(name, ""))
        if first := next((field for name, field in self._fields.items() if name in found), None):
            first.focus_inside()

    def trouble(self, text: str) -> None:
        """Say what is wrong with the whole."""
        self._trouble.configure(text=text)
        if text:
            self._trouble.pack(side="bottom", fill="x", pady=(self.theme.px(6), 0))
        else:
            self._trouble.pack_forget()
