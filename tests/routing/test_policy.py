"""Which link and when: the table of the policy, line by line."""

from math import inf

import pytest

from agent.domain.envelope import PAGE, QUIET, URGENT, WANT_NOTHING, WANT_PRESENTED, WANT_STORED
from agent.routing.policy import (
    LinkView,
    calls,
    choose,
    late_after,
    next_time,
    order_links,
    pause_before,
    towards,
    worth_mail,
)

P2P, MQTT, MAIL = LinkView("p2p"), LinkView("mqtt"), LinkView("mail")


def test_a_measured_round_trip_ranks_and_an_unmeasured_link_waits_its_turn() -> None:
    assert order_links([MAIL, LinkView("p2p", 0.2), LinkView("mqtt", 0.004)]) == ["mqtt", "p2p", "mail"]
    assert order_links([P2P, LinkView("mqtt", 0.004)]) == ["mqtt", "p2p"]
    assert order_links([MAIL, MQTT, P2P]) == ["p2p", "mqtt", "mail"]


def test_mail_is_never_better_than_a_fast_link() -> None:
    assert order_links([LinkView("mail", 0.001), LinkView("mqtt", 5.0)]) == ["mqtt", "mail"]


@pytest.mark.parametrize(
    ("prio", "attempt", "links"),
    [
        (PAGE, 0, ["p2p"]),
        (PAGE, 1, ["mqtt"]),
        (PAGE, 2, ["p2p", "mqtt", "mail"]),
        (PAGE, 9, ["p2p", "mqtt", "mail"]),
        (URGENT, 0, ["p2p", "mqtt"]),
        (URGENT, 1, ["p2p", "mqtt", "mail"]),
        (QUIET, 0, ["p2p"]),
        (QUIET, 3, ["p2p", "mqtt", "mail"]),
        (QUIET, 4, ["p2p"]),
    ],
)
def test_each_attempt_has_its_links(prio: int, attempt: int, links: list[str]) -> None:
    assert choose(attempt, prio, [MAIL, MQTT, P2P]) == links


@pytest.mark.parametrize("prio", [PAGE, URGENT, QUIET])
@pytest.mark.parametrize("attempt", range(6))
def test_a_lone_link_carries_everything(prio: int, attempt: int) -> None:
    assert choose(attempt, prio, [MAIL]) == ["mail"]
    assert choose(attempt, prio, []) == []


def test_the_times_are_those_of_the_table() -> None:
    assert [next_time(attempt, PAGE) for attempt in range(7)] == [0, 3, 10, 25, 55, 115, 175]
    assert [next_time(attempt, URGENT) for attempt in range(6)] == [0, 3, 10, 20, 30, 40]
    assert [next_time(attempt, QUIET) for attempt in range(7)] == [0, 5, 30, 120, 600, 4200, 7800]
    assert [pause_before(attempt, PAGE) for attempt in range(1, 7)] == [3, 7, 15, 30, 60, 60]


def test_red_comes_after_ten_seconds_urgent_after_five_and_never_for_what_nobody_waits_for() -> None:
    assert [late_after(prio) for prio in (PAGE, URGENT, QUIET)] == [10.0, 5.0, inf]


@pytest.mark.parametrize(("type_", "by_mail"), [("probe", False), ("order.part", False), ("ledger.get", True)])
def test_what_is_only_true_for_a_moment_is_worth_no_mail(type_: str, by_mail: bool) -> None:
    assert worth_mail(type_, [MQTT, MAIL]) == [MQTT, *([MAIL] if by_mail else [])]


def test_a_link_without_a_way_to_the_recipient_is_none_for_it() -> None:
    p2p = LinkView("p2p", ways={"kitchen": 0.002, "bar": None})
    mqtt = LinkView("mqtt", 0.004)
    assert towards("kitchen", [p2p, mqtt]) == [LinkView("p2p", 0.002), mqtt]
    assert towards("bar", [p2p]) == [LinkView("p2p")]
    assert towards("front", [p2p, mqtt]) == [mqtt]
    assert choose(0, PAGE, towards("kitchen", [mqtt, p2p])) == ["p2p"]
    assert choose(0, PAGE, towards("front", [mqtt, p2p])) == ["mqtt"]
    assert choose(0, PAGE, towards("front", [p2p])) == []


def test_the_second_attempt_takes_a_link_that_was_not_tried() -> None:
    assert choose(1, PAGE, [P2P, MQTT], {"p2p"}) == ["mqtt"]
    assert choose(1, PAGE, [P2P, MQTT], {"mqtt"}) == ["p2p"]
    assert choose(1, PAGE, [MQTT], {"p2p"}) == ["mqtt"]
    assert choose(1, PAGE, [MQTT], {"mqtt"}) == ["mqtt"]


def test_only_what_somebody_waits_for_opens_a_way() -> None:
    assert calls("kitchen", PAGE, WANT_STORED)
    assert calls("kitchen", URGENT, WANT_PRESENTED)
    assert not calls("kitchen", QUIET, WANT_STORED)
    assert not calls("kitchen", PAGE, WANT_NOTHING)
    assert not calls("hub", PAGE, WANT_STORED)
