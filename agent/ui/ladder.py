"""How far a page got, in words: the same for menu, window and command line."""

from agent.domain.page import OutPage, State
from agent.ui.texts import Texts


def seconds(page: OutPage) -> int | None:
    """How many seconds it took until somebody took the page, by the sender's clock; None while nobody has."""
    return max(0, round((page.taken.at - page.at) / 1000)) if page.taken else None


def summary(page: OutPage, texts: Texts) -> str:
    """One line for the whole page: the best of its targets, or red words when it is on no device yet."""
    if page.taken is not None:
        return texts("page.accepted", person=page.taken.person, seconds=seconds(page))
    if page.late:
        return texts("page.late")
    state = page.state
    if state is State.SENT:
        links = sorted({target.link for target in page.targets.values() if target.link})
        return texts("page.sent", link=", ".join(texts(f"link-short.{name}") for name in links))
    if state is State.DECLINED:
        names = [target.station for target in page.targets.values() if target.state is State.DECLINED]
        return texts("page.declined", person=", ".join(names))
    return texts(f"page.{state}")
