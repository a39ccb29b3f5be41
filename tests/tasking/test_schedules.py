"""Whatever happens, in whatever order: one result, no number run twice, nothing begun twice that may be done once."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.tasking.schedule import DEEDS, OFTEN, Deed, first_wrong, play
from tests.tasking.weakened import WEAKENED

SMALL = st.integers(0, 11)
SCHEDULES = st.lists(st.builds(Deed, st.sampled_from([*OFTEN, *DEEDS]), SMALL, SMALL), min_size=50, max_size=50)
SEEDS = st.integers(0, 2**16)


A_SHORT_SLEEP = [
    *(Deed("wait"),) * 44,
    *(Deed("freeze", 1), Deed("wait", 9), Deed("wait", 10), Deed("cut", 1), Deed("thaw", 1), Deed("wait", 4)),
]
"""Found once: the worker woke from a sleep and counted what was left of its lease by the clock that had stood."""


@settings(max_examples=200)
@example(A_SHORT_SLEEP, 11)
@given(SCHEDULES, SEEDS)
def test_two_hundred_schedules_of_fifty_deeds_break_no_promise(deeds: list[Deed], seed: int) -> None:
    play(deeds, seed)


@settings(max_examples=60)
@given(SCHEDULES, SEEDS)
def test_the_same_promises_hold_by_mail(deeds: list[Deed], seed: int) -> None:
    play(deeds, seed, mail=True)


@pytest.mark.long
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("mail", [False, True])
def test_thousands_of_schedules_break_no_promise(mail: bool) -> None:
    assert first_wrong(range(10_000, 15_000), mail=mail) == ""


@pytest.mark.parametrize("rule", WEAKENED)
def test_each_rule_that_is_taken_out_is_missed(rule: str, monkeypatch: pytest.MonkeyPatch) -> None:
    weaken, wrong = WEAKENED[rule]
    weaken(monkeypatch)
    found = first_wrong(range(300))
    assert any(one in found for one in wrong), found
