"""The words of notices that are no pages."""

import pytest

from agent.domain.audience import Audience
from agent.domain.page import InPage
from agent.station.notices import page_notice, told
from agent.ui.texts import Texts

ENGLISH, GERMAN = Texts.of("en"), Texts.of("de")


@pytest.mark.parametrize(
    ("text", "values", "title"),
    [
        ("notice.page-taken", {"person": "ben", "object": "Order 17"}, "ben is on the way: Order 17"),
        ("notice.page-taken", {"person": "ben", "object": ""}, "ben is on the way: your page"),
        ("notice.page-taken-by", {"person": "ben", "object": ""}, "Taken by ben: this page"),
        ("notice.page-late", {"object": "", "to": "kitchen"}, "NOT DELIVERED YET: your page to kitchen"),
        ("notice.page-failed", {"object": "Order 17", "to": "all"}, "Could not be delivered: Order 17 to Everybody"),
    ],
)
def test_a_page_without_an_order_has_words_too(text: str, values: dict[str, str], title: str) -> None:
    assert told("p1", text, values, ENGLISH).title == title


def test_a_long_note_is_cut() -> None:
    title = told("p1", "notice.page-taken", {"person": "ben", "object": "x" * 500}, ENGLISH).title
    assert title.endswith("x…")
    assert len(title) < 90


def test_what_the_person_wrote_is_below() -> None:
    notice = told(
        "p1", "notice.page-declined", {"person": "ben", "object": "Order 17", "text": "oven is full"}, ENGLISH
    )
    assert (notice.title, notice.body) == ("ben cannot come: Order 17", "oven is full")


def test_only_what_needs_looking_at_can_be_opened() -> None:
    values = {"person": "ben", "object": "Order 17", "to": "kitchen"}
    assert told("p1", "notice.page-late", values, GERMAN).opens == "Öffnen"
    assert told("p1", "notice.page-taken", values, GERMAN).opens == ""
    assert told("error", "error", {"title": "No", "message": "Because"}, GERMAN).opens == ""


def test_a_title_that_a_desktop_may_cut_off_leaves_the_order_readable() -> None:
    short, long = (InPage("p1", "bar", Audience("role", "kitchen"), 0, 1, "o1", title) for title in ("Bar", "B" * 60))
    assert page_notice(short, "anna", ENGLISH).body == ""
    assert page_notice(long, "anna", ENGLISH).body == "B" * 60


def test_a_failure_of_the_connection_is_shown_whole_where_titles_are_cut_off() -> None:
    notice = told("connection", "notice.psk-invalid", {"code": "invalid"}, Texts.of("en"))
    assert (notice.title, notice.body) == ("Connection", "Connection Failure: Invalid PSK Received")
