"""What people typed is cleaned and checked before it goes anywhere."""

import pytest

from agent.ui.texts.window import window_texts
from agent.ui.window.model.fields import check, limit

ENGLISH = window_texts("en")


def test_good_input_has_no_faults() -> None:
    checked = check({"title": "Table 4", "subtitle": "+49 171"}, ENGLISH)
    assert checked.values == {"title": "Table 4", "subtitle": "+49 171"}
    assert checked.faults == {}


@pytest.mark.parametrize("typed", ["", "   ", "\t\n"])
def test_a_title_is_needed(typed: str) -> None:
    assert check({"title": typed}, ENGLISH).faults == {"title": "Please give a title."}


def test_a_subtitle_is_not_needed() -> None:
    assert check({"subtitle": ""}, ENGLISH).faults == {}


def test_white_space_around_and_pasted_lines_go_away() -> None:
    assert check({"title": "  Table\n 4\t "}, ENGLISH).values == {"title": "Table 4"}


def test_a_note_keeps_its_lines() -> None:
    assert check({"note": " one \ntwo  \n"}, ENGLISH).values == {"note": "one\ntwo"}


@pytest.mark.parametrize(("name", "longest"), [("title", 120), ("subtitle", 120), ("note", 500)])
def test_nothing_is_longer_than_the_wire_allows(name: str, longest: int) -> None:
    assert check({name: "x" * longest}, ENGLISH).faults == {}
    assert check({name: "x" * (longest + 1)}, ENGLISH).faults == {
        name: f"Too long: {longest + 1} of {longest} characters."
    }


def test_the_agents_limits_count_when_it_names_some() -> None:
    assert limit("title", {"title": 10}) == 10
    assert "title" in check({"title": "x" * 11}, ENGLISH, {"title": 10}).faults


@pytest.mark.parametrize("bad", ["\x00", "\x1b", "\x07", "\u202e"])
def test_what_cannot_be_shown_is_refused(bad: str) -> None:
    for name in ("title", "subtitle", "note"):
        assert check({name: f"a{bad}b"}, ENGLISH).faults == {name: "There are characters in it that cannot be shown."}


@pytest.mark.parametrize("good", ["Crème brûlée", "麻婆豆腐", "🍔", "Straße – 3", "“x”"])
def test_every_language_is_welcome(good: str) -> None:
    assert check({"title": good}, ENGLISH).faults == {}


def test_faults_stand_in_the_order_of_the_form() -> None:
    assert list(check({"title": "", "subtitle": "x" * 121}, ENGLISH).faults) == ["title", "subtitle"]
