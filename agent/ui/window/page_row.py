"""Draws one page of the history: what it was about, its ladder, and its targets when it is unfolded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agent.ui.window.clock import clock
from agent.ui.window.model.ladder import Step, is_late, outcome_text, steps, target_lines

if TYPE_CHECKING:
    from collections.abc import Collection

    from agent.ui.window.app import Window
    from agent.ui.window.model.shapes import Page
    from agent.ui.window.pen import Box, Pen

HEAD = 34
NOTE = 20
LADDER = 46
TARGET = 24
END = 8
COLUMNS = (0.8, 1.42, 1.08, 0.85, 0.75, 2.2)
"""How the rungs share the width; the link and the outcome need the most."""


class PageDrawing:
    """Draws pages; those whose id is in `unfolded` with one line for each target."""

    def __init__(self, window: Window, unfolded: Collection[str]) -> None:
        self._window = window
        self._unfolded = unfolded

    def height(self, page: Page) -> int:
        """How high the row of this page is."""
        lines = max(1, len(page.get("targets", ()))) * TARGET if page["id"] in self._unfolded else 0
        note = NOTE if page.get("note") else 0
        return self._window.theme.px(HEAD + note + (LADDER if page.get("out") else NOTE) + lines + END)

    def draw(self, pen: Pen, key: str, box: Box, selected: bool) -> None:  # noqa: ARG002, FBT001 - the board's form
        """Draw the page."""
        page = self._window.model.page(key)
        if page is None:
            return
        px = self._window.theme.px
        self._head(pen, page, box)
        y = box.y + px(HEAD)
        if note := page.get("note"):
            c = self._window.theme.colours
            text = self._window.texts("menu.note", note=note)
            pen.text(box.x + px(36), y + px(6), text, box.width - px(60), colour=c.muted)
            y += px(NOTE)
        if page.get("out"):
            self._ladder(pen, steps(page, self._window.texts), box, y)
            y += px(LADDER)
        else:
            self._answer(pen, page, box, y)
            y += px(NOTE)
        if key in self._unfolded:
            self._targets(pen, page, box, y)

    def _head(self, pen: Pen, page: Page, box: Box) -> None:
        """Arrow, title, to whom or from whom; on the right when, and in red that it is late."""
        theme, texts = self._window.theme, self._window.texts
        px, c, middle = theme.px, theme.colours, box.y + theme.px(18)
        right = box.right - px(14)
        right -= pen.text(right, middle, clock(page.get("asked_ms", 0)), px(140), colour=c.muted, right=True) + px(12)
        if is_late(page):
            text = texts("page.late")
            right -= pen.width(text, theme.strong) + px(4)
            pen.text(right, middle, text, px(300), font=theme.strong, colour=c.bad)
            right -= px(12)
            pen.mark(right, middle, "bad")
            right -= px(14)
        pen.text(box.x + px(14), middle, "↗" if page.get("out") else "↙", px(20), colour=c.accent)
        left = box.x + px(36)
        if page.get("urgent"):
            left += pen.chip(left, middle, texts("pages.urgent"), colour=c.bad, fill=pen.back, edge=c.bad) + px(8)
        left += pen.text(left, middle, page.get("title", ""), right - left, font=theme.strong) + px(10)
        if page.get("out") and page.get("to") != page.get("title"):
            pen.text(left, middle, texts("pages.to", to=page.get("to", "")), right - left, colour=c.muted)

    def _ladder(self, pen: Pen, rungs: tuple[Step, ...], box: Box, y: int) -> None:
        """Marks in columns joined by a line, their words below; so two ladders can be compared at a glance."""
        theme = self._window.theme
        px, c = theme.px, theme.colours
        left, width = box.x + px(36), box.width - px(50)
        rooms = [round(width * part / sum(COLUMNS)) for part in COLUMNS]
        places = [left + px(8) + sum(rooms[:i]) for i in range(len(rungs))]
        line = y + px(12)
        for i, step in enumerate(rungs[1:], start=1):
            colour = c.accent if step.reached and step.mark != "bad" else c.edge
            pen.line(places[i - 1] + px(10), line, places[i] - px(9), colour, theme.scale * 1.5)
        for place, room, step in zip(places, rooms, rungs, strict=True):
            pen.mark(place, line, step.mark)
            colour = {"bad": c.bad, "done": c.good}.get(step.mark, c.text if step.reached else c.muted)
            pen.text(place - px(7), line + px(19), step.text, room - px(8), font=theme.small, colour=colour)

    def _answer(self, pen: Pen, page: Page, box: Box, y: int) -> None:
        """A page that came in has no ladder here, only an outcome."""
        theme, c = self._window.theme, self._window.theme.colours
        pen.text(
            box.x + theme.px(36),
            y + theme.px(6),
            outcome_text(page, self._window.texts),
            box.width - theme.px(60),
            colour=c.muted,
        )

    def _targets(self, pen: Pen, page: Page, box: Box, y: int) -> None:
        theme, texts = self._window.theme, self._window.texts
        px, c = theme.px, theme.colours
        lines = target_lines(page, texts)
        if not lines:
            pen.text(box.x + px(36), y + px(12), texts("pages.no-targets"), box.width - px(60), colour=c.muted)
        for i, line in enumerate(lines):
            middle = y + px(12) + i * px(TARGET)
            pen.mark(box.x + px(44), middle, line.mark)
            pen.text(box.x + px(62), middle, line.name, px(190))
            text = f"{line.text} - {line.why}" if line.why else line.text
            pen.text(
                box.x + px(262), middle, text, box.width - px(262 + 90), colour=c.bad if line.mark == "bad" else c.muted
            )
            if line.at_ms:
                pen.text(
                    box.right - px(14), middle, clock(line.at_ms), px(130), font=theme.small, colour=c.muted, right=True
                )
