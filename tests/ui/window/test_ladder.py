"""How far a page came, with marks that claim no more than there is evidence for."""

from typing import Any

import pytest

from agent.ui.texts.window import window_texts
from agent.ui.window.model.ladder import by_order, history, is_late, outcome_text, steps, target_lines, waiting
from agent.ui.window.model.shapes import Page

ENGLISH, GERMAN = window_texts("en"), window_texts("de")


def page(state: str = "queued", **fields: Any) -> Page:
    """A page sent from here over MQTT, in this state."""
    found: dict[str, Any] = {"id": "p", "out": True, "to": "kitchen", "state": state, "asked_ms": 0, "targets": []}
    return {**found, **fields}  # type: ignore[typeddict-item]


def over(link: str, state: str = "sent", **fields: Any) -> dict[str, Any]:
    """How far the page came at one station."""
    return {"station": "kitchen-1", "person": "Ben", "state": state, "link": link, "mark": "", "at_ms": 1, **fields}


def marks(of: Page) -> str:
    """The ladder in one character a rung."""
    return "".join(
        {"none": "·", "hollow": "○", "full": "●", "done": "✓", "bad": "✗"}[s.mark] for s in steps(of, ENGLISH)
    )


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("queued", "●·····"),
        ("sent", "●○····"),
        ("stored", "●○●···"),
        ("presented", "●○●●··"),
        ("seen", "●○●●●·"),
        ("accepted", "●○●●●✓"),
        ("declined", "●○●●●✗"),
        ("expired", "●····✗"),
        ("undeliverable", "●····✗"),
        ("withdrawn", "●····✗"),
        ("missed", "●····✗"),
    ],
)
def test_a_hollow_mark_for_sent_and_full_ones_only_for_evidence(state: str, expected: str) -> None:
    assert marks(page(state)) == expected


def test_a_page_that_expired_keeps_the_rungs_its_targets_reached() -> None:
    assert marks(page("expired", targets=[over("mqtt", "presented"), over("mqtt", "sent")])) == "●○●●·✗"


def test_the_ladder_reads_as_people_say_it() -> None:
    taken = page("accepted", answered_by="Ben", seconds=14.4, targets=[over("mqtt", "accepted")])
    assert [step.text for step in steps(taken, ENGLISH)] == [
        "queued",
        "sent over MQTT",
        "on the device",
        "shown",
        "seen",
        "taken by Ben (14 s)",
    ]


def test_the_ladder_names_every_link_that_carried_the_page() -> None:
    both = page("sent", targets=[over("mqtt"), over("mail")])
    assert steps(both, ENGLISH)[1].text == "sent over e-mail + MQTT"


def test_a_page_that_was_not_sent_names_no_link() -> None:
    assert steps(page("queued", targets=[over("mqtt", "queued")]), ENGLISH)[1].text == "sent"


def test_a_state_of_a_newer_agent_breaks_nothing() -> None:
    assert marks(page("teleported")) == "●·····"
    assert target_lines(page(targets=[over("pigeon", "teleported")]), ENGLISH)[0].text == "teleported"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"state": "accepted", "answered_by": "Ben", "seconds": 14.4}, "taken by Ben (14 s)"),
        ({"state": "accepted", "answered_by": "Ben"}, "taken by Ben"),
        ({"state": "declined", "answered_by": "Ben", "answered_text": "bar is full"}, "declined by Ben: bar is full"),
        ({"state": "seen", "answered_by": "Ben", "seconds": 3}, "Ben: later (3 s)"),
        ({"state": "seen"}, "not answered yet"),
        ({"state": "expired"}, "expired"),
        ({"state": "undeliverable"}, "could not be delivered"),
        ({"state": "withdrawn"}, "withdrawn"),
        ({"state": "missed"}, "missed"),
        ({"state": "accepted"}, "taken by somebody"),
    ],
)
def test_how_it_ended(fields: dict[str, Any], text: str) -> None:
    assert outcome_text(page(**fields), ENGLISH) == text


