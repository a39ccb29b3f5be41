"""The form for a new order or item, or to change one."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING, Any

from agent.ui.window.field import Line
from agent.ui.window.form import Form
from agent.ui.window.model.fields import check
from agent.ui.window.model.rows import flag_names, kind_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.ui.window.app import Window
    from agent.ui.window.model.shapes import Kind, Order

KINDS: tuple[Kind, ...] = ("order", "item")


class OrderForm(Form):
    """Title, subtitle and flags; `made` gets the id of a new order."""

    def __init__(
        self,
        window: Window,
        kind: Kind,
        order: Order | None = None,
        *,
        title: str = "",
        made: Callable[[str], None] = lambda _: None,
    ) -> None:
        labels, texts = window.model.labels, window.texts
        name = kind_name(labels, kind)
        super().__init__(window, texts("form.edit" if order else "form.new", kind=name))
        self._kind, self._order, self._made = kind, order, made
        self._limits = labels.get("fields")
        before: Order = order or {"title": title}
        if order is None:
            self._kinds()
        self._title = Line(self.body, before.get("title", ""))
        self.field("title", texts("form.title"), self._title)
        self._subtitle: Line | None = None
        if kind == "order" and (subtitle := labels.get("subtitle_name", "")):
            self._subtitle = Line(self.body, before.get("subtitle", ""))
            self.field("subtitle", subtitle, self._subtitle)
        self._flags = self._flag_row(before)
        self.buttons(texts("form.save" if order else "form.create"))
        self.open(self._title.inside)

    def _kinds(self) -> None:
        """Order or item; what was typed goes along to the other form."""
        self._chosen = tk.StringVar(self, self._kind)
        row = ttk.Frame(self.body)
        row.pack(fill="x", pady=(0, self.theme.px(10)))
        for kind in KINDS:
            name = kind_name(self.window.model.labels, kind)
            radio = ttk.Radiobutton(row, text=name, variable=self._chosen, value=kind, command=self._change)
            radio.pack(side="left", padx=(0, self.theme.px(16)))

    def _change(self) -> None:
        kind = next(kind for kind in KINDS if kind == self._chosen.get())
        if kind != self._kind:
            title = self._title.text
            self.destroy()
            OrderForm(self.window, kind, title=title, made=self._made)

    def _flag_row(self, before: Order) -> dict[str, tk.BooleanVar]:
        names = dict(zip(("flag_a", "flag_b"), flag_names(self.window.model.labels, self._kind), strict=True))
        row = ttk.Frame(self.body)
        flags = {}
        for key, name in names.items():
            if name:
                flags[key] = tk.BooleanVar(self, bool(before.get(key)))
                ttk.Checkbutton(row, text=name, variable=flags[key]).pack(side="left", padx=(0, self.theme.px(16)))
        if flags:
            row.pack(fill="x", pady=(0, self.theme.px(6)))
        return flags

    def accept(self) -> None:
        """Check the fields here, then let the agent check them."""
        typed = {"title": self._title.text}
        if self._subtitle is not None:
            typed["subtitle"] = self._subtitle.text
        checked = check(typed, self.texts, self._limits)
        self.faults(checked.faults)
        if checked.faults:
            return
        fields: dict[str, Any] = {**checked.values, **{key: flag.get() for key, flag in self._flags.items()}}
        if self._order is None:
            self.send("order.add", {"kind": self._kind, "fields": fields})
            return
        before: dict[str, Any] = {**self._order}
        if changed := {key: value for key, value in fields.items() if before.get(key) != value}:
            self.send("order.edit", {"order": self._order["id"], "fields": changed})
        else:
            self.destroy()

    def accepted(self, result: dict[str, Any]) -> None:
        """Tell the list which order is new."""
        if self._order is None and isinstance(result.get("order"), str):
            self._made(result["order"])
