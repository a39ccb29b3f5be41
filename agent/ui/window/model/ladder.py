"""How far a page came: queued, sent over which link, on the device, shown, seen, taken by whom.

A hollow mark says only that we did something; a full mark is evidence from the other side.

    queued ──● sent over MQTT ──○ on the device ──● shown ──● seen ──● taken by Ben (14 s) ──✓
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Literal

    from agent.ui.texts import Texts
    from agent.ui.window.model.shapes import Page, Target

    Mark = Literal["none", "hollow", "full", "done", "bad"]
    Tone = Literal["good", "warn", "bad", "quiet"]

MARKS: dict[str | None, Mark] = {"hollow": "hollow", "full": "full", "done": "done", "bad": "bad"}
RUNGS = ("queued", "sent", "stored", "presented", "seen")
FAILED = ("declined", "expired", "undeliverable", "withdrawn", "missed")
ANSWERED = ("accepted", "declined", "later")


class Step:
    """One rung of a ladder: its mark, what stands beside it, and whether the page got there."""

    def __init__(self, mark: Mark, text: str, *, reached: bool) -> None:
        self.mark, self.text, self.reached = mark, text, reached


class TargetLine:
    """How far the page came at one station, since when, and why no further."""

    def __init__(self, mark: Mark, name: str, text: str, why: str, at_ms: int | None) -> None:
        self.mark, self.name, self.text, self.why, self.at_ms = mark, name, text, why, at_ms


def steps(page: Page, texts: Texts) -> tuple[Step, ...]:
    """The ladder of a page sent from here: five rungs and the outcome."""
    reach = _reach(page)
    rungs = tuple(
        Step(_rung_mark(i, reach), _rung_text(i, reach, page, texts), reached=i <= reach) for i in range(len(RUNGS))
    )
    return (*rungs, _outcome(page, texts))


def _reach(page: Page) -> int:
    """The highest rung that the page or any of its targets stands on."""
    found = [_height(page.get("state", "queued")), *(_height(t.get("state", "")) for t in page.get("targets", ()))]
    return max(found)


def _height(state: str) -> int:
    if state in ANSWERED:
        return len(RUNGS) - 1
    return RUNGS.index(state) if state in RUNGS else 0


def _rung_mark(rung: int, reach: int) -> Mark:
    if rung > reach:
        return "none"
    return "hollow" if RUNGS[rung] == "sent" else "full"


def _rung_text(rung: int, reach: int, page: Page, texts: Texts) -> str:
    name = RUNGS[rung]
    if name != "sent":
        return texts(f"page.{name}")
    links = sorted({link for t in page.get("targets", ()) if (link := t.get("link"))})
    if rung > reach or not links:
        return texts("pages.sent")
    return texts("pages.sent-over", link=" + ".join(link_name(link, texts) for link in links))


def _outcome(page: Page, texts: Texts) -> Step:
    state = page.get("state", "queued")
    text = outcome_text(page, texts)
    if state == "accepted":
        return Step("done", text, reached=True)
    if state in FAILED:
        return Step("bad", text, reached=True)
    return Step("hollow" if page.get("answered_by") else "none", text, reached=bool(page.get("answered_by")))


def outcome_text(page: Page, texts: Texts) -> str:
    """How the page ended, or that nobody answered yet; what the person wrote is added."""
    state = page.get("state", "queued")
    person = page.get("answered_by") or texts("pages.somebody")
    seconds = page.get("seconds")
    if state == "accepted":
        text = _with_seconds("pages.taken", person, seconds, texts)
    elif state == "declined":
        text = texts("pages.declined", person=person)
    elif state in FAILED:
        text = texts(f"page.{state}")
    elif page.get("answered_by"):
        text = _with_seconds("pages.later", person, seconds, texts)
    else:
        return texts("pages.not-yet")
    words = (page.get("answered_text") or "").strip()
    return f"{text}: {words}" if words else text


def _with_seconds(key: str, person: str, seconds: float | None, texts: Texts) -> str:
    if seconds is None:
        return texts(f"{key}-plain", person=person)
    return texts(key, person=person, seconds=round(seconds))


def link_name(link: str, texts: Texts) -> str:
    """What people call the link, short."""
    return texts(f"link-short.{link}") if texts.has(f"link-short.{link}") else link


def target_lines(page: Page, texts: Texts) -> tuple[TargetLine, ...]:
    """One line for each station the page went to."""
    return tuple(_target_line(target, texts) for target in page.get("targets", ()))


def _target_line(target: Target, texts: Texts) -> TargetLine:
    state, link = target.get("state", "queued"), target.get("link")
    person, station = target.get("person", ""), target.get("station", "")
    if state == "sent":
        text = texts("pages.sent-over", link=link_name(link, texts)) if link else texts("pages.sent")
    elif state in ANSWERED:
        text = texts(f"answer.{state}")
    else:
        text = texts(f"page.{state}") if texts.has(f"page.{state}") else state
        if link and state in RUNGS[2:]:
            text = f"{text}, {texts('pages.over', link=link_name(link, texts))}"
    late = bool(target.get("late"))
    if late:
        text = f"{text}, {texts('page.late')}"
    name = f"{person} ({station})" if person and station and person != station else person or station
    return TargetLine(
        "bad" if late else _known(target.get("mark"), state), name, text, target.get("why", ""), target.get("at_ms")
    )


def _known(mark: str | None, state: str) -> Mark:
    """The agent's mark; for one we do not know, what the state alone proves."""
    if mark in MARKS:
        return MARKS[mark]
    if state == "accepted":
        return "done"
    if state in FAILED:
        return "bad"
    return "full" if state in RUNGS[2:] else "hollow"


