"""Whom one can page, how many of them are reachable now, and the list of members."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agent.ui.texts import Texts
    from agent.ui.window.model.shapes import Member, Page

Audience = dict[str, str | bool]
"""{"role": name}, {"person": name} or {"all": True}."""


class Choice(NamedTuple):
    """One audience a person can choose; `reachable` counts the others' stations that are live now."""

    key: str
    to: Audience
    name: str
    reachable: int
    text: str


def choices(members: Sequence[Member], texts: Texts, *, everybody: bool) -> tuple[Choice, ...]:
    """Everybody one can page from here: roles, persons, and all together where that is allowed."""
    others = [member for member in members if not member.get("self") and not member.get("revoked")]
    roles = sorted({role for member in others for role in member.get("roles", ())})
    persons = sorted({member["person"] for member in others if member.get("person")}, key=str.casefold)
    found = [_role(role, others, texts) for role in roles]
    found += [_person(person, others, texts) for person in persons]
    if everybody and others:
        live = _live(others)
        found.append(
            Choice("all", {"all": True}, texts("ask.everybody"), live, texts.number("ask.reachable", live)),
        )
    return tuple(found)


def _role(role: str, others: Sequence[Member], texts: Texts) -> Choice:
    live = _live([member for member in others if role in member.get("roles", ())])
    return Choice(f"role:{role}", {"role": role}, role, live, texts.number("ask.reachable", live))


def _person(person: str, others: Sequence[Member], texts: Texts) -> Choice:
    live = _live([member for member in others if member.get("person") == person])
    text = texts("ask.person-live" if live else "ask.person-gone")
    return Choice(f"person:{person}", {"person": person}, person, live, text)


def _live(members: Sequence[Member]) -> int:
    return sum(1 for member in members if member.get("live"))


def best(found: Sequence[Choice], pages: Sequence[Page]) -> str | None:
    """The choice to start with: whom one paged last, else the first somebody can hear, else the first."""
    sent = [page for page in pages if page.get("out")]
    last = max(sent, key=lambda page: page.get("asked_ms", 0), default=None)
    ranked = sorted(found, key=lambda choice: (last is None or choice.name != last.get("to"), not choice.reachable))
    return ranked[0].key if ranked else None


def roster(members: Sequence[Member]) -> list[Member]:
    """The members as a list: this station, those who are here, the others, the removed ones last."""
    return sorted(
        members,
        key=lambda member: (
            member.get("revoked", False),
            not member.get("self", False),
            not member.get("live", False),
            member.get("person", "").casefold(),
            member.get("station", ""),
        ),
    )
