"""A session that has begun ends when the hub calls it off, and by nothing else that is said about its nonce."""

from typing import Any

import pytest

from agent.domain.bundle import Bundle, Held
from agent.domain.events import Instant
from agent.domain.keys import to_b64u
from agent.domain.messages import AuthRefused
from agent.wire.acts import Fail, Say
from agent.wire.hello.hub import Asked, Confirmed, Doors, hub_hello
from agent.wire.hello.station import CALLED_OFF, Begin, Hello, hello
from agent.wire.macs import Pair

PAIR = Pair("s1", "anna", b"h" * 16)
BUNDLE = Bundle(1, b"p" * 8, b"P" * 32, 10**13, b"b" * 8, b"B" * 32)
NOW = Instant(1000.0, 1_750_000_000_000)
N_S = b"n" * 32


def params_of(acts: list[Any]) -> Any:
    """The one thing that is said."""
    (said,) = (act.params for act in acts if isinstance(act, Say))
    return said


def proven() -> Hello:
    """A station that has just been let in."""
    doors, held = Doors(PAIR), Held(BUNDLE)
    station, acts = hello(Hello(PAIR), Begin(BUNDLE, N_S), NOW)
    doors, acts = hub_hello(doors, held, Asked(params_of(acts), b"h" * 32), NOW)
    station, acts = hello(station, params_of(acts), NOW)
    doors, acts = hub_hello(doors, held, Confirmed(params_of(acts), b"s" * 16, ("bar",)), NOW)
    station, acts = hello(station, params_of(acts), NOW)
    assert station.phase == "proven"
    return station


def refused(code: str, n_s: bytes = N_S) -> AuthRefused:
    return AuthRefused(about=to_b64u(n_s), code=code)


def test_a_proven_station_keeps_its_nonce_and_no_key() -> None:
    station = proven()
    assert (station.n_s, station.bundle, station.th, station.said) == (N_S, None, b"", None)


@pytest.mark.parametrize("code", sorted(CALLED_OFF))
def test_a_session_that_is_called_off_is_over_with_its_reason(code: str) -> None:
    station, acts = hello(proven(), refused(code), NOW)
    assert acts == [Fail(code)]
    assert station == Hello(station.pair, station.times)
    assert hello(station, refused(code), NOW) == (station, [])


@pytest.mark.parametrize("code", ["again", "invalid", "unknown", "restored", "whatever"])
def test_what_else_is_said_about_a_session_means_nothing(code: str) -> None:
    station = proven()
    assert hello(station, refused(code), NOW) == (station, [])


def test_the_end_of_another_session_is_not_the_end_of_this_one() -> None:
    station = proven()
    assert hello(station, refused("expired", b"m" * 32), NOW) == (station, [])


def test_after_it_is_called_off_a_station_may_begin_anew() -> None:
    station, _ = hello(proven(), refused("expired"), NOW)
    station, acts = hello(station, Begin(BUNDLE, b"m" * 32), NOW)
    assert station.phase == "asked"
    assert params_of(acts).n_s == to_b64u(b"m" * 32)
