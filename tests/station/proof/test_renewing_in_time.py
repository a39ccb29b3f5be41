"""Keys are renewed by themselves before they end, spread over time, and nobody notices when all goes well."""

from itertools import pairwise

import pytest
from msgspec.structs import replace

from agent.domain import effects as do
from agent.domain.messages import AuthHello, AuthRefused, PskStored
from tests.station.hub_side import DAY_MS, bundle
from tests.station.proof.test_amber import HOUR_S, again, up
from tests.station.proof.test_proving import HMAC_TIMEOUT
from tests.station.proof.test_renewing import NEW_PSK
from tests.station.scene import only
from tests.station.walk import Walk
from tests.walks.members import NOW_MS

LIFE_MS = 30 * DAY_MS


def renewals(walk: Walk) -> list[float]:
    return [mono for mono, effect in walk.times if getattr(effect, "type", "") == "psk.request"]


def with_life_left(part: float) -> Walk:
    """A station that is up with a key of which this part of its life is left."""
    return up(on_disk=bundle(not_after=NOW_MS + round(part * LIFE_MS)))


def test_a_key_is_renewed_when_80_to_85_percent_of_its_life_are_gone() -> None:
    walk = with_life_left(0.5)
    walk.after(0.3 * LIFE_MS / 1000 - 1)
    assert renewals(walk) == []
    walk.after(0.05 * LIFE_MS / 1000 + 2)
    assert len(renewals(walk)) == 1
    assert walk.state == "proven"
    assert walk.on_disk is not None
    assert (walk.on_disk.gen, walk.hub.held.both) == (2, (walk.on_disk,))
    assert walk.kinds().count("OpenInbox") == 1
    assert only(walk.deeds, do.Abort) == []
    assert NEW_PSK in walk.shown
    assert walk.notice == ""


def test_many_stations_do_not_renew_at_one_moment() -> None:
    from agent.station.proof.appointments import renewal_in, share
    from tests.station.scene import Scene

    chance = Scene().chance
    late = [renewal_in(NOW_MS + DAY_MS, LIFE_MS, NOW_MS, 0.5, chance) for _ in range(200)]
    assert (min(late) >= 0, max(late) < 240) == (True, True)
    assert len({round(at / 20) for at in late}) >= 10
    early = [renewal_in(NOW_MS + LIFE_MS, LIFE_MS, NOW_MS, share(chance), chance) for _ in range(200)]
    assert min(early) >= 0.80 * LIFE_MS / 1000
    assert max(early) < 0.85 * LIFE_MS / 1000
    assert len({round(at / 3600) for at in early}) > 20


def test_a_renewal_that_is_due_at_the_start_comes_within_five_minutes() -> None:
    walk = with_life_left(0.1)
    assert renewals(walk) == []
    walk.after(300)
    assert len(renewals(walk)) == 1


def test_a_renewal_that_fails_is_logged_told_and_tried_again_after_an_hour() -> None:
    walk = with_life_left(0.1)
    walk.dropped.add("psk.proof")
    walk.after(300 + 30 + 120)
    assert walk.logged == ["PSK Refresh Failure: Backup HMAC From Broker Timeout"]
    assert walk.told == [HMAC_TIMEOUT]
    assert (walk.state, walk.notice) == ("proven", HMAC_TIMEOUT)
    assert walk.core.reach.connected
    assert only(walk.deeds, do.Abort) == []
    rounds = len(set(renewals(walk)))
    walk.after(0.89 * HOUR_S - 450)
    assert len(set(renewals(walk))) == rounds
    walk.dropped.clear()
    walk.after(0.25 * HOUR_S + 450)
    assert (walk.state, walk.notice) == ("proven", "")
    assert walk.on_disk is not None
    assert walk.on_disk.gen == 2


def test_at_the_end_of_its_life_a_key_is_renewed_every_five_minutes() -> None:
    walk = with_life_left(0.01)
    walk.twisted = lambda _, params: replace(params, mac="A" * 43) if isinstance(params, PskStored) else params
    walk.after(HOUR_S)
    begun = sorted(set(renewals(walk)))
    pauses = [later - before for before, later in pairwise(begun)]
    assert pauses
    assert all(270 <= pause <= 331 for pause in pauses)
    assert walk.core.reach.connected


def test_a_key_that_it_ends_is_renewed_at_once_and_again_every_five_minutes() -> None:
    walk = up(dropped={"psk.proof"})
    hello = walk.posts[0].params
    assert isinstance(hello, AuthHello)
    walk.hub_says(AuthRefused(about=hello.n_s, code="expired"), "auth")
    walk.settle()
    assert renewals(walk) == [walk.mono]
    walk.after(120 + 331)
    assert len({round(mono) for mono in renewals(walk)}) > 1
    walk.dropped.clear()
    walk.after(30)
    assert (walk.state, walk.notice, walk.told) == ("proven", "", [HMAC_TIMEOUT])
    assert only(walk.deeds, do.Abort) == []


def test_a_key_that_it_replaced_ends_the_connection() -> None:
    walk = up()
    hello = walk.posts[0].params
    assert isinstance(hello, AuthHello)
    walk.hub_says(AuthRefused(about=hello.n_s, code="replaced"), "auth")
    walk.settle()
    assert "Was Replaced" in walk.notice
    assert only(walk.deeds, do.Abort) == [do.Abort("handshake: replaced")]


def test_nothing_is_renewed_by_a_clock_that_nobody_set() -> None:
    walk = with_life_left(0.1)
    walk.anchored = False
    walk.after(900)
    assert renewals(walk) == []


def test_a_connection_made_anew_does_not_draw_another_lot() -> None:
    """Else whoever connects often would renew early, and all together after each restart of the hub."""
    walk = with_life_left(0.2 + 1e-4)
    due = walk.core.proving._renew_at
    assert due is not None
    for _ in range(20):
        again(walk)
        assert walk.core.proving._renew_at == pytest.approx(due, abs=0.01)
