"""The tab that says how this station is: links, whether it will ring, and who else is there."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING

from agent.ui.window.board import Board
from agent.ui.window.clock import clock
from agent.ui.window.model import facts
from agent.ui.window.model.people import roster
from agent.ui.window.scrolled import Scrolled
from agent.ui.window.tab import Tab

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.ui.window.app import Window
    from agent.ui.window.model.ladder import Tone
    from agent.ui.window.model.shapes import Member
    from agent.ui.window.pen import Box, Pen
    from agent.ui.window.theme import Theme

MEMBER = 64
LEFT = 350
VALUE, MORE = 210, 300
"""Where the values of facts, and what is said about them below, begin a new line."""


class Station(Tab):
    """Links and parts on the left, this station and all members on the right, what needs attention on top."""

    def __init__(self, parent: tk.Misc, window: Window) -> None:
        super().__init__(parent, window, window.texts("window.status"))
        px = self.theme.px
        self._notices = ttk.Label(self, style="Note.TLabel", padding=px(10), justify="left", wraplength=px(720))
        self._body = ttk.Frame(self)
        self._body.pack(fill="both", expand=True)
        left = Scrolled(self._body, self.theme, px(LEFT))
        left.pack(side="left", fill="y", padx=(0, px(6)))
        self._facts = {key: self._card(left.inside, f"status.{key}") for key in ("links", "health")}
        right = ttk.Frame(self._body)
        right.pack(side="left", fill="both", expand=True, pady=(1, 0))  # as high as what stands in the ring beside it
        self._facts["station"] = self._card(right, "status.station")
        ttk.Label(right, text=self.texts("status.members"), style="Strong.TLabel").pack(anchor="w", pady=(0, px(6)))
        self._members: dict[str, Member] = {}
        self._board = Board(right, self.theme, self._draw)
        self._board.empty = self.texts("status.no-members"), ""
        self._board.pack(fill="both", expand=True)

    def _card(self, parent: ttk.Frame, heading: str) -> Facts:
        px = self.theme.px
        ttk.Label(parent, text=self.texts(heading), style="Strong.TLabel").pack(anchor="w", pady=(0, px(6)))
        card = Facts(parent, self.theme)
        card.pack(fill="x", pady=(0, px(12)))
        return card

    def refresh(self) -> None:
        """Show the model as it is now."""
        super().refresh()
        model, texts = self.window.model, self.texts
        if notices := facts.notices(model.status):
            forked = model.status.get("ledger", {}).get("state") == "fork"
            self._notices.configure(text="\n".join(notices), style="Alarm.TLabel" if forked else "Note.TLabel")
            self._notices.pack(fill="x", pady=(0, self.theme.px(12)), before=self._body)
        else:
            self._notices.pack_forget()
        self._facts["links"].show(facts.link_facts(model.status, texts, clock))
        self._facts["health"].show(facts.part_facts(model.status, texts, clock))
        self._facts["station"].show(facts.station_facts(model.status, texts))
        self._members = {member.get("station", ""): member for member in roster(model.members)}
        self._board.show(list(self._members), self.theme.px(MEMBER))

    def focus_first(self) -> None:
        """The keyboard goes to the members."""
        self._board.canvas.focus_set()

    def _draw(self, pen: Pen, key: str, box: Box, selected: bool) -> None:  # noqa: ARG002, FBT001 - the board's form
        theme, fact, middle = (
            self.theme,
            facts.member_fact(self._members[key], self.texts, clock),
            box.y + box.height // 2,
        )
        px, c = theme.px, theme.colours
        pen.mark(box.x + px(18), middle, fact.mark, tone(theme, fact.tone))
        right = box.right - px(14)
        left, second = box.x + px(36), middle - px(1)
        width = pen.text(right, second, fact.value, px(190), font=theme.small, colour=c.muted, right=True)
        pen.text(left, middle - px(19), fact.name, right - left, font=theme.strong)
        pen.text(left, second, fact.more, right - width - px(14) - left, font=theme.small, colour=c.muted)
        pen.text(left, middle + px(17), fact.last, right - left, font=theme.small, colour=c.muted)


class Facts(ttk.Frame):
    """A card of lines; labels are made once and changed afterwards."""

    def __init__(self, parent: ttk.Frame, theme: Theme) -> None:
        super().__init__(parent, style="Line.TFrame", padding=1)
        self._theme = theme
        self._card = ttk.Frame(self, style="Card.TFrame", padding=(theme.px(10), theme.px(6)))
        self._card.pack(fill="both", expand=True)
        self._card.columnconfigure(1, weight=1)
        self._lines: list[tuple[ttk.Label, ttk.Label, ttk.Label, ttk.Label]] = []

    def show(self, lines: Sequence[facts.Fact]) -> None:
        """Show exactly these lines."""
        while len(self._lines) < len(lines):
            self._lines.append(self._line(len(self._lines)))
        while len(self._lines) > len(lines):
            for label in self._lines.pop():
                label.destroy()
        theme = self._theme
        for (mark, name, value, more), fact in zip(self._lines, lines, strict=True):
            picture = theme.mark(fact.mark, theme.colours.surface, tone(theme, fact.tone))
            mark.configure(image="" if fact.mark == "none" and not fact.more else picture)
            name.configure(text=fact.name)
            value.configure(text=fact.value)
            more.configure(text=fact.more)
            if fact.more:
                more.grid()
            else:
                more.grid_remove()

    def _line(self, number: int) -> tuple[ttk.Label, ttk.Label, ttk.Label, ttk.Label]:
        px, row = self._theme.px, 2 * number
        mark = ttk.Label(self._card, style="Card.TLabel")
        name = ttk.Label(self._card, style="Card.TLabel")
        value = ttk.Label(self._card, style="Muted.Card.TLabel", anchor="e", justify="right", wraplength=px(VALUE))
        more = ttk.Label(self._card, style="Muted.Card.TLabel", wraplength=px(MORE))
        mark.grid(row=row, column=0, sticky="w", padx=(0, px(8)))
        name.grid(row=row, column=1, sticky="w", pady=(px(3), px(2)))
        value.grid(row=row, column=2, sticky="e")
        more.grid(row=row + 1, column=1, columnspan=2, sticky="w", pady=(0, px(4)))
        return mark, name, value, more


def tone(theme: Theme, name: Tone) -> str:
    """The colour of a tone."""
    c = theme.colours
    return {"good": c.good, "warn": c.warn, "bad": c.bad, "quiet": c.muted}[name]
