"""What window and command line get: plain values, the same for the same state, honest to the last mark."""

import json

import pytest
from msgspec.structs import replace

from agent.domain.audience import EVERYBODY, Audience
from agent.domain.events import Instant, LinkChanged
from agent.domain.ledger import Ledger, Member
from agent.domain.messages import FieldValue, Stamp
from agent.domain.order import Order
from agent.domain.page import Answer, InPage, OutPage, Ring, State, Target
from agent.ui.report import members, order, pages, received, sent, state, status, target
from agent.ui.snapshot import Snapshot
from agent.ui.texts import Texts

ENGLISH = Texts.of("en")
NOW_MS = 1_000_000
KITCHEN = Audience("role", "kitchen")


def member(station: str, person: str, *roles: str, revoked: bool = False) -> Member:
    return Member(station, person, roles, b"", b"", b"", revoked)


def now() -> Snapshot:
    people = (
        member("front", "anna", "front-desk"),
        member("stove", "ben", "kitchen"),
        member("gone", "eve", revoked=True),
        member("hub", "hub", "hub"),
    )
    return Snapshot(
        now=Instant(mono=100.0, ms=NOW_MS),
        station="front",
        version="1",
        ledger=replace(Ledger("s1"), members={one.station: one for one in people}),
        live=frozenset({"stove"}),
        links={"mqtt": LinkChanged("mqtt", "up"), "mail": LinkChanged("mail", "down", "cut")},
        link_since={"mqtt": 5},
        hub_live=True,
        hub_seen_ms=NOW_MS - 10,
        hub_rtt_ms=4.0,
        orders=[],
        pending=frozenset({"o1"}),
        sent=[],
        received=[],
        unanswered=[],
        quiet_until=None,
        quiet_ends="",
        ready=True,
        reachable=lambda _: 1,
        may_page=lambda _: True,
        may_order=True,
    )


def out(*states: State, late: bool = False) -> OutPage:
    targets = {str(n): Target(str(n), rung, "mqtt", late=late) for n, rung in enumerate(states)}
    return OutPage("p", KITCHEN, NOW_MS - 5000, NOW_MS, order_title="soup", targets=targets)


def test_everything_is_json() -> None:
    page = InPage("in", "stove", EVERYBODY, 1, 2)
    full = replace(now(), orders=[Order("o1", "order", {"title": ("soup", (1, 0, "a"))})], sent=[out(State.SENT)])
    whole = state(replace(full, received=[page], unanswered=[page]), ENGLISH)
    assert json.loads(json.dumps(whole)) == whole


def test_the_status_says_what_may_be_done() -> None:
    def can(picture: Snapshot) -> tuple[bool, bool, bool]:
        told = status(picture)["can"]
        return told["page"], told["edit"], told["create"]

    assert can(now()) == (True, True, True)
    assert can(replace(now(), ready=False)) == (False, False, True)
    assert can(replace(now(), may_order=False)) == (True, False, False)


def test_the_status_says_how_each_link_stands() -> None:
    mqtt, mail = status(now())["links"]
    assert mqtt == {"name": "mqtt", "state": "up", "since_ms": 5, "detail": "", "rtt_ms": 4.0}
    assert mail == {"name": "mail", "state": "down", "since_ms": 0, "detail": "cut", "rtt_ms": None}
    assert status(now())["hub"] == {"state": "up", "seen_ms": NOW_MS - 10, "rtt_ms": 4.0}


def test_quiet_ends_at_a_time_of_the_hub() -> None:
    assert status(replace(now(), quiet_until=160.0))["dnd_until_ms"] == NOW_MS + 60_000
    assert status(replace(now(), quiet_until=99.0))["dnd_until_ms"] is None


