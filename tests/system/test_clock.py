"""The station's clock: counted from the hub's word, through sleep and through whatever the wall clock does."""

import time
from dataclasses import dataclass

from agent.system.clock import AnchoredClock

HUB_MS = 1_790_000_000_000


@dataclass
class Computer:
    """Three clocks as a computer has them: `wall` can be set, `mono` sleeps with the computer, `steady` does not."""

    wall: float = 1_700_000_000.0
    mono: float = 100.0
    steady: float = 100.0

    def clock(self) -> AnchoredClock:
        return AnchoredClock(lambda: self.wall, lambda: self.mono, lambda: self.steady)

    def run(self, seconds: float) -> None:
        self.wall, self.mono, self.steady = self.wall + seconds, self.mono + seconds, self.steady + seconds

    def sleep(self, seconds: float) -> None:
        self.wall, self.steady = self.wall + seconds, self.steady + seconds


def test_before_the_hub_has_spoken_the_computer_s_own_time_is_a_guess() -> None:
    now = Computer().clock().now()
    assert (now.ms, now.mono, now.anchored) == (1_700_000_000_000, 100.0, False)


def test_a_wall_clock_that_is_set_changes_nothing() -> None:
    computer = Computer()
    clock = computer.clock()
    clock.anchor(HUB_MS, 100.0)
    computer.wall += 10 * 365 * 86_400
    computer.run(5)
    assert clock.now().ms == HUB_MS + 5_000


def test_the_hub_s_word_counts_for_the_moment_it_was_said() -> None:
    computer = Computer()
    clock = computer.clock()
    computer.run(3)
    assert clock.anchor(HUB_MS, 101.0) == HUB_MS - 1_700_000_001_000
    assert clock.anchor(HUB_MS, 101.0) is None
    assert (clock.now().ms, clock.now().anchored) == (HUB_MS + 2_000, True)


def test_a_night_of_sleep_is_counted_though_the_monotonic_clock_slept() -> None:
    computer = Computer()
    clock = computer.clock()
    clock.anchor(HUB_MS, 100.0)
    computer.run(10)
    computer.sleep(8 * 3600)
    now = clock.now()
    assert (now.ms, now.mono) == (HUB_MS + 10_000 + 8 * 3_600_000, 110.0)


def test_the_real_clocks_agree_on_a_computer_that_is_awake() -> None:
    before = time.time() * 1000
    assert before - 50 <= AnchoredClock().now().ms <= time.time() * 1000 + 50


def test_what_the_hub_has_signed_says_what_time_it_is_at_least_and_an_older_word_says_less() -> None:
    computer = Computer()
    clock = computer.clock()
    assert clock.now().sure_ms == 0
    clock.not_before(HUB_MS)
    computer.run(5)
    computer.sleep(3600)
    assert (clock.now().sure_ms, clock.now().anchored) == (HUB_MS + 3_605_000, False)
    clock.not_before(HUB_MS + 60_000)
    assert clock.now().sure_ms == HUB_MS + 3_605_000
    clock.not_before(HUB_MS + 7_200_000)
    assert clock.now().sure_ms == HUB_MS + 7_200_000


def test_once_the_hub_has_told_the_time_nothing_else_counts() -> None:
    computer = Computer()
    clock = computer.clock()
    clock.not_before(HUB_MS + 10**9)
    clock.anchor(HUB_MS, 100.0)
    assert clock.now().sure_ms == HUB_MS
