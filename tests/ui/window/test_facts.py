"""How the station is, in lines with marks that do not depend on colour."""

import pytest

from agent.ui.texts.window import window_texts
from agent.ui.window.model.facts import link_facts, member_fact, notices, part_facts, station_facts
from agent.ui.window.model.shapes import Link, Member, Proof, Status
from tests.ui.window import sample

ENGLISH = window_texts("en")


def clock(at_ms: int) -> str:
    """A clock that shows what it was given."""
    return f"@{at_ms}"


def of_link(**fields: object) -> tuple[str, str, str, str]:
    """Mark, name, value and more of one link."""
    link: Link = {"name": "mqtt", "state": "up", "detail": "", **fields}  # type: ignore[typeddict-item]
    (fact,) = link_facts({"links": [link]}, ENGLISH, clock)
    return fact.mark, fact.name, fact.value, fact.more


def test_a_link_says_its_state_its_time_and_since_when() -> None:
    assert of_link(since_ms=5, rtt_ms=1.84, detail="broker:8883") == (
        *("full", "Broker (MQTT)", "connected, 1.8 ms"),
        "since @5 · broker:8883",
    )


def test_long_round_trips_need_no_decimals() -> None:
    assert of_link(rtt_ms=410.23)[2] == "connected, 410 ms"


@pytest.mark.parametrize(
    ("state", "mark", "text"),
    [
        ("connecting", "hollow", "connecting"),
        ("proving", "hollow", "checking the hub"),
        ("down", "bad", "not connected"),
        ("refused", "bad", "sign-in refused"),
        ("off", "none", "switched off"),
        ("dreaming", "none", "dreaming"),
    ],
)
def test_every_state_of_a_link_has_a_mark_and_a_word(state: str, mark: str, text: str) -> None:
    assert of_link(state=state, rtt_ms=3)[0::2] == (mark, text)


def test_a_link_we_do_not_know_keeps_its_name() -> None:
    assert of_link(name="pigeon")[1] == "pigeon"


def test_every_part_that_a_page_needs_is_listed() -> None:
    facts = part_facts(sample.status(), ENGLISH, clock)
    assert [fact.name for fact in facts] == ["Hub", "Tray", "Notices", "Sound", "Storage"]
    assert {fact.mark for fact in facts} == {"full"}


@pytest.mark.parametrize("part", ["silent", "", "silent: no daemon", "off"])
def test_a_part_that_nobody_hears_is_bad(part: str) -> None:
    facts = part_facts({**sample.status(), "sound": part}, ENGLISH, clock)
    assert next(fact for fact in facts if fact.name == "Sound").mark == "bad"


def test_keys_in_a_weak_storage_are_no_alarm_but_no_good_news() -> None:
    fact = next(fact for fact in part_facts({"storage": "weak storage"}, ENGLISH, str) if fact.name == "Storage")
    assert (fact.mark, fact.tone, fact.value) == ("hollow", "warn", "file, weakly protected")


def test_a_hub_that_is_gone_says_when_it_was_seen() -> None:
    hub = part_facts({**sample.status(), "hub": {"state": "down", "seen_ms": 7}}, ENGLISH, clock)[0]
    assert (hub.mark, hub.value, hub.more) == ("bad", "not connected", "last seen @7")


def test_an_agent_that_says_nothing_breaks_nothing() -> None:
    assert link_facts({}, ENGLISH, clock) == ()
    assert len(part_facts({}, ENGLISH, clock)) == 5
    assert station_facts({}, ENGLISH) == ()


def test_the_station_says_who_it_is() -> None:
    facts = {fact.name: fact.value for fact in station_facts(sample.status(), ENGLISH)}
    assert facts == {
        "Station": "desk-1",
        "Person": "Anna",
        "Roles": "front-desk",
        "Site": "harbour",
        "Version": "0.1.0",
    }


@pytest.mark.parametrize(
    ("fields", "mark", "value"),
    [
        ({"live": True}, "full", "here now"),
        ({"live": True, "self": True}, "full", "this station"),
        ({"live": False, "seen_ms": 9}, "hollow", "last seen @9"),
        ({"live": False, "seen_ms": None}, "hollow", "never seen"),
        ({"live": True, "revoked": True}, "bad", "removed"),
    ],
)
def test_a_member_has_a_live_mark(fields: dict[str, object], mark: str, value: str) -> None:
    member: Member = {"station": "kitchen-1", "person": "Ben", "roles": ["kitchen"], **fields}  # type: ignore[typeddict-item]
    fact = member_fact(member, ENGLISH, clock)
    assert (fact.mark, fact.name, fact.value, fact.more) == (mark, "Ben", value, "kitchen-1 · kitchen")


def test_a_member_without_a_person_is_its_station() -> None:
    fact = member_fact({"station": "till", "person": "", "roles": ["bar"]}, ENGLISH, clock)
    assert (fact.name, fact.more, fact.last) == ("till", "bar", "")


def test_a_member_shows_the_fingerprint_of_its_key_below() -> None:
    fact = member_fact({"station": "till", "fingerprint": "00ff 1234"}, ENGLISH, clock)
    assert fact.last == "00ff 1234"


@pytest.mark.parametrize(
    ("proof", "more"),
    [
        ({"state": "proven", "proven_ms": 7}, "last seen @5 · proven at @7"),
        ({"state": "amber", "proven_ms": 7}, "last seen @5 · last proven at @7"),
        ({"state": "failed", "proven_ms": 7}, "last seen @5 · last proven at @7"),
        ({"state": "proving", "proven_ms": None}, "last seen @5"),
        ({}, "last seen @5"),
    ],
)
def test_the_hub_says_when_it_last_proved_itself(proof: Proof, more: str) -> None:
    status: Status = {"hub": {"state": "up", "seen_ms": 5}, "proof": proof}
    assert part_facts(status, ENGLISH, clock)[0].more == more


def test_the_connection_s_notice_stands_before_all_others() -> None:
    words = "Connection Failure: Invalid PSK Received"
    assert notices({"notices": ["full disk"], "proof": {"notice": words}}) == (words, "full disk")
    assert notices({"notices": ["full disk"], "proof": {"notice": ""}}) == ("full disk",)
    assert notices({}) == ()