@pytest.mark.parametrize(
    ("rung", "mark"),
    [
        (State.QUEUED, "hollow"),
        (State.SENT, "hollow"),
        (State.STORED, "full"),
        (State.PRESENTED, "full"),
        (State.SEEN, "full"),
        (State.ACCEPTED, "done"),
        (State.DECLINED, "bad"),
        (State.EXPIRED, "bad"),
        (State.UNDELIVERABLE, "bad"),
        (State.MISSED, "bad"),
        (State.WITHDRAWN, "hollow"),
    ],
)
def test_a_mark_is_full_only_with_evidence(rung: State, mark: str) -> None:
    assert target(Target("stove", rung), now(), ENGLISH)["mark"] == mark


def test_lateness_ends_with_delivery() -> None:
    assert sent(out(State.SENT, late=True), now(), ENGLISH)["late"]
    assert not sent(out(State.STORED, State.SENT, late=True), now(), ENGLISH)["late"]
    assert [one["late"] for one in sent(out(State.STORED, State.SENT, late=True), now(), ENGLISH)["targets"]] == [
        False,
        True,
    ]


def test_a_page_that_was_taken_says_by_whom_and_after_how_long() -> None:
    page = out(State.ACCEPTED, State.PRESENTED)
    page.taken = Answer(page.at + 14_000, "stove", "ben", "accepted", "coming")
    told = sent(page, now(), ENGLISH)
    assert (told["state"], told["answered_by"], told["answered_text"], told["seconds"]) == (
        "accepted",
        "ben",
        "coming",
        14,
    )
    assert told["settled"]


def test_an_answer_from_a_faster_clock_took_no_time() -> None:
    page = out(State.ACCEPTED)
    page.taken = Answer(page.at - 500, "stove", "ben", "accepted")
    assert sent(page, now(), ENGLISH)["seconds"] == 0


@pytest.mark.parametrize(
    ("ring", "changes", "name"),
    [
        (Ring.HELD, {}, "stored"),
        (Ring.RINGING, {}, "stored"),
        (Ring.RUNG, {}, "presented"),
        (Ring.RUNG, {"seen": True}, "seen"),
        (Ring.MISSED, {}, "missed"),
        (Ring.RUNG, {"withdrawn": True}, "withdrawn"),
        (Ring.RUNG, {"answer": Answer(1, "stove", "ben", "declined")}, "declined"),
        (Ring.MISSED, {"answer": Answer(1, "stove", "ben", "accepted")}, "accepted"),
    ],
)
def test_a_received_page_has_one_state(ring: Ring, changes: dict[str, object], name: str) -> None:
    page = InPage("in", "stove", KITCHEN, 1, 2, ring=ring)
    for field, value in changes.items():
        setattr(page, field, value)
    told = received(page, now(), ENGLISH)
    assert (told["state"], told["from_person"]) == (name, "ben")
    assert told["settled"] == (not page.open)


def test_pages_come_newest_first() -> None:
    old, new = InPage("old", "stove", KITCHEN, 1, 2), InPage("new", "stove", KITCHEN, NOW_MS, NOW_MS)
    told = pages(replace(now(), received=[old, new], sent=[out(State.SENT)]), ENGLISH)
    assert [page["id"] for page in told] == ["new", "p", "old"]


def test_an_order_that_the_hub_does_not_have_yet_is_pending() -> None:
    fields: dict[str, tuple[FieldValue, Stamp]] = {
        "title": ("soup", (1, 0, "a")),
        "flag_a": (True, (1, 0, "a")),
        "created": (5, (1, 0, "a")),
    }
    told = order(Order("o1", "item", fields), now())
    assert (told["title"], told["flag_a"], told["flag_b"], told["created_ms"]) == ("soup", True, False, 5)
    assert told["pending"]
    assert not order(Order("o2", "order", fields), now())["pending"]


def test_everybody_but_the_hub_is_a_member() -> None:
    told = {one["station"]: one for one in members(now())}
    assert set(told) == {"front", "stove", "gone"}
    assert (told["front"]["self"], told["front"]["live"], told["stove"]["live"]) == (True, True, True)
    assert (told["gone"]["revoked"], told["gone"]["live"]) == (True, False)
