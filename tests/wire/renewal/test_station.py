"""The station's side of the renewal: it saves what is proven, and knows at every moment which keys it has."""

import pytest
from msgspec.structs import replace

from agent.domain.events import Woke
from agent.domain.messages import AuthRefused, PskReady
from agent.wire.acts import Act, Fail, Listen, Lost, Renewed, Save, Say, Unlisten, Wake, channel_of
from agent.wire.renewal.station import Listening, NotSaved, Renew, Renewal, Saved, renewal
from tests.wire.stage import FRESH, KEYS, renewing, said
from tests.wire.symbols import NOW, PAIR, bundle, chance, later, round_name

R = renewing("this")
BEGIN = Renew(KEYS, round_name("this"), chance("this r_s"), FRESH)
CHANNEL = channel_of(BEGIN.round)
REQUESTED, REQUEST = renewal(Renewal(PAIR), BEGIN, NOW)
SAVING, SAVE = renewal(R.offered, R.answer, NOW)


def _kinds(acts: list[Act]) -> list[type]:
    return [type(act) for act in acts]


def test_a_round_from_its_request_to_the_new_keys() -> None:
    state, acts = renewal(REQUESTED, PskReady(round=BEGIN.round), later(1))
    assert acts == [Listen(CHANNEL), Wake(121.0)]
    state, acts = renewal(state, Listening(), later(1))
    assert said(acts) == R.hello
    state, acts = renewal(state, R.proof, later(2))
    assert said(acts) == R.offer
    state, acts = renewal(state, R.answer, later(3))
    (save,) = acts
    assert isinstance(save, Save)
    assert (save.bundle.psk, save.bundle.not_after, save.bundle.gen) == (FRESH.psk, R.answer.not_after, 2)
    state, acts = renewal(state, Saved(), later(4))
    assert (said(acts), acts[1:]) == (R.use, [Unlisten(CHANNEL), Renewed()])
    assert state == Renewal(PAIR)


def test_a_hub_that_is_not_ready_is_waited_for_30_seconds_and_then_listened_to_all_the_same() -> None:
    state, times = REQUESTED, []
    for second in range(1, 30):
        state, acts = renewal(state, Woke(), later(second))
        if any(isinstance(act, Say) for act in acts):
            assert said(acts) == said(REQUEST)
            times.append(second)
        assert state.phase == "requested"
        assert Wake(30.0) in acts
    assert times == [5, 15]
    after, acts = renewal(state, Woke(), later(30))
    assert (after.phase, acts) == ("ready", [Listen(CHANNEL), Wake(150.0)])


@pytest.mark.parametrize(("state", "word"), [(R.greeted, R.hello), (R.offered, R.offer)])
def test_the_last_word_is_repeated_byte_for_byte_at_5_15_and_45_seconds(state: Renewal, word: object) -> None:
    times = []
    for second in range(1, 120):
        state, acts = renewal(state, Woke(), later(second))
        if any(isinstance(act, Say) for act in acts):
            assert said(acts) == word
            times.append(second)
    assert times == [5, 15, 45]


@pytest.mark.parametrize(("state", "code"), [(R.greeted, "timeout-greeted"), (R.offered, "timeout-offered")])
def test_it_gives_up_after_two_minutes_and_not_before(state: Renewal, code: str) -> None:
    assert renewal(state, Woke(), later(119.999))[0].phase == state.phase
    after, acts = renewal(state, Woke(), later(120))
    assert (after, acts) == (Renewal(PAIR), [Unlisten(CHANNEL), Fail(code)])


def test_a_channel_that_never_opens_ends_the_round_after_two_minutes() -> None:
    state, _ = renewal(REQUESTED, PskReady(round=BEGIN.round), later(1))
    assert renewal(state, Woke(), later(120.999)) == (state, [Wake(121.0)])
    assert renewal(state, Woke(), later(121)) == (Renewal(PAIR), [Unlisten(CHANNEL), Fail("timeout-ready")])


def test_a_wrong_proof_ends_the_round_and_tells_the_hub() -> None:
    _, acts = renewal(R.greeted, replace(R.proof, mac=R.offer.mac), NOW)
    assert said(acts).code == "invalid-backup"
    assert acts[-1] == Fail("invalid-backup")


def test_a_disk_that_takes_nothing_leaves_the_old_keys() -> None:
    after, acts = renewal(SAVING, NotSaved(), NOW)
    assert (after, acts) == (Renewal(PAIR), [Unlisten(CHANNEL), Fail("not-saved")])


def test_a_lost_connection_ends_a_round_but_not_a_write() -> None:
    for state in (REQUESTED, R.greeted, R.offered):
        assert renewal(state, Lost(), NOW) == (Renewal(PAIR), [])
    assert renewal(SAVING, Lost(), NOW) == (SAVING, [])
    assert Renewed() in renewal(SAVING, Saved(), NOW)[1]


def test_nothing_new_begins_while_the_keys_are_being_written() -> None:
    another = Renew(KEYS, round_name("another"), chance("another"), bundle("third", gen=2))
    assert renewal(SAVING, another, NOW) == (SAVING, [])


def test_a_new_round_ends_the_one_before() -> None:
    another = Renew(KEYS, round_name("another"), chance("another"), bundle("third", gen=2))
    state, acts = renewal(R.offered, another, NOW)
    assert acts[0] == Unlisten(CHANNEL)
    assert state.round == another.round
    assert renewal(state, R.answer, NOW) == (state, [])


@pytest.mark.parametrize("code", ["again", "replaced", "restored", "unknown"])
def test_why_the_hub_refuses_is_told(code: str) -> None:
    refused = AuthRefused(about=BEGIN.round, code=code)
    assert renewal(R.offered, refused, NOW)[1][-1] == Fail(code)
    assert renewal(REQUESTED, refused, NOW)[1] == [Fail(code)]


def test_no_state_event_or_act_shows_a_key_and_none_stays() -> None:
    shown = repr([R, BEGIN, REQUEST, SAVE, SAVING])
    for key in (KEYS.psk, KEYS.backup, FRESH.psk, FRESH.backup, PAIR.backup_key(KEYS)):
        assert repr(key)[2:-1] not in shown
        assert key.hex() not in shown
    for event in (Saved(), NotSaved()):
        state, _ = renewal(SAVING, event, NOW)
        assert (state.bundle, state.fresh, state.said) == (None, None, None)
    assert _kinds(SAVE) == [Save]
