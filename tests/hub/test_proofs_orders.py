"""What bounds the proofs of one station, what IT may order about its keys, and what it reads of them."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from agent.domain.effects import Keep, Post, Reply
from agent.domain.events import NotSaved
from agent.domain.messages import AuthConfirm, AuthHello, AuthRefused, PskOffer, PskRequest
from agent.hub.accounts import make_bundle
from agent.hub.keys_report import alarms, report
from agent.hub.proofs import (
    CALL_PAUSE_S,
    CALLS_AT_ONCE,
    OPENS_AT_ONCE,
    WORDS_AT_ONCE,
    ExpireAsked,
    ReplaceAsked,
)
from tests.hub.key_hub import LIFE_MS, KeyHub
from tests.hub.told import START_MS, at

# limits


def test_a_station_that_begins_on_and_on_is_passed_over_and_let_in_again_after_a_pause() -> None:
    hub = KeyHub("anna", "ben")
    hello = AuthHello(psk_id="A" * 11, gen=1, n_s="A" * 43, mac="A" * 43)
    answered = sum(len(hub.hear("auth.hello", hello)) for _ in range(OPENS_AT_ONCE + 30))
    assert answered == OPENS_AT_ONCE
    assert hub.row()["passed_over"] == 30
    assert hub.hear("psk.request", PskRequest(round="0" * 32, psk_id="A" * 11, backup_id="A" * 11)) == []
    assert hub.prove(hub.side("ben"), "ben") == ["Admitted"]
    hub.now = 2
    assert hub.prove() == ["Admitted"]


def test_a_flood_of_confirms_costs_as_many_answers_as_a_station_ever_needs() -> None:
    hub = KeyHub()
    confirm = AuthConfirm(n_s="A" * 43, n_h="A" * 43, mac="A" * 43)
    assert sum(len(hub.hear("auth.confirm", confirm)) for _ in range(WORDS_AT_ONCE + 50)) == WORDS_AT_ONCE


def test_a_station_that_crashes_every_few_seconds_in_its_handshake_is_never_locked_out() -> None:
    hub = KeyHub()
    for crash in range(200):
        hub.now = 4.0 * crash
        (said,) = hub.anna.go_on(hub.anna.begin())
        assert hub.hear(said.type, said.params) != []
        assert len(hub.proofs._talks._open["anna"].doors.open) <= 4
    hub.now += 1
    assert hub.prove() == ["Admitted"]


# what IT wants


def test_a_key_that_it_lets_expire_ends_the_session_and_is_renewed() -> None:
    hub = KeyHub("anna", "ben")
    assert hub.prove() == ["Admitted"]
    told = hub.ask(ExpireAsked(("anna", "ben"), 7))
    assert [(post.recipients, post.type, post.channel) for post in told] == [(("anna",), "auth.refused", "auth")]
    assert [effect.ticket for effect in hub.effects if isinstance(effect, Reply) and effect.error is None] == [7]
    kinds = [type(effect).__name__ for effect in hub.effects]
    assert kinds.index("Post") > max(i for i, kind in enumerate(kinds) if kind == "Keep")
    hub.anna.ends = []
    assert hub.anna.go_on(hub.anna.hear(told[0].params)) == []
    assert hub.anna.codes == ["expired"]
    assert hub.prove() == ["expired"]
    assert (hub.row()["state"], hub.row()["until_ms"]) == ("expired", None)
    assert hub.renew() == ["Renewed"]
    assert hub.prove() == ["Admitted"]
    assert hub.row()["state"] == "fresh"
    assert hub.prove(hub.side("ben"), "ben") == ["expired"]


def test_of_many_stations_whose_keys_expire_at_once_a_few_hear_of_it_at_once() -> None:
    names = tuple(f"s{number}" for number in range(CALLS_AT_ONCE + 10))
    hub = KeyHub("anna", *names)
    for name in names:
        assert hub.prove(hub.side(name), name) == ["Admitted"]
    assert len(hub.ask(ExpireAsked(names, 7))) == CALLS_AT_ONCE
    called = set[str]()
    for turn in range(1, 11):
        effects = hub.proofs.woke(at(hub.now + turn * CALL_PAUSE_S))
        called |= {post.recipients[0] for post in effects if isinstance(post, Post)}
        assert len(called) == turn
    assert called == set(names[CALLS_AT_ONCE:])
    assert not any(isinstance(effect, Post) for effect in hub.proofs.woke(at(hub.now + 60)))


def test_a_door_that_was_open_when_the_key_expired_leads_nowhere() -> None:
    hub = KeyHub()
    (said,) = hub.anna.go_on(hub.anna.begin())
    (proof,) = hub.hear(said.type, said.params)
    (confirm,) = hub.anna.go_on(hub.anna.hear(proof))
    hub.ask(ExpireAsked(("anna",), 1))
    (refused,) = hub.hear(confirm.type, confirm.params)
    assert isinstance(refused, AuthRefused)
    assert refused.code == "again"


def test_a_session_is_called_off_once_and_not_after_its_end() -> None:
    hub = KeyHub()
    hub.prove()
    assert hub.ask(ExpireAsked(("anna",), 1))
    assert hub.ask(ExpireAsked(("anna",), 2)) == []
    hub.renew()
    hub.prove()
    hub.now = 8 * 3600
    assert hub.ask(ExpireAsked(("anna",), 3)) == []


def test_a_pending_key_expires_with_the_current_one_and_still_renews() -> None:
    hub = KeyHub()
    hub.anna.saves = False
    hub.renew()
    pending = hub.account().pending
    assert pending is not None
    hub.anna.bundle, hub.anna.saves = pending, True
    hub.ask(ExpireAsked(("anna",), 1))
    assert hub.prove() == ["expired"]
    assert hub.renew() == ["Renewed"]
    assert (hub.prove(), hub.account().current.gen) == (["Admitted"], 3)


def test_a_replaced_key_counts_no_more_at_once_nor_does_the_pending_one() -> None:
    hub = KeyHub()
    hub.prove()
    hub.anna.saves = False
    hub.renew()
    stolen, pending = hub.anna.bundle, hub.account().pending
    assert pending is not None
    fresh = make_bundle(1, START_MS, LIFE_MS)
    (told,) = hub.ask(ReplaceAsked("anna", fresh, 9))
    assert isinstance(told.params, AuthRefused)
    assert told.params.code == "replaced"
    assert hub.account().current == replace(fresh, gen=3)
    assert hub.account().pending is None
    for old in (stolen, pending):
        hub.anna.bundle = old
        assert hub.prove() == ["replaced"]
        assert hub.renew() == ["replaced"]
    assert hub.row()["state"] == "awaited"
    assert alarms(hub.proofs, hub.site.core.ledger) == []
    hub.anna.bundle, hub.anna.saves = hub.account().current, True
    assert hub.prove() == ["Admitted"]
    assert hub.row()["state"] == "fresh"
    assert hub.renew() == ["Renewed"]
    hub.anna.bundle = stolen
    assert hub.prove() == ["replaced"]
    assert len(alarms(hub.proofs, hub.site.core.ledger)) == 1


def test_a_round_under_the_old_backup_ends_with_its_replacement() -> None:
    hub = KeyHub()
    offer = hub.until(PskOffer)
    hub.ask(ReplaceAsked("anna", make_bundle(1, START_MS, LIFE_MS), 9))
    (refused,) = hub.hear(offer.type, offer.params)
    assert isinstance(refused, AuthRefused)
    assert hub.account().pending is None


@pytest.mark.parametrize(
    "make", [lambda t: ExpireAsked(("anna",), t), lambda t: ReplaceAsked("anna", make_bundle(1, 0, 1), t)]
)
def test_it_is_told_when_nothing_can_be_saved(make: Callable[[int], object]) -> None:
    hub = KeyHub()
    hub.site.core.handle(NotSaved("full", ""), at())
    (reply,) = hub.site.core.handle(make(4), at())
    assert isinstance(reply, Reply)
    assert reply.error is not None
    assert hub.account().current == hub.proofs.accounts["anna"].current


def test_a_station_that_is_shown_out_is_forgotten_with_its_proof() -> None:
    hub = KeyHub()
    hub.prove()
    assert hub.proofs.drop("anna") == [Keep("proof", "anna", None)]
    assert hub.proofs.drop("anna") == []
    assert hub.prove() == []
    assert report(hub.proofs, hub.site.core.ledger, START_MS) == []


# the report


@pytest.mark.parametrize(("gone", "state"), [(0, "fresh"), (79, "fresh"), (80, "due"), (99, "due"), (100, "expired")])
def test_the_report_says_how_much_of_a_life_is_gone(gone: int, state: str) -> None:
    hub = KeyHub()
    hub.prove()
    hub.now = LIFE_MS / 1000 * gone / 100
    assert (hub.row()["gone_percent"], hub.row()["state"]) == (gone, state)


def test_a_station_that_never_came_is_listed_as_such_and_one_without_membership_is_not() -> None:
    hub = KeyHub("anna", "ben")
    rows = report(hub.proofs, hub.site.core.ledger, START_MS)
    assert [(row["station"], row["state"], row["proven_ms"]) for row in rows] == [
        ("anna", "never-proven", None),
        ("ben", "never-proven", None),
    ]
    hub.site.append("member.revoke", "ben", {})
    assert [row["station"] for row in report(hub.proofs, hub.site.core.ledger, START_MS)] == ["anna"]
