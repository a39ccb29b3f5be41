"""How old the hub's word is, whatever the clocks did."""

from msgspec.structs import replace

from agent.domain.effects import Keep
from agent.domain.events import Instant
from agent.domain.heads import Head
from agent.station.ledger.freshness import GRACE_MS, Freshness

NOW = Instant(1000.0, 1_790_000_000_000)
YEAR_MS = 365 * GRACE_MS


def head(at: int, seq: int = 5) -> Head:
    return Head(seq, b"h" * 32, at, at + GRACE_MS, b"frame")


def test_a_word_from_a_clock_that_was_a_year_ahead_does_not_outlive_its_correction() -> None:
    """The hub's clock was wrong, and stations followed it: a list that is kept alive must be found all the same."""
    freshness = Freshness(None, None)
    ahead = replace(NOW, ms=NOW.ms + YEAR_MS)
    freshness.begin(ahead)
    freshness.take(head(ahead.ms), ahead)
    assert not freshness.stale(ahead)
    freshness.take(head(NOW.ms), NOW)
    assert freshness.head == head(NOW.ms)
    assert not freshness.stale(NOW)
    assert freshness.stale(replace(NOW, ms=NOW.ms + GRACE_MS))


def test_a_word_from_the_future_keeps_nothing_alive() -> None:
    freshness = Freshness(head(NOW.ms + YEAR_MS), NOW.ms)
    assert not freshness.stale(NOW)
    assert freshness.stale(replace(NOW, ms=NOW.ms + GRACE_MS))
    assert not freshness.stale(replace(NOW, ms=NOW.ms + GRACE_MS, anchored=False))  # whose clock is wrong, who knows


def test_a_station_whose_clock_is_wrong_waits_for_the_hub_to_set_it_before_it_tells_anybody() -> None:
    ahead = replace(NOW, ms=NOW.ms + 3 * GRACE_MS, anchored=False)
    freshness = Freshness(head(NOW.ms), None)
    freshness.begin(ahead)
    assert freshness.stale(ahead)
    assert not any(type(effect).__name__ == "Tell" for effect in freshness.woke(ahead))
    assert not freshness.stale(replace(NOW, mono=NOW.mono + 1))


def test_a_station_that_began_with_a_clock_ahead_waits_a_day_and_not_until_then() -> None:
    freshness = Freshness(None, None)
    freshness.begin(replace(NOW, ms=NOW.ms + YEAR_MS, anchored=False))
    assert Keep("head", "since", NOW.ms) in freshness.woke(NOW)
    assert not freshness.stale(NOW)
    assert freshness.stale(replace(NOW, ms=NOW.ms + GRACE_MS))
