"""What would keep a station out for ever: wrong clocks, channels nobody opens, keys that were read too early."""

import pytest

from agent.domain import effects as do
from agent.domain.effects import Anchor, Effect, Post
from agent.domain.events import KeysRead, KeysSaved, Woke
from agent.domain.messages import AuthHello, AuthRefused, PskRequest
from tests.station.hub_side import DAY_MS, bundle
from tests.station.scene import only
from tests.station.walk import Walk
from tests.walks.members import NOW_MS

YEAR_MS = 365 * DAY_MS
UNHEARD = "Connection Failure: Timeout During HMAC Request"


class WrongClock(Walk):
    """Its clock is the hub's once it has been told the time."""

    def take(self, effects: list[Effect]) -> list[Effect]:
        super().take(effects)
        if only(effects, Anchor):
            self.hub_ahead_ms = 0
        return effects


def wrong_clock(years: int, *, key_lives_days: int = 20) -> Walk:
    """A station whose clock is wrong, and a hub that knows what time it is."""
    off = years * YEAR_MS
    return WrongClock(ms=NOW_MS + off, hub_ahead_ms=-off, on_disk=bundle(not_after=NOW_MS + key_lives_days * DAY_MS))


@pytest.mark.parametrize("years", [-10, -1, 1, 10])
@pytest.mark.parametrize("key_lives_days", [20, -1])
def test_a_wrong_clock_keeps_no_station_out(years: int, key_lives_days: int) -> None:
    walk = wrong_clock(years, key_lives_days=key_lives_days).connect()
    if walk.state != "proven":
        walk.connect()
    assert walk.state == "proven"
    assert abs(only(walk.deeds, Anchor)[-1].hub_ms - NOW_MS) < 60_000
    assert walk.hub.held.pending is None
    assert walk.hub.held.current == walk.on_disk


@pytest.mark.parametrize("years", [-10, 10])
def test_a_wrong_clock_keeps_no_station_out_whose_disk_is_full(years: int) -> None:
    walk = wrong_clock(years)
    walk.unsaved = "no space left"
    walk.connect()
    if walk.state != "proven":
        walk.connect()
    assert walk.state == "proven"


def minutes_pass(walk: Walk, minutes: int, until: str = "") -> None:
    """While a link is up its probes wake the core."""
    for _ in range(6 * minutes):
        walk.after(10)
        walk.tell(Woke())
        walk.settle()
        if until in walk.sent_types:
            return


class Deaf(Walk):
    """A broker that answers no subscription to a round."""

    def _react(self, effect: Effect) -> None:
        if not isinstance(effect, do.Listen):
            super()._react(effect)


def test_N_29_a_channel_that_never_opens_ends_the_round_and_tells_it() -> None:  # noqa: N802 - a row of the outline
    walk = Deaf(on_disk=bundle(not_after=NOW_MS - 1)).connect()
    walk.after(200)
    assert walk.notice == UNHEARD
    assert only(walk.deeds, do.Abort) == [do.Abort("renewal: timeout-ready")]


def test_a_channel_that_never_opens_keeps_no_open_station_from_its_next_proof() -> None:
    walk = Deaf(on_disk=bundle(not_after=NOW_MS + 5 * DAY_MS)).connect()
    assert walk.state == "proven"
    minutes_pass(walk, 6 * 60)
    assert "psk.request" in walk.sent_types
    walk.deeds.clear()
    minutes_pass(walk, 3 * 60)
    assert [post.type for post in only(walk.deeds, Post) if isinstance(post.params, AuthHello)] == ["auth.hello"]


class SlowDisk(Walk):
    """Keys are read and written when the test says so."""

    def __post_init__(self) -> None:
        self.reads = self.writes = 0
        self.slow = False
        super().__post_init__()

    def _react(self, effect: Effect) -> None:
        if self.slow and isinstance(effect, do.ReadKeys):
            self.reads += 1
        elif self.slow and isinstance(effect, do.SaveKeys):
            self.writes += 1
            self.new = effect.bundle
        else:
            super()._react(effect)


def test_keys_that_were_read_before_new_ones_were_written_are_not_used_after_it() -> None:
    """A round under them would take back at the hub what is on the disk already."""
    old = bundle(not_after=NOW_MS + 5 * DAY_MS)
    walk = SlowDisk(on_disk=old, dropped={"psk.stored"})
    walk.connect()
    hello = next(post.params for post in walk.posts if isinstance(post.params, AuthHello))
    minutes_pass(walk, 6, until="psk.offer")
    assert "psk.offer" in walk.sent_types, "the renewal is under way"
    walk.slow, walk.dropped = True, set()
    walk.hub_says(AuthRefused(about=hello.n_s, code="expired"), "auth")  # IT, in the middle of the round
    assert walk.reads == 1
    walk.after(45)  # the offer is said again, and is answered now
    assert walk.writes == 1
    walk.change("down").change("connecting")
    walk.tell(KeysRead(old))
    walk.on_disk = walk.new
    walk.tell(KeysSaved(ok=True))
    walk.ms += 6 * DAY_MS  # by its date the old key has expired
    walk.slow = False
    walk.deeds.clear()
    walk.change("proving")
    asked = [post.params for post in only(walk.deeds, Post) if isinstance(post.params, PskRequest)]
    assert asked == []
    assert walk.on_disk in walk.hub.held.both
