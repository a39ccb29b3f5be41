"""The words of notices: what a page and what any other news looks like."""

from collections.abc import Mapping

from agent.domain.audience import EVERYBODY
from agent.domain.page import InPage
from agent.domain.task import PutQuestion
from agent.station.proof.standing import KEY
from agent.station.tasks.room import buttons_of
from agent.ui.menu import page_title, short
from agent.ui.notify.base import Notice, Urgency
from agent.ui.texts import Texts

SURE_TITLE = 36
"""Characters of a title that every desktop shows; of a longer one the end, which is the order, may be cut off."""
SURE_BUTTONS, SURE_LETTERS = 3, 48
"""Buttons, and the letters on them together, that every desktop shows; of more some drop the last without a word."""
TO_LOOK_AT = frozenset({"late", "failed", "declined", "unanswered", "storm"})
"""News of pages after which people want to see the pages; a click shows them."""


def page_notice(page: InPage, sender: str, texts: Texts) -> Notice:
    """The notice of a page, `sender` by name; critical, so that it stays until somebody answers."""
    title = page_title(page, sender, texts)
    lines = [texts("notice.urgent")] if page.urgent else []
    lines += [page.order_title] if page.order_title and len(title) > SURE_TITLE else []
    lines += [page.note] if page.note else []
    lines += [texts("notice.unknown-order")] if page.unknown_order else []
    lines += [texts("notice.unverified")] if page.unverified else []
    buttons = tuple((answer, texts(f"answer.{answer}")) for answer in ("accepted", "declined"))
    return Notice(page.id, title, "\n".join(lines), buttons, Urgency.CRITICAL, texts("notice.open"))


def question_notice(asked: PutQuestion, owner: str, texts: Texts) -> Notice:
    """The notice of a task that asks the person here, `owner` by name; it stays until somebody answers.

    It has all choices or none: who sees some of them would take them for all.
    """
    title, body = texts("notice.task-asked", station=owner, question=asked.question), ""
    if len(title) > SURE_TITLE:
        title, body = texts("notice.task-asked-long", station=owner), asked.question
    fit = len(asked.choices) <= SURE_BUTTONS and sum(map(len, asked.choices)) <= SURE_LETTERS
    buttons = tuple(buttons_of(asked.choices).items()) if fit else ()
    opens = texts("notice.open" if buttons else "notice.answer")
    return Notice(asked.job, title, body, buttons, Urgency.CRITICAL, opens)


def told(key: str, text: str, values: Mapping[str, str], texts: Texts) -> Notice:
    """The notice of any other news, `text` is its key in the texts; an error brings its own words."""
    if text == "error":
        return Notice(key, values["title"], values["message"], opens="")
    if key == KEY:  # most desktops cut a title off, and here every word counts
        return Notice(key, texts("notice.connection"), texts(text, **values), opens="")
    if text == "notice.missed":
        return Notice(key, texts.number(text, int(values["n"])), "", opens=texts("notice.open"))
    opens = texts("notice.open") if text.removeprefix("notice.page-") in TO_LOOK_AT else ""
    return Notice(key, texts(text, **_filled(text, values, texts)), values.get("text", ""), opens=opens)


def _filled(text: str, values: Mapping[str, str], texts: Texts) -> dict[str, str]:
    """The values as people read them: a page need not be about anything, and may be for everybody."""
    filled = dict(values)
    if "object" in filled:
        nameless = "notice.this-page" if text == "notice.page-taken-by" else "notice.your-page"
        filled["object"] = short(filled["object"]) or texts(nameless)
    if filled.get("to") == EVERYBODY.kind:
        filled["to"] = texts("menu.everybody")
    return filled
