"""Tasks that ask the person here, each with a button for each choice, or a line to answer in words."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING

from agent.ui.window.field import Line
from agent.ui.window.press import button, on

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.ui.window.app import Window
    from agent.ui.window.model.shapes import Question

AT_ONCE = 3
"""Questions shown; the next one moves up when one is answered."""
WIDTH = 560


class Asked(ttk.Frame):
    """One card for each question; it is gone when there are none."""

    def __init__(self, parent: ttk.Frame, window: Window, answer: Callable[[str, str, str], None]) -> None:
        super().__init__(parent)
        self._window, self._answer = window, answer
        self._cards: dict[str, Card] = {}

    def refresh(self, questions: Sequence[Question], before: tk.Misc) -> None:
        """Show these questions above `before`, or nothing."""
        shown = questions[:AT_ONCE]
        ids = [asked["task"] for asked in shown]
        for gone in [key for key in self._cards if key not in ids]:
            self._cards.pop(gone).destroy()
        for asked in shown:
            if asked["task"] not in self._cards:
                card = self._cards[asked["task"]] = Card(self, self._window, asked, self._answer)
                card.pack(fill="x", pady=(0, self._window.theme.px(6)))
        if shown:
            self.pack(fill="x", before=before, pady=(0, self._window.theme.px(10)))
        else:
            self.pack_forget()

    def focus_first(self) -> bool:
        """Give the keyboard to the first card; False when nothing is asked."""
        for card in self._cards.values():
            card.first.focus_set()
            return True
        return False


class Card(ttk.Frame):
    """Who asks what, and what may be answered."""

    def __init__(self, parent: Asked, window: Window, asked: Question, answer: Callable[[str, str, str], None]) -> None:
        px, texts, task = window.theme.px, window.texts, asked["task"]
        super().__init__(parent, style="Line.TFrame", padding=1)
        ttk.Frame(self, style="Bar.TFrame", width=px(5)).pack(side="left", fill="y")
        inside = ttk.Frame(self, padding=px(10))
        inside.pack(side="left", fill="both", expand=True)
        words = texts("notice.task-asked", station=asked.get("from", ""), question=asked.get("question", ""))
        ttk.Label(inside, text=words, style="Strong.TLabel", wraplength=px(WIDTH), justify="left").pack(anchor="w")
        buttons = ttk.Frame(inside)
        buttons.pack(anchor="w", fill="x", pady=(px(8), 0))
        self.first: tk.Misc
        choices = [
            button(buttons, choice, lambda choice=choice: answer(task, choice, ""))  # type: ignore[misc]
            for choice in asked.get("choices") or ()
        ]
        for made in choices:
            made.pack(side="left", padx=(0, px(8)))
        if choices:
            self.first = choices[0]
        else:
            line = Line(buttons)
            line.pack(side="left", fill="x", expand=True, padx=(0, px(8)))
            send = button(buttons, texts("question.send"), lambda: answer(task, "", line.text), "Primary.TButton")
            send.pack(side="left")
            on(line.inside, "Return", send.invoke)
            self.first = line.inside
