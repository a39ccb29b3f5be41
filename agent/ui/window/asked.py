"""Tasks that ask the person here, each with a button for each choice, or a line to answer in words."""

from __future__ import annotations

from tkinter import ttk
from typing import TYPE_CHECKING

from agent.ui.window.field import Line
from agent.ui.window.flow import Flow
from agent.ui.window.model.asking import at_once, words
from agent.ui.window.model.fields import check
from agent.ui.window.press import button, on

if TYPE_CHECKING:
    import tkinter as tk
    from collections.abc import Callable, Sequence

    from agent.ui.window.app import Window
    from agent.ui.window.model.shapes import Question

    Answer = Callable[[str, str, str], None]
    """Called with the task, the choice or "", and the words or ""."""


class Asked(ttk.Frame):
    """One card for each question there is room for; it is gone when there are none."""

    def __init__(self, parent: ttk.Frame, window: Window, answer: Answer) -> None:
        super().__init__(parent)
        self._window, self._answer = window, answer
        self._cards: dict[str, Card] = {}
        self._title = ttk.Label(self, style="Strong.TLabel")
        self._title.pack(anchor="w", pady=(0, window.theme.px(6)))
        self._more = ttk.Label(self, style="Muted.TLabel")

    def refresh(self, questions: Sequence[Question], pages: int, before: tk.Misc) -> bool:
        """Show these questions above `before`, or nothing, where so many pages wait too; True when the card with the
        focus went away.
        """
        texts, px = self._window.texts, self._window.theme.px
        focused = self._focused()
        shown = at_once(questions, pages)
        self._show_cards(shown)
        self._title.configure(text=texts.number("tip.asked", len(questions)))
        self._more.pack_forget()
        if rest := len(questions) - len(shown):
            self._more.configure(text=texts.number("questions.more", rest))
            self._more.pack(anchor="w", side="bottom")
        if shown:
            self.pack(fill="x", before=before, pady=(0, px(10)))
        else:
            self.pack_forget()
        return focused is not None and focused not in self._cards

    def _show_cards(self, shown: Sequence[Question]) -> None:
        ids = [asked["task"] for asked in shown]
        for gone in [key for key in self._cards if key not in ids]:
            self._cards.pop(gone).destroy()
        for asked in shown:
            if asked["task"] not in self._cards:
                card = self._cards[asked["task"]] = Card(self, self._window, asked, self._answer)
                card.pack(fill="x", pady=(0, self._window.theme.px(6)))

    def _focused(self) -> str | None:
        focus = str(self.focus_get() or "")
        return next((key for key, card in self._cards.items() if focus.startswith(f"{card}.")), None)

    def focus_first(self) -> bool:
        """Give the keyboard to the first card; False when nothing is asked."""
        for card in self._cards.values():
            card.first.focus_set()
            return True
        return False

    def again(self, task: str) -> None:
        """The agent did not take the answer to this question: another may be given."""
        if task in self._cards:
            self._cards[task].sent = False


class Card(ttk.Frame):
    """Who asks what, and what may be answered; only one answer is sent, however often somebody presses."""

    first: ttk.Button | ttk.Entry
    """What gets the keyboard."""

    def __init__(self, parent: Asked, window: Window, asked: Question, answer: Answer) -> None:
        px = window.theme.px
        super().__init__(parent, style="Line.TFrame", padding=1)
        self.sent = False
        self._window, self._task, self._answer = window, asked["task"], answer
        ttk.Frame(self, style="Bar.TFrame", width=px(5)).pack(side="left", fill="y")
        inside = ttk.Frame(self, padding=px(10))
        inside.pack(side="left", fill="both", expand=True)
        said = ttk.Label(inside, text=words(asked, window.texts), style="Strong.TLabel", justify="left")
        said.pack(fill="x", pady=(0, px(8)))
        said.bind("<Configure>", lambda event: said.configure(wraplength=event.width))
        if choices := asked.get("choices"):
            self._buttons(inside, choices)
        else:
            self._line(inside)

    def _buttons(self, inside: ttk.Frame, choices: Sequence[str]) -> None:
        """A button for each choice; in the whole card the keys 1, 2, 3 press them."""
        row = Flow(inside, self._window.theme.px(8))
        row.pack(fill="x")
        made = [button(row, choice, lambda choice=choice: self._send(choice)) for choice in choices]  # type: ignore[misc]
        for one in made:
            for number, other in enumerate(made, start=1):
                on(one, f"Key-{number}", other.invoke)
        row.show(made)
        self.first = made[0]

    def _line(self, inside: ttk.Frame) -> None:
        px = self._window.theme.px
        self._typed = Line(inside)
        self._typed.pack(side="left", fill="x", expand=True, padx=(0, px(8)))
        send = button(inside, self._window.texts("notice.answer"), self._send_words, "Primary.TButton")
        send.pack(side="left", anchor="n")
        for key in ("Return", "KP_Enter"):
            on(self._typed.inside, key, send.invoke)
        self.first = self._typed.inside

    def _send_words(self) -> None:
        """Check what was typed here, then let the agent check it."""
        checked = check({"answer": self._typed.text}, self._window.texts)
        self._typed.fault(checked.faults.get("answer", ""))
        if not checked.faults:
            self._send("", checked.values["answer"])

    def _send(self, choice: str, text: str = "") -> None:
        if not self.sent:
            self.sent = True
            self._answer(self._task, choice, text)
