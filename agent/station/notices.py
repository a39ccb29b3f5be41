"""The words of notices: what a page and what any other news looks like."""

from collections.abc import Mapping

from agent.domain.page import InPage
from agent.ui.menu import page_title
from agent.ui.notify.base import Notice, Urgency
from agent.ui.texts import Texts


def page_notice(page: InPage, sender: str, texts: Texts) -> Notice:
    """The notice of a page, `sender` by name; critical, so that it stays until somebody answers."""
    lines = [texts("notice.urgent")] if page.urgent else []
    lines += [page.note] if page.note else []
    lines += [texts("notice.unknown-order")] if page.unknown_order else []
    lines += [texts("notice.unverified")] if page.unverified else []
    buttons = tuple((answer, texts(f"answer.{answer}")) for answer in ("accepted", "declined"))
    return Notice(page.id, page_title(page, sender, texts), "\n".join(lines), buttons, Urgency.CRITICAL)


def told(key: str, values: Mapping[str, str], texts: Texts) -> tuple[str, str]:
    """Title and body of a notice that is no page; an error brings its own words."""
    if key == "error":
        return values["title"], values["message"]
    return texts(key, **values), values.get("text", "")
