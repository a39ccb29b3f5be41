"""The hub's side of the handshake: the same answer to the same word, four doors, and never more than is on disk."""

from typing import Any

import pytest
from msgspec.structs import replace

from agent.domain.bundle import Held
from agent.domain.events import Woke
from agent.wire.acts import Act, Entered, Hold, Wake
from agent.wire.hello.hub import SESSION_MS, Asked, Confirmed, Doors, hub_hello
from agent.wire.hello.station import Begin, Hello, hello
from tests.wire.stage import FRESH, KEYS, handshake, said, verdict
from tests.wire.symbols import NOW, NOW_MS, PAIR, bundle, chance, later

H = handshake("this")
HELD, BOTH = Held(KEYS), Held(KEYS, FRESH)


def _open(names: list[str]) -> tuple[Doors, dict[str, Any]]:
    """Open a door for each name; returns them and each confirm."""
    doors, confirms = Doors(PAIR), {}
    for name in names:
        asked, acts = hello(Hello(PAIR), Begin(KEYS, chance(f"{name} n_s")), NOW)
        doors, acts = hub_hello(doors, HELD, Asked(said(acts), chance(f"{name} n_h")), NOW)
        confirms[name] = said(hello(asked, said(acts), NOW)[1])
    return doors, confirms


def _confirm(doors: Doors, params: Any, held: Held = HELD) -> tuple[Doors, list[Act]]:
    return hub_hello(doors, held, Confirmed(params, bytes(16), ("cook",)), NOW)


def test_a_session_lasts_eight_hours_from_the_confirm() -> None:
    _, acts = _confirm(H.answered, H.a3)
    assert (said(acts).until, said(acts).hub_time) == (NOW_MS + SESSION_MS, NOW_MS)
    assert acts[-1] == Entered(said(acts).session, NOW_MS + SESSION_MS)


def test_the_same_hello_gets_the_same_answer_and_opens_no_second_door() -> None:
    doors, acts = hub_hello(H.answered, HELD, Asked(H.a1, chance("other chance")), later(50))
    assert (said(acts), doors) == (H.a2, H.answered)


def test_the_same_confirm_gets_the_same_answer_behind_a_write() -> None:
    entered, acts = _confirm(H.answered, H.a3)
    after, again = hub_hello(entered, HELD, Confirmed(H.a3, chance("other", 16), ()), later(5))
    assert again[0] == Hold(KEYS, None)
    assert (said(again), after) == (said(acts), entered)
    assert not any(isinstance(act, Entered) for act in again)


def test_a_door_closes_after_two_minutes() -> None:
    assert hub_hello(H.answered, HELD, Woke(), later(119.9))[0] == H.answered
    assert hub_hello(H.answered, HELD, Woke(), later(120))[0].open == ()
    assert Wake(120.0) in hub_hello(Doors(PAIR), HELD, Asked(H.a1, chance("n_h")), NOW)[1]


def test_a_fifth_door_ends_the_oldest_and_only_that() -> None:
    doors, confirms = _open(["1", "2", "3", "4", "5"])
    assert len(doors.open) == 4
    assert verdict(_confirm(doors, confirms["1"])[1]) == "again"
    for name in ("2", "3", "4", "5"):
        assert any(isinstance(act, Entered) for act in _confirm(doors, confirms[name])[1])


def test_a_hello_that_is_refused_opens_no_door_and_ends_none() -> None:
    doors, confirms = _open(["1", "2", "3", "4"])
    doors, acts = hub_hello(doors, HELD, Asked(replace(H.a1, mac=H.a2.mac), chance("n_h")), NOW)
    assert verdict(acts) == "invalid"
    assert any(isinstance(act, Entered) for act in _confirm(doors, confirms["1"])[1])


def test_after_a_restart_the_station_is_told_to_begin_again() -> None:
    assert verdict(_confirm(Doors(PAIR), H.a3)[1]) == "again"


def test_a_hello_doubled_over_a_restart_makes_nobody_a_liar() -> None:
    # The station believed the first run's nonce; the second run has answered the same hello with another.
    doors, _ = hub_hello(Doors(PAIR), HELD, Asked(H.a1, chance("the second run's n_h")), NOW)
    doors, acts = _confirm(doors, H.a3)
    assert (verdict(acts), doors.open) == ("again", ())


def test_who_comes_with_the_pending_keys_makes_them_the_current_ones_first() -> None:
    talk = handshake(keys=FRESH, held=BOTH)
    _, acts = _confirm(talk.answered, talk.a3, BOTH)
    assert [type(act) for act in acts][:2] == [Hold, type(acts[1])]
    assert acts[0] == Hold(FRESH, None)
    assert said(acts).session


def test_who_comes_with_the_current_keys_changes_nothing_on_disk() -> None:
    talk = handshake(keys=KEYS, held=BOTH)
    assert not any(isinstance(act, Hold) for act in _confirm(talk.answered, talk.a3, BOTH)[1])


@pytest.mark.parametrize(
    ("mine", "held", "code"),
    [
        (bundle("old", gen=4), Held(bundle("now", gen=5)), "replaced"),  # a station set back
        (bundle("new", gen=6), Held(bundle("now", gen=5)), "restored"),  # a hub set back
        (bundle("new", gen=7), Held(bundle("now", gen=5), bundle("next", gen=6)), "restored"),
        (bundle("else", gen=5), Held(bundle("now", gen=5)), "unknown"),
        # a hub set back to when other keys were on their way; or two copies of one station
        (bundle("else", gen=6), Held(bundle("now", gen=5), bundle("next", gen=6)), "restored"),
    ],
)
def test_a_side_that_was_set_back_is_told_so_and_never_accepted(mine: Any, held: Held, code: str) -> None:
    _, acts = hub_hello(Doors(PAIR), held, Asked(handshake(keys=mine).a1, chance("n_h")), NOW)
    assert verdict(acts) == code


def test_an_expired_key_opens_no_door() -> None:
    last, over = later((KEYS.not_after - NOW_MS - 1) / 1000), later((KEYS.not_after - NOW_MS) / 1000)
    assert verdict(hub_hello(Doors(PAIR), HELD, Asked(H.a1, chance("n_h")), last)[1]) == "in"
    assert verdict(hub_hello(Doors(PAIR), HELD, Asked(H.a1, chance("n_h")), over)[1]) == "expired"


def test_no_state_event_or_act_shows_a_key() -> None:
    shown = repr([H.answered, BOTH, _confirm(H.answered, H.a3), Hold(KEYS, FRESH)])
    for key in (KEYS.psk, KEYS.backup, FRESH.psk, FRESH.backup, PAIR.psk_key(KEYS)):
        assert repr(key)[2:-1] not in shown
        assert key.hex() not in shown
