"""How far a page got, in words: the same for menu, window and command line."""

from collections.abc import Callable

from agent.domain.page import OutPage, State, Target
from agent.ui.texts import Texts

NameOf = Callable[[str], str]
"""The person at a station."""


def seconds(page: OutPage) -> int | None:
    """How many seconds it took until somebody took the page, by the sender's clock; None while nobody has."""
    return max(0, round((page.taken.at - page.at) / 1000)) if page.taken else None


def declined_by(page: OutPage, name_of: NameOf) -> str:
    """Who said that they cannot come, or "" as long as somebody else still may."""
    return ", ".join(dict.fromkeys(name_of(target.station) for target in _declined(page)))


def declined_words(page: OutPage) -> str:
    """What they said besides, or ""."""
    return ", ".join(target.why for target in _declined(page) if target.why)


def _declined(page: OutPage) -> list[Target]:
    all_said_no = page.state is State.DECLINED
    return [target for target in page.targets.values() if all_said_no and target.state is State.DECLINED]


def reason(why: str, texts: Texts) -> str:
    """A machine's reason in words: `code` or `code: what the system said`; one without a text stays as it came."""
    code, _, said = why.partition(": ")
    if not texts.has(f"why.{code}"):
        return why
    return f"{texts(f'why.{code}')}: {said}" if said else texts(f"why.{code}")


def summary(page: OutPage, texts: Texts, name_of: NameOf) -> str:
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
        text = texts("page.declined", person=declined_by(page, name_of))
        return f"{text}: {words}" if (words := declined_words(page)) else text
    why = _why(page, state, texts)
    return f"{texts(f'page.{state}')} ({why})" if why else texts(f"page.{state}")


def _why(page: OutPage, state: State, texts: Texts) -> str:
    """What keeps all who got so far from noticing: such as do not disturb, or that no notice could be shown."""
    whys = [target.why.partition(": ")[0] for target in page.targets.values() if target.state is state]
    return reason(whys[0], texts) if state in (State.STORED, State.PRESENTED) and all(whys) else ""
