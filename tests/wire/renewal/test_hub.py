"""The hub's side of the renewal: nothing is said to be on disk before it is, and nothing is dropped before its time."""

import pytest
from msgspec.structs import replace

from agent.domain.bundle import LIFE_MS, Held
from agent.domain.events import Woke
from agent.domain.messages import PskFailed, PskRequest
from agent.wire.acts import AUTH, Hold, Say, Wake
from agent.wire.renewal.hub import Failed, Greeted, Offered, Requested, Round, Used, hub_renewal
from tests.wire.stage import FRESH, KEYS, renewing, said, verdict
from tests.wire.symbols import NOW, NOW_MS, PAIR, bundle, chance, later, round_name

R = renewing("this")
HELD = Held(KEYS)
STORED = replace(FRESH, not_after=NOW_MS + LIFE_MS)
BOTH = Held(KEYS, STORED)
NONE = Round(PAIR)


def test_a_request_is_answered_and_changes_nothing() -> None:
    request = PskRequest(round=R.hello.round, psk_id="A" * 11, backup_id="A" * 11)
    for state in (NONE, R.proven, R.stored):
        after, acts = hub_renewal(state, HELD, Requested(request), NOW)
        assert after == state
        assert [(act.type, act.channel) for act in acts if isinstance(act, Say)] == [("psk.ready", AUTH)]


def test_new_keys_are_held_beside_the_old_ones_before_the_hub_says_so() -> None:
    _, acts = hub_renewal(R.proven, HELD, Offered(R.offer), NOW)
    assert acts[0] == Hold(KEYS, STORED)
    assert said(acts) == R.answer


def test_the_site_decides_how_long_keys_are_good() -> None:
    _, acts = hub_renewal(R.proven, HELD, Offered(R.offer, life_ms=1000), later(2))
    assert (said(acts).not_after, said(acts).life_ms) == (NOW_MS + 3000, 1000)


def test_a_repeated_hello_gets_the_same_proof() -> None:
    after, acts = hub_renewal(R.proven, HELD, Greeted(R.hello, chance("other")), later(5))
    assert (after, said(acts)) == (R.proven, R.proof)


def test_a_repeated_offer_gets_the_same_answer_behind_a_write() -> None:
    after, acts = hub_renewal(R.stored, BOTH, Offered(R.offer), later(9))
    assert (after, acts[0], said(acts)) == (R.stored, Hold(KEYS, STORED), R.answer)


def test_a_late_hello_does_not_say_that_the_keys_are_on_disk() -> None:
    assert hub_renewal(R.stored, BOTH, Greeted(R.hello, chance("other")), NOW) == (R.stored, [])


def test_the_pending_keys_become_the_current_ones_when_the_station_uses_them() -> None:
    for state in (NONE, R.proven, R.stored):
        assert hub_renewal(state, BOTH, Used(R.use), NOW) == (NONE, [Hold(STORED, None)])


def test_who_renews_with_the_pending_backup_has_it_on_disk() -> None:
    round_ = renewing("next", keys=STORED, fresh=bundle("third", gen=3))
    after, acts = hub_renewal(NONE, BOTH, Greeted(round_.hello, chance("next r_h")), NOW)
    assert acts[0] == Hold(STORED, None)
    assert (after, said(acts)) == (round_.proven, round_.proof)


def test_a_new_round_replaces_pending_keys_that_nobody_used() -> None:
    round_ = renewing("next", fresh=bundle("third", gen=2))
    state, acts = hub_renewal(R.stored, BOTH, Greeted(round_.hello, chance("next r_h")), NOW)
    assert not any(isinstance(act, Hold) for act in acts)
    _, acts = hub_renewal(state, BOTH, Offered(round_.offer), NOW)
    (hold,) = (act for act in acts if isinstance(act, Hold))
    assert hold.pending is not None
    assert (hold.current, hold.pending.psk) == (KEYS, bundle("third").psk)


def test_an_offer_to_the_last_run_of_the_hub_makes_nobody_a_liar() -> None:
    # The station believed the first run's nonce; the second run has answered the same hello with another.
    state, _ = hub_renewal(NONE, HELD, Greeted(R.hello, chance("the second run's r_h")), NOW)
    after, acts = hub_renewal(state, HELD, Offered(R.offer), NOW)
    assert (after, verdict(acts)) == (state, "again")


def test_an_offer_under_keys_replaced_meanwhile_is_not_taken() -> None:
    assert verdict(hub_renewal(R.proven, Held(STORED), Offered(R.offer), NOW)[1]) == "again"


def test_a_round_ends_after_two_minutes_and_leaves_the_pending_keys() -> None:
    for state in (R.proven, R.stored):
        assert hub_renewal(state, BOTH, Woke(), later(119.9)) == (state, [])
        assert hub_renewal(state, BOTH, Woke(), later(120)) == (NONE, [])
    assert Wake(120.0) in hub_renewal(NONE, HELD, Greeted(R.hello, chance("this r_h")), NOW)[1]


def test_a_station_may_end_its_own_round_only() -> None:
    mine, other = (PskFailed(round=name, code="invalid-backup") for name in (R.hello.round, round_name("other")))
    assert hub_renewal(R.proven, HELD, Failed(mine), NOW) == (NONE, [])
    assert hub_renewal(R.proven, HELD, Failed(other), NOW) == (R.proven, [])


def test_an_expired_bundle_is_still_renewed() -> None:
    assert verdict(hub_renewal(NONE, HELD, Greeted(R.hello, chance("n")), later(400 * 86_400))[1]) == "in"


@pytest.mark.parametrize(
    ("gen", "held", "code"),
    [
        (4, Held(bundle("now", gen=5)), "replaced"),  # a station set back
        (6, Held(bundle("now", gen=5)), "restored"),  # a hub set back
        (5, Held(bundle("now", gen=5)), "unknown"),
    ],
)
def test_a_side_that_was_set_back_is_told_so_and_never_accepted(gen: int, held: Held, code: str) -> None:
    greeting = renewing(keys=bundle("mine", gen), fresh=bundle("its next", gen + 1)).hello
    after, acts = hub_renewal(NONE, held, Greeted(greeting, chance("n")), NOW)
    assert (after, verdict(acts)) == (NONE, code)


def test_no_state_event_or_act_shows_a_key() -> None:
    shown = repr([R.proven, R.stored, BOTH, hub_renewal(R.proven, HELD, Offered(R.offer), NOW), Offered(R.offer)])
    for key in (KEYS.psk, KEYS.backup, FRESH.psk, FRESH.backup, PAIR.backup_key(KEYS)):
        assert repr(key)[2:-1] not in shown
        assert key.hex() not in shown
