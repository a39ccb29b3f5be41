"""The station's side of the handshake: patient, forgetful, and quick to begin anew."""

import pytest

from agent.domain.bundle import Bundle
from agent.domain.events import Woke
from agent.domain.messages import AuthRefused
from agent.wire.acts import Act, Admitted, Fail, Lost, Say, Verified, Wake
from agent.wire.hello.station import Begin, Hello, hello
from tests.wire.stage import KEYS, handshake, said
from tests.wire.symbols import NOW, PAIR, chance, later

H = handshake("this")


def _says(acts: list[Act]) -> list[object]:
    return [act.params for act in acts if isinstance(act, Say)]


def test_a_hub_with_the_key_is_verified_and_then_lets_us_in() -> None:
    confirmed, acts = hello(H.asked, H.a2, NOW)
    assert (acts[0], said(acts)) == (Verified(), H.a3)
    proven, acts = hello(confirmed, H.a4, NOW)
    assert acts == [Admitted(H.a4.session, H.a4.until, H.a4.hub_time, ("cook",))]
    assert proven.phase == "proven"


@pytest.mark.parametrize(("state", "word"), [(H.asked, H.a1), (H.confirmed, H.a3)])
def test_the_last_word_is_repeated_byte_for_byte_at_5_15_and_45_seconds(state: Hello, word: object) -> None:
    times = []
    for second in range(1, 120):
        state, acts = hello(state, Woke(), later(second))
        if _says(acts):
            assert _says(acts) == [word]
            times.append(second)
    assert times == [5, 15, 45]


@pytest.mark.parametrize("state", [H.asked, H.confirmed])
def test_it_asks_to_be_woken_for_each_of_its_times(state: Hello) -> None:
    asked = []
    now = 0.0
    while state.phase != "idle":
        state, acts = hello(state, Woke(), later(now))
        wakes = [act.mono for act in acts if isinstance(act, Wake)]
        asked += wakes
        now = wakes[0] if wakes else now
    assert list(dict.fromkeys(asked)) == [5, 15, 45, 120]


@pytest.mark.parametrize("state", [H.asked, H.confirmed])
def test_it_gives_up_after_two_minutes_and_not_before(state: Hello) -> None:
    assert hello(state, Woke(), later(119.999))[0].phase == state.phase
    after, acts = hello(state, Woke(), later(120))
    assert (after.phase, acts) == ("idle", [Fail("timeout")])


def test_each_word_has_its_own_two_minutes() -> None:
    confirmed, acts = hello(H.asked, H.a2, later(119))
    assert Wake(124.0) in acts
    assert hello(confirmed, Woke(), later(238.9))[0].phase == "confirmed"
    assert hello(confirmed, Woke(), later(239))[1] == [Fail("timeout")]


@pytest.mark.parametrize("code", ["unknown", "expired", "again", "replaced", "restored"])
def test_why_the_hub_refuses_is_told(code: str) -> None:
    after, acts = hello(H.confirmed, AuthRefused(about=H.a1.n_s, code=code), NOW)
    assert (after.phase, acts) == ("idle", [Fail(code)])


def test_a_new_beginning_ends_the_old_one() -> None:
    state, acts = hello(H.confirmed, Begin(KEYS, chance("another")), NOW)
    assert state.phase == "asked"
    assert said(acts).n_s != H.a1.n_s
    assert hello(state, H.a2, NOW) == (state, [])


def test_nothing_is_left_of_the_keys_when_it_is_over() -> None:
    over = [
        hello(H.confirmed, H.a4, NOW)[0],
        hello(H.asked, Woke(), later(120))[0],
        hello(H.confirmed, Lost(), NOW)[0],
        hello(H.asked, AuthRefused(about=H.a1.n_s, code="unknown"), NOW)[0],
    ]
    for state in over:
        assert (state.bundle, state.said, state.th) == (None, None, b"")


def test_no_state_event_or_act_shows_a_key() -> None:
    shown = repr([H, Begin(KEYS, b""), hello(H.asked, H.a2, NOW), PAIR])
    for key in (KEYS.psk, KEYS.backup, PAIR.psk_key(KEYS)):
        assert repr(key)[2:-1] not in shown
        assert key.hex() not in shown
    assert isinstance(H.asked.bundle, Bundle)
