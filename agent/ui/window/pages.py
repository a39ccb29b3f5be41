"""The tab with pages: what waits for an answer on top, questions of tasks too, below it all others with ladders."""

from __future__ import annotations

import tkinter as tk
from tkinter import ttk
from typing import TYPE_CHECKING

from agent.ui.window.asked import Asked
from agent.ui.window.board import Board
from agent.ui.window.model import ladder
from agent.ui.window.page_row import PageDrawing
from agent.ui.window.press import button, on
from agent.ui.window.tab import Tab
from agent.ui.window.waiting import Waiting

if TYPE_CHECKING:
    from agent.ui.window.app import Window
    from agent.ui.window.model.shapes import Page, Reply

ANSWERS = ("accepted", "declined", "later")


class Pages(Tab):
    """What was sent from here and how far it came; what came in and what was answered."""

    def __init__(self, parent: tk.Misc, window: Window) -> None:
        super().__init__(parent, window, window.texts("window.pages"))
        px = self.theme.px
        self._open: set[str] = set()
        self._drawing = PageDrawing(window, self._open)
        self._toolbar()
        self._waiting = Waiting(self, window, self.answer)
        self._asked = Asked(self, window, self.reply)
        self._reason = ttk.Label(self, style="Bad.TLabel")
        self._board = Board(self, self.theme, self._drawing.draw)
        self._board.empty = self.texts("pages.none"), self.texts("pages.none-more")
        self._board.on_open = self._toggle
        self._board.on_select = self._set_buttons
        for key, is_open in (("Left", False), ("Right", True)):
            on(self._board.canvas, key, self._toggle, is_open)
        keys = ttk.Label(self, text=self.texts("pages.keys"), style="Muted.TLabel")
        keys.pack(side="bottom", anchor="w", pady=(px(8), 0))
        self._board.pack(fill="both", expand=True)
        for number, answer in enumerate(ANSWERS, start=1):
            for widget in (self._board.canvas, self._waiting):
                on(widget, f"Key-{number}", self._answer_first, answer)

    def _toolbar(self) -> None:
        texts, px = self.texts, self.theme.px
        self._new = button(self.head, texts("pages.new"), lambda: self.do("page"), "Primary.TButton")
        self._details = button(self.head, texts("pages.details"), self._toggle)
        self._withdraw = button(self.head, texts("pages.withdraw"), self._take_back)
        self._new.pack(side="right")
        self._details.pack(side="right", padx=px(8))
        self._withdraw.pack(side="right")

    # ---- showing ----
    def refresh(self) -> None:
        """Show the model as it is now."""
        super().refresh()
        pages = self.window.model.pages
        waiting = ladder.waiting(pages)
        gone = self._waiting.refresh(waiting, before=self._board)
        if self._asked.refresh(self.window.model.questions, len(waiting), before=self._board) or gone:
            self.focus_first()
        shown = ladder.history(page for page in pages if page not in waiting)
        self._board.show([page["id"] for page in shown], [self._drawing.height(page) for page in shown])
        self._set_buttons()

    def _set_buttons(self) -> None:
        page = self._selected()
        there = self.window.model.agent
        mine = there and page is not None and bool(page.get("out")) and not page.get("settled")
        self._withdraw.state(["!disabled" if mine else "disabled"])
        self._details.state(["!disabled" if page is not None else "disabled"])
        self._new.state(["disabled" if self.window.model.why_not("page", self.texts) else "!disabled"])

    def focus_first(self) -> None:
        """The keyboard goes to what waits, or to the history."""
        if not self._waiting.focus_first() and not self._asked.focus_first():
            self._board.canvas.focus_set()
            if self._board.selected is None and self._board.listed:
                self._board.select(self._board.listed[0])

    def _selected(self) -> Page | None:
        return self.window.model.page(self._board.selected)

    # ---- doing ----
    def _toggle(self, is_open: bool | None = None) -> None:  # noqa: FBT001 - None means the other way
        key = self._board.selected
        if key is None:
            return
        if is_open is None:
            is_open = key not in self._open
        if is_open:
            self._open.add(key)
        else:
            self._open.discard(key)
        self.refresh()
        self._board.select(key)

    def _take_back(self) -> None:
        if page := self._selected():
            self.window.ask("withdraw", {"page": page["id"]}, self._replied)

    def answer(self, page_id: str, answer: str) -> None:
        """Send an answer to a page that waits."""
        self.window.ask("answer", {"page": page_id, "answer": answer, "text": ""}, self._replied)

    def reply(self, task: str, choice: str, text: str) -> None:
        """Send the answer to a task that asks."""

        def replied(reply: Reply) -> None:
            if not reply["ok"]:
                self._asked.again(task)
            self._replied(reply)

        self.window.ask("task.answer", {"task": task, "choice": choice, "text": text}, replied)

    def letter(self, letter: str) -> None:
        """Alt and the first letter of an answer gives it."""
        for answer in ANSWERS:
            if self.texts(f"answer.{answer}")[0].lower() == letter:
                self._answer_first(answer)

    def _answer_first(self, answer: str) -> None:
        if first := self._waiting.first():
            self.answer(first, answer)

    def _replied(self, reply: Reply) -> None:
        """Say why the agent did not do it."""
        self._reason.pack_forget()
        if not reply["ok"]:
            self._reason.configure(text=self.window.why(reply["error"]))
            self._reason.pack(anchor="w", pady=(0, self.theme.px(8)), before=self._board)
