"""Pauses after a server's "later" grow from 15 s to 15 min and end with success; a "never" lasts for hours."""

from hypothesis import given
from hypothesis import strategies as st

from agent.links.mail.backing import ALL, FIRST_S, LONGEST_S, NEVER_S, Backing

HERE, THERE = "here@mail.test", "there@mail.test"


def is_open(backing: Backing, now: float, station: str = "bert", address: str = HERE) -> bool:
    return backing.is_open(station, address, now)


def test_a_way_is_closed_for_15_seconds_then_for_twice_as_long_up_to_15_minutes() -> None:
    backing, now, pauses = Backing(), 1000.0, list[float]()
    for _ in range(9):
        pause = backing.later("bert", now, chance=0)
        assert not is_open(backing, now + pause - 0.001)
        assert is_open(backing, now + pause)
        pauses.append(pause)
        now += pause
    assert pauses == [15, 30, 60, 120, 240, 480, 900, 900, 900]


@given(st.integers(0, 12), st.floats(0, 1))
def test_chance_makes_a_pause_longer_but_never_longer_than_the_longest(failures: int, chance: float) -> None:
    backing, now = Backing(), 0.0
    for _ in range(failures):
        now += backing.later("bert", now, 0.0)
    bound = min(LONGEST_S, FIRST_S * 2**failures)
    assert bound <= backing.later("bert", now, chance) <= min(LONGEST_S, bound * 1.25)


def test_several_mails_that_fail_together_are_one_failure() -> None:
    backing = Backing()
    assert backing.later("bert", 100, 0) == 15
    assert backing.later("bert", 101, 0) == 14
    assert is_open(backing, 115)


def test_others_are_open_meanwhile_unless_it_concerns_all() -> None:
    backing = Backing()
    backing.later("bert", 0, 0)
    assert is_open(backing, 1, "carl")
    backing.later(ALL, 1, 0)
    assert not is_open(backing, 2, "carl")


def test_the_next_opening_is_told_as_long_as_there_is_one() -> None:
    backing = Backing()
    assert backing.next_opening(0) is None
    backing.later("bert", 0, 0)
    backing.later(ALL, 5, 0)
    assert [backing.next_opening(now) for now in (1, 15, 20)] == [15, 20, None]


def test_success_makes_the_next_pause_short_again_for_the_station_and_for_all() -> None:
    backing, now = Backing(), 0.0
    for name in ("bert", ALL):
        for _ in range(3):
            now += backing.later(name, now, 0)
    backing.sent("bert")
    assert (backing.later("bert", now, 0), backing.later(ALL, now, 0)) == (15, 15)


def test_never_lasts_until_the_address_is_another_or_hours_have_passed() -> None:
    backing = Backing()
    backing.never("bert", HERE, 100.0)
    assert not is_open(backing, 100.0)
    assert not is_open(backing, 99.0 + NEVER_S)
    assert backing.next_opening(200.0) == 100.0 + NEVER_S
    assert is_open(backing, 100.0 + NEVER_S)
    assert is_open(backing, 100.0, address=THERE)
    assert is_open(backing, 100.0, "carl")
