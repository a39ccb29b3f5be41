"""Whom one can page, and how many of them hear it now."""

import pytest

from agent.ui.texts.window import window_texts
from agent.ui.window.model.people import best, choices, roster
from agent.ui.window.model.shapes import Member
from tests.ui.window import sample

ENGLISH = window_texts("en")
MEMBERS = sample.members(10**12)


def member(station: str, person: str, *roles: str, live: bool = True) -> Member:
    """A station with somebody in front of it."""
    return {"station": station, "person": person, "roles": list(roles), "live": live, "self": False, "revoked": False}


def test_roles_come_first_then_persons_then_everybody() -> None:
    found = choices(MEMBERS, ENGLISH, everybody=True)
    assert [choice.name for choice in found] == [
        *("bar", "it", "kitchen", "runner", "warehouse"),
        *("Ben", "Clara", "Dmitri", "Eda", "Farid"),
        "Everybody",
    ]


def test_a_role_says_how_many_hear_it_now() -> None:
    texts = {choice.name: choice.text for choice in choices(MEMBERS, ENGLISH, everybody=True)}
    assert texts["kitchen"] == "2 reachable now"
    assert texts["bar"] == "1 reachable now"
    assert texts["warehouse"] == "nobody reachable"
    assert (texts["Ben"], texts["Eda"]) == ("reachable now", "not reachable")
    assert texts["Everybody"] == "3 reachable now"


def test_nobody_can_page_everybody_where_that_is_forbidden() -> None:
    assert all(choice.key != "all" for choice in choices(MEMBERS, ENGLISH, everybody=False))


def test_this_station_and_removed_ones_cannot_be_paged() -> None:
    assert all(choice.name not in ("Anna", "front-desk") for choice in choices(MEMBERS, ENGLISH, everybody=True))


def test_alone_one_can_page_nobody() -> None:
    assert choices([], ENGLISH, everybody=True) == ()
    assert best((), ()) is None


@pytest.mark.parametrize(
    ("name", "audience"), [("kitchen", {"role": "kitchen"}), ("Ben", {"person": "Ben"}), ("Everybody", {"all": True})]
)
def test_a_choice_becomes_an_audience(name: str, audience: dict[str, object]) -> None:
    (found,) = [choice for choice in choices(MEMBERS, ENGLISH, everybody=True) if choice.name == name]
    assert found.to == audience


def test_a_person_at_two_stations_is_one_choice_and_reachable_at_either() -> None:
    found = choices([member("a", "Ben", live=False), member("b", "Ben")], ENGLISH, everybody=False)
    assert [(choice.name, choice.text) for choice in found] == [("Ben", "reachable now")]


def test_the_form_starts_with_whom_one_paged_last() -> None:
    found = choices(MEMBERS, ENGLISH, everybody=True)
    assert best(found, sample.pages(10**12)) == "role:kitchen"


def test_without_a_page_before_the_form_starts_with_somebody_who_hears_it() -> None:
    found = choices([member("a", "Aaron", live=False), member("b", "Ben")], ENGLISH, everybody=False)
    assert best(found, []) == "person:Ben"


def test_when_nobody_hears_it_the_form_starts_with_the_first() -> None:
    found = choices([member("a", "Aaron", live=False)], ENGLISH, everybody=False)
    assert best(found, []) == "person:Aaron"


def test_the_roster_begins_here_and_ends_with_removed_stations() -> None:
    assert [found["station"] for found in roster(MEMBERS)] == [
        *("desk-1", "kitchen-1", "kitchen-2", "bar-1"),
        *("store-1", "it-1", "old-till"),
    ]
