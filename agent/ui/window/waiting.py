"""Pages that wait for an answer from here, each with its three buttons."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING

from agent.ui.window.clock import clock
from agent.ui.window.press import button, on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.ui.window.app import Window
    from agent.ui.window.model.shapes import Page

AT_ONCE = 3
"""Pages shown with buttons; the next one moves up when one is answered."""
ANSWERS = ("accepted", "declined", "later")
HINTS = {"unknown_order": "notice.unknown-order", "unverified": "notice.unverified"}


class Waiting(ttk.Frame):
    """One card for each page that waits; the keys 1, 2 and 3 answer the first or the one with the focus."""

    def __init__(self, parent: ttk.Frame, window: Window, answer: Callable[[str, str], None]) -> None:
        super().__init__(parent)
        self._window, self._answer = window, answer
        self._shown: list[str] = []
        self._cards: dict[str, Card] = {}
        self._title = ttk.Label(self, style="Strong.TLabel")
        self._title.pack(anchor="w", pady=(0, window.theme.px(6)))
        self._more = ttk.Label(self, style="Muted.TLabel")

    def refresh(self, pages: Sequence[Page], before: tk.Misc) -> bool:
        """Show these pages above `before`, or nothing; True when the card with the focus went away."""
        texts, px = self._window.texts, self._window.theme.px
        focused = self._focused()
        self._show_cards(pages[:AT_ONCE])
        self._title.configure(text=texts.number("pages.waiting", len(pages)))
        self._more.pack_forget()
        if rest := len(pages) - len(self._shown):
            self._more.configure(text=texts.number("pages.more", rest))
            self._more.pack(anchor="w", side="bottom")
        if pages:
            self.pack(fill="x", before=before, pady=(0, px(10)))
        else:
            self.pack_forget()
        return focused is not None and focused not in self._shown

    def _show_cards(self, pages: Sequence[Page]) -> None:
        ids = [page["id"] for page in pages]
        for gone in [key for key in self._cards if key not in ids]:
            self._cards.pop(gone).destroy()
        for page in pages:
            if page["id"] in self._cards:
                self._cards[page["id"]].show(page)
            else:
                self._cards[page["id"]] = Card(self, self._window, page, self._answer)
        if ids != self._shown:
            for key in ids:
                self._cards[key].pack_forget()
                self._cards[key].pack(fill="x", pady=(0, self._window.theme.px(6)))
            self._shown = ids

    def _focused(self) -> str | None:
        focus = str(self.focus_get() or "")
        return next((key for key in self._shown if focus.startswith(f"{self._cards[key]}.")), None)

    def first(self) -> str | None:
        """The page whose card has the focus, else the first."""
        return self._focused() or next(iter(self._shown), None)

    def focus_first(self) -> bool:
        """Give the keyboard to the first card; False when nothing waits."""
        if self._shown:
            self._cards[self._shown[0]].buttons[0].focus_set()
        return bool(self._shown)


class Card(ttk.Frame):
    """One page: who is paging for what, the note, and On my way, Can't, Later."""

    def __init__(self, parent: Waiting, window: Window, page: Page, answer: Callable[[str, str], None]) -> None:
        px, texts = window.theme.px, window.texts
        super().__init__(parent, style="Line.TFrame", padding=1)
        urgent = page.get("urgent", False)
        ttk.Frame(self, style="Urgent.TFrame" if urgent else "Bar.TFrame", width=px(5)).pack(side="left", fill="y")
        self._inside = ttk.Frame(self, padding=px(10))
        self._inside.pack(side="left", fill="both", expand=True)
        words = ttk.Frame(self._inside)
        words.pack(side="left", fill="x", expand=True)
        ttk.Label(words, text=page.get("title", ""), style="Strong.TLabel").pack(anchor="w")
        self._about = ttk.Label(words, wraplength=px(360), justify="left")
        self._about.pack(anchor="w")
        self._texts = texts
        self.show(page)
        self.buttons = [self._button(window, page["id"], name, answer) for name in ANSWERS]
        for made in reversed(self.buttons):
            made.pack(side="right", padx=(px(8), 0))

    def show(self, page: Page) -> None:
        """Say when it came, what is special about it, and the note."""
        said = {"urgent": "pages.urgent", "snoozed": "answer.later", **HINTS}
        about = [self._texts(key) for flag, key in said.items() if page.get(flag)]
        self._about.configure(
            text="  ·  ".join(filter(None, [clock(page.get("asked_ms", 0)), *about, page.get("note", "")]))
        )

    def _button(self, window: Window, page_id: str, name: str, answer: Callable[[str, str], None]) -> ttk.Button:
        style = "Primary.TButton" if name == "accepted" else "TButton"
        made = button(self._inside, window.texts(f"answer.{name}"), lambda: answer(page_id, name), style)
        made.configure(underline=0)
        for number, other in enumerate(ANSWERS, start=1):
            on(made, f"Key-{number}", answer, page_id, other)
        return made