def test_each_target_says_how_far_and_why_no_further() -> None:
    (line,) = target_lines(page(targets=[over("mqtt", "stored", mark="full", why="do not disturb is on")]), ENGLISH)
    assert (line.mark, line.name, line.text) == ("full", "Ben (kitchen-1)", "on the device, over MQTT")
    assert line.why == "do not disturb is on"


def test_a_target_without_a_person_is_named_by_its_station() -> None:
    (line,) = target_lines(page(targets=[over("mqtt", person="")]), ENGLISH)
    assert line.name == "kitchen-1"


def test_a_target_that_answered_says_its_answer() -> None:
    (line,) = target_lines(page(targets=[over("mqtt", "accepted")]), GERMAN)
    assert (line.mark, line.text) == ("done", "Ich komme")


@pytest.mark.parametrize(
    ("state", "mark"),
    [("sent", "hollow"), ("stored", "full"), ("accepted", "done"), ("expired", "bad"), ("??", "hollow")],
)
def test_a_mark_we_do_not_know_becomes_what_the_state_proves(state: str, mark: str) -> None:
    assert target_lines(page(targets=[over("mqtt", state, mark="sparkling")]), ENGLISH)[0].mark == mark


def test_late_is_only_what_has_not_arrived() -> None:
    assert is_late(page("sent", late=True))
    assert not is_late(page("stored", late=True))
    assert not is_late(page("sent", late=False))
    assert not is_late(page("sent", late=True, out=False))


def test_what_waits_for_an_answer_stands_urgent_first_then_oldest() -> None:
    pages = [
        page("presented", id="new", out=False, asked_ms=30),
        page("presented", id="old", out=False, asked_ms=10),
        page("presented", id="urgent", out=False, asked_ms=40, urgent=True),
        page("accepted", id="settled", out=False, settled=True),
        page("presented", id="mine", out=True),
    ]
    assert [found["id"] for found in waiting(pages)] == ["urgent", "old", "new"]


def test_history_is_newest_first() -> None:
    pages = [page(id="a", asked_ms=1), page(id="c", asked_ms=3), page(id="b", asked_ms=2)]
    assert [found["id"] for found in history(pages)] == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("fields", "text", "tone"),
    [
        ({"state": "presented"}, "kitchen: shown", "quiet"),
        ({"state": "presented", "out": False, "from_person": "Clara"}, "Clara: shown", "quiet"),
        ({"state": "sent"}, "kitchen: sent", "quiet"),
        ({"state": "sent", "late": True}, "NOT DELIVERED YET", "bad"),
        ({"state": "accepted", "answered_by": "Ben", "settled": True}, "taken by Ben", "good"),
        ({"state": "declined", "answered_by": "Ben", "settled": True}, "declined by Ben", "bad"),
        ({"state": "seen", "answered_by": "Ben"}, "Ben: later", "quiet"),
        ({"state": "undeliverable", "settled": True}, "could not be delivered", "bad"),
    ],
)
def test_an_order_says_how_far_its_page_came(fields: dict[str, Any], text: str, tone: str) -> None:
    word = by_order([page(**{"order": "o1", **fields})], ENGLISH)["o1"]
    assert (word.text, word.tone) == (text, tone)


def test_an_order_speaks_of_its_newest_page_only() -> None:
    pages = [page("presented", id="2", order="o1", asked_ms=2), page("expired", id="1", order="o1", asked_ms=1)]
    assert by_order(pages, ENGLISH)["o1"].text == "kitchen: shown"


@pytest.mark.parametrize("state", ["expired", "withdrawn", "missed"])
def test_an_order_does_not_speak_of_what_is_over(state: str) -> None:
    assert by_order([page(state, order="o1", settled=True)], ENGLISH) == {}


def test_a_page_without_an_order_is_on_no_order() -> None:
    assert by_order([page("presented", order=None)], ENGLISH) == {}
