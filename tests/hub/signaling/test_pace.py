"""Whoever speaks too fast is read more slowly, for a bounded time, and a new socket is no way around it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.hub.signaling.pace import Paces


def test_a_burst_is_free_and_then_the_rate_counts() -> None:
    paces = Paces(20, 40)
    assert [paces.spend("a", 0) for _ in range(40)] == [0] * 40
    assert paces.spend("a", 0) == pytest.approx(1 / 20)
    assert paces.spend("b", 0) == 0
    assert paces.spend("a", 3) == 0


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=400))
def test_whoever_waits_as_told_never_exceeds_burst_and_rate(pauses: list[float]) -> None:
    paces, now = Paces(20, 40), 0.0
    for count, pause in enumerate(pauses):
        assert count <= 40 + 20 * now + 1e-6
        now += paces.spend("a", now) + pause


def test_nobody_waits_for_ever_however_often_it_did_not_wait() -> None:
    paces = Paces(20, 40)
    assert max(paces.spend("a", 0) for _ in range(10_000)) == pytest.approx(5)


def test_those_who_rest_are_forgotten() -> None:
    paces = Paces(20, 40)
    for name in ("a", "b"):
        paces.spend(name, 0)
    paces.spend("b", 10)
    paces.forget_idle(10)
    assert set(paces._levels) == {"b"}
