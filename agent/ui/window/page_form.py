"""The form that pages somebody: whom, with how many of them reachable now, a note, and whether it is urgent."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING, Any

from agent.ui.window.board import Board
from agent.ui.window.field import Field, Note
from agent.ui.window.form import Form
from agent.ui.window.model.fields import check, limit
from agent.ui.window.model.people import Choice, best, choices

if TYPE_CHECKING:
    from agent.ui.window.app import Window
    from agent.ui.window.model.shapes import Order
    from agent.ui.window.pen import Box, Pen

ROW = 32
ROWS_IN_VIEW = 7
WIDTH = 440


class PageForm(Form):
    """Sends one page; a letter jumps to the next name that begins with it."""

    def __init__(self, window: Window, order: Order | None = None) -> None:
        texts = window.texts
        title = texts("ask.title-order", object=order.get("title", "")) if order else texts("ask.title")
        super().__init__(window, title)
        self._order = order
        found = choices(window.model.members, texts, everybody=window.model.everybody)
        self._choices = {choice.key: choice for choice in found}
        px = self.theme.px
        if order:
            ttk.Label(self.body, text=title, style="Strong.TLabel", wraplength=px(WIDTH)).pack(
                anchor="w", pady=(0, px(10))
            )
        self._whom = Field(self.body)
        self._board = self._list(found)
        self._whom.inside = self._board.canvas
        self.field("to", texts("ask.whom"), self._whom)
        self._warning = ttk.Label(self.body, style="Warn.TLabel", wraplength=px(WIDTH), justify="left")
        self._note = Note(self.body, self.theme, texts, limit("note", window.model.labels.get("fields")))
        self._note.entered = self.accept
        self.field("note", texts("ask.note"), self._note)
        self._urgent = tk.BooleanVar(self)
        self._urgent_row()
        self.buttons(texts("ask.send"))
        self._chose()
        self.open(self._board.canvas)

    def _list(self, found: tuple[Choice, ...]) -> Board:
        px = self.theme.px
        board = Board(self._whom, self.theme, self._draw)
        board.empty = self.texts("ask.nobody"), ""
        board.canvas.configure(width=px(WIDTH), height=px(ROW) * min(ROWS_IN_VIEW, max(3, len(found))))
        board.pack(fill="x")
        board.on_select = self._chose
        board.canvas.bind("<Key>", self._jump)
        board.show([choice.key for choice in found], px(ROW))
        board.selected = best(found, self.window.model.pages)
        return board

    def _urgent_row(self) -> None:
        row = ttk.Frame(self.body)
        row.pack(fill="x", pady=(0, self.theme.px(4)))
        ttk.Checkbutton(row, text=self.texts("ask.urgent"), variable=self._urgent).pack(side="left")
        ttk.Label(row, text=self.texts("ask.urgent-hint"), style="Muted.TLabel").pack(
            side="left", padx=self.theme.px(8)
        )

    def _draw(self, pen: Pen, key: str, box: Box, selected: bool) -> None:  # noqa: FBT001 - the board's form
        theme, choice, middle = self.theme, self._choices[key], box.y + box.height // 2
        c = theme.colours
        pen.mark(
            box.x + theme.px(16),
            middle,
            "full" if choice.reachable else "hollow",
            c.good if choice.reachable else c.muted,
        )
        right = box.right - theme.px(12)
        width = pen.text(right, middle, choice.text, theme.px(200), font=theme.small, colour=c.muted, right=True)
        font = theme.strong if selected else theme.text
        pen.text(box.x + theme.px(32), middle, choice.name, right - width - theme.px(44), font=font)

    def _jump(self, event: tk.Event[tk.Misc]) -> None:
        """Select the next name that begins with the letter typed."""
        letter = event.char.casefold()
        if not letter.strip():
            return
        keys = list(self._choices)
        start = keys.index(self._board.selected) + 1 if self._board.selected in keys else 0
        for key in [*keys[start:], *keys[:start]]:
            if self._choices[key].name.casefold().startswith(letter):
                self._board.select(key)
                return

    def _chose(self) -> None:
        """Warn before paging somebody who cannot hear it."""
        self._whom.fault("")
        choice = self._choices.get(self._board.selected or "")
        if choice is not None and not choice.reachable:
            self._warning.configure(text=self.texts("ask.nobody-warning"))
            self._warning.pack(fill="x", pady=(0, self.theme.px(8)), after=self._whom)
        else:
            self._warning.pack_forget()

    def accept(self) -> None:
        """Send the page, if it is complete."""
        choice = self._choices.get(self._board.selected or "")
        checked = check({"note": self._note.text}, self.texts, self.window.model.labels.get("fields"))
        faults = checked.faults if choice else {"to": self.texts("ask.choose"), **checked.faults}
        self.faults(faults)
        if choice is None or faults:
            return
        given: dict[str, Any] = {
            "to": choice.to,
            "order": self._order["id"] if self._order else None,
            "note": checked.values["note"],
            "urgent": self._urgent.get(),
            "wait": False,
        }
        self.send("page", given)

    def accepted(self, result: dict[str, Any]) -> None:  # noqa: ARG002 - what all forms get
        """Show how far the page comes: in the order's own row, or among the pages."""
        if self._order is None:
            self.window.show("pages")