def is_late(page: Page) -> bool:
    """Whether the sender must be told now that it has not arrived."""
    return bool(page.get("out") and page.get("late") and page.get("state") in ("queued", "sent"))


class Word:
    """A page in one or two words, for the row of its order."""

    def __init__(self, text: str, tone: Tone) -> None:
        self.text, self.tone = text, tone


def by_order(pages: Iterable[Page], texts: Texts) -> dict[str, Word]:
    """For each order the newest page about it, unless that one ended without an answer."""
    newest: dict[str, Page] = {}
    for page in sorted(pages, key=lambda page: page.get("asked_ms", 0)):
        if order := page.get("order"):
            newest[order] = page
    return {order: word for order, page in newest.items() if (word := _word(page, texts))}


def _word(page: Page, texts: Texts) -> Word | None:
    state, person = page.get("state", "queued"), page.get("answered_by") or texts("pages.somebody")
    if state == "accepted":
        return Word(texts("pages.taken-plain", person=person), "good")
    if state == "declined":
        return Word(texts("pages.declined", person=person), "bad")
    if is_late(page):
        return Word(texts("page.late"), "bad")
    if state in FAILED or page.get("settled"):
        return Word(texts(f"page.{state}"), "bad") if state == "undeliverable" else None
    if page.get("answered_by"):
        return Word(texts("pages.later-plain", person=person), "quiet")
    word = texts("pages.sent") if state == "sent" else texts(f"page.{state}")
    who = page.get("to", "") if page.get("out") else page.get("from_person", "")
    return Word(f"{who}: {word}", "quiet")


def waiting(pages: Iterable[Page]) -> list[Page]:
    """The pages that wait for an answer from here: urgent ones first, then the oldest; last those put off."""
    found = [page for page in pages if not page.get("out") and not page.get("settled")]
    found.sort(key=lambda page: (page.get("snoozed", False), not page.get("urgent"), page.get("asked_ms", 0)))
    return found


def history(pages: Iterable[Page]) -> list[Page]:
    """All pages, the newest first."""
    return sorted(pages, key=lambda page: (page.get("asked_ms", 0), page["id"]), reverse=True)
