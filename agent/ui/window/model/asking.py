"""Which questions of tasks are shown, and how they read."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.ui.texts import Texts
    from agent.ui.window.model.shapes import Question

AT_ONCE = 3
"""What waits has so many places: pages have theirs first, but one is always for a question."""
LETTERS = 900
"""What all questions shown hold together; so the answers of the last one are still on the screen."""
LINES = 6
"""Line breaks a question keeps; the others become spaces."""


def at_once(questions: Sequence[Question], pages: int) -> Sequence[Question]:
    """The questions shown, the oldest first, where so many pages wait; the next one moves up when one is answered."""
    room = sum(total <= LETTERS for total in accumulate(map(_letters, questions)))
    return questions[: max(1, min(room, AT_ONCE - pages))]


def _letters(asked: Question) -> int:
    return len(asked.get("question", "")) + sum(map(len, asked.get("choices", ())))


def words(asked: Question, texts: Texts) -> str:
    """Who asks what, in few lines."""
    *lines, rest = asked.get("question", "").split("\n", LINES - 1)
    question = "\n".join([*lines, " ".join(rest.split())])
    return texts("notice.task-asked", station=asked.get("from", ""), question=question)
