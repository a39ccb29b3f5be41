"""After the first proof: the next one in time, a hub that is silent, keys that are renewed before anybody notices."""

from itertools import pairwise

import pytest
from msgspec.structs import replace

from agent.domain import effects as do
from agent.domain.effects import Post
from agent.domain.events import OrderChanged, PageAsked
from agent.domain.messages import AuthHello, AuthProof, AuthRefused, Parameters, PskStored
from agent.station.desk import Habits
from agent.station.picture import take_picture
from agent.station.surface import Surface
from agent.system.config_schema import Config
from agent.ui.menu import tray_view
from agent.ui.report import status
from agent.ui.view import IconState
from tests.station.hub_side import DAY_MS, bundle
from tests.station.scene import KITCHEN, only
from tests.station.test_proving import HMAC_TIMEOUT, NEGOTIATING, PSK_INVALID, forged
from tests.station.test_renewing import NEW_PSK
from tests.station.walk import ENGLISH, Walk
from tests.walks.desk import Drawing, Showing
from tests.walks.members import NOW_MS

HOUR_S = 3600.0
SILENT = "Connected: The Hub Is Silent - Last Proven At "
LIFE_MS = 30 * DAY_MS


def up(**facts: object) -> Walk:
    """A station that is up, with its list of orders."""
    walk = Walk(**facts).connect()  # type: ignore[arg-type]  # fields of Walk
    walk.list_comes()
    assert walk.core.reach.links["mqtt"].state == "up"
    return walk


def hellos(walk: Walk) -> list[float]:
    return [mono for mono, effect in walk.times if getattr(effect, "type", "") == "auth.hello"]


def again(walk: Walk) -> Walk:
    """The connection breaks and is made again."""
    return walk.change("down").connect()


def test_the_next_proof_comes_five_minutes_before_the_end_of_the_last() -> None:
    walk = up()
    walk.after(8 * HOUR_S - 361)
    assert len(hellos(walk)) == 1
    walk.after(122)
    assert len(hellos(walk)) == 2
    assert walk.state == "proven"
    assert walk.notice == ""
    assert walk.kinds().count("OpenInbox") == 1
    assert only(walk.deeds, do.Abort) == []
    assert walk.core.proving.standing.proven_ms == walk.ms - round((walk.mono - hellos(walk)[1]) * 1000)


def test_a_hub_that_is_silent_at_its_next_proof_makes_amber_and_pages_go_on() -> None:
    walk = up()
    walk.dropped.add("auth.proof")
    walk.after(8 * HOUR_S + 600)
    assert walk.state == "amber"
    assert walk.notice.startswith(SILENT)
    assert walk.core.reach.connected
    assert only(walk.deeds, do.Abort) == []
    assert walk.told == [], "amber is no alarm"
    walk.dropped.clear()
    walk.after(300 + 1)
    assert (walk.state, walk.notice) == ("proven", "")


def test_a_silent_hub_is_asked_more_and_more_slowly() -> None:
    walk = up()
    walk.dropped.add("auth.hello")
    walk.after(16 * HOUR_S)
    firsts: dict[object, float] = {}
    for mono, effect in walk.times:
        if isinstance(effect, Post) and isinstance(effect.params, AuthHello):
            firsts.setdefault(effect.params.n_s, mono)
    begun = list(firsts.values())[1:]
    pauses = [later - before - 120 for before, later in pairwise(begun)]
    assert all(5 <= pause <= 300 for pause in pauses)
    assert pauses[0] <= 10
    assert max(pauses) > 60
    assert 50 < len(pauses) < 250


def test_a_reconnection_inside_the_proof_is_used_after_three_seconds_in_amber() -> None:
    walk = up()
    walk.dropped.add("auth.proof")
    again(walk)
    assert walk.notice == NEGOTIATING
    opened = walk.kinds().count("OpenInbox")
    walk.after(2.9)
    assert walk.kinds().count("OpenInbox") == opened
    walk.after(0.1)
    assert walk.kinds().count("OpenInbox") == opened + 1
    assert walk.state == "amber"
    assert walk.notice.startswith(SILENT)
    walk.dropped.clear()
    walk.after(12)
    assert (walk.state, walk.notice) == ("proven", ""), "it goes on trying"
    assert walk.kinds().count("OpenInbox") == opened + 1


def test_a_reconnection_in_amber_survives_two_minutes_of_silence_and_asks_again() -> None:
    walk = up()
    walk.dropped.add("auth.proof")
    again(walk).after(121)
    assert only(walk.deeds, do.Abort) == []
    assert walk.state == "amber"
    walk.dropped.clear()
    assert walk.after(11).state == "proven"


def test_a_wrong_proof_ends_even_a_connection_in_amber() -> None:
    walk = up()
    walk.dropped.add("auth.proof")
    again(walk).after(3)
    assert walk.state == "amber"
    walk.dropped.clear()
    walk.twisted = forged
    walk.after(3)
    assert (walk.state, walk.notice) == ("failed", PSK_INVALID)
    assert only(walk.deeds, do.Abort) == [do.Abort("handshake: invalid")]


def test_a_wrong_proof_at_the_next_proof_ends_the_connection() -> None:
    walk = up()
    walk.twisted = forged
    walk.after(8 * HOUR_S)
    assert walk.notice == PSK_INVALID
    assert len(only(walk.deeds, do.Abort)) == 1


def test_a_reconnection_after_the_end_of_the_proof_is_like_the_first() -> None:
    walk = up()
    walk.change("down").after(9 * HOUR_S)
    walk.dropped.add("auth.proof")
    walk.connect().after(119)
    assert walk.kinds().count("OpenInbox") == 1
    assert walk.state == "proving"
    assert walk.after(1).notice == HMAC_TIMEOUT


def test_a_first_connection_waits_for_the_proof_unless_the_site_prefers_otherwise() -> None:
    required = Walk(dropped={"auth.proof"}).connect().after(60)
    assert "OpenInbox" not in required.kinds()
    preferred = Walk(dropped={"auth.proof"}, habits=Habits(hub_proof_required=False)).connect().after(3)
    preferred.list_comes()
    assert "OpenInbox" in preferred.kinds()
    assert (preferred.state, preferred.notice) == ("amber", "Connected: The Hub Has Not Proven Itself Yet")
    preferred.dropped.clear()
    assert preferred.after(12).state == "proven"


@pytest.mark.parametrize("twisted", [forged])
def test_a_site_that_only_prefers_a_proof_takes_no_wrong_one(twisted: object) -> None:
    walk = Walk(twisted=twisted, habits=Habits(hub_proof_required=False)).connect().after(60)  # type: ignore[arg-type]
    assert "OpenInbox" not in walk.kinds()
    assert walk.notice == PSK_INVALID


def test_keys_that_cannot_be_read_at_the_next_proof_do_not_end_a_connection() -> None:
    walk = up()
    walk.fault = "locked"
    walk.after(8 * HOUR_S)
    assert walk.state == "amber"
    assert "Is Locked" in walk.notice
    assert only(walk.deeds, do.Abort) == []
    walk.fault = ""
    assert walk.after(301).state == "proven"


# renewal by itself


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
    from agent.station.appointments import renewal_in, share
    from tests.station.scene import Scene

    chance = Scene().chance
    late = [renewal_in(NOW_MS + DAY_MS, LIFE_MS, NOW_MS, 0.5, chance) for _ in range(200)]
    assert (min(late) >= 0, max(late) < 300) == (True, True)
    assert len({round(at / 30) for at in late}) >= 10
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


# what people see of it


def picture(walk: Walk) -> tuple[str, dict[str, object], IconState]:
    desktop = Showing()
    now = take_picture(walk.core, Config(), Surface(Drawing(), desktop, desktop), [], "keyring", walk.now)
    view = tray_view(now, ENGLISH)
    return view.tooltip, status(now), view.icon


@pytest.mark.parametrize(
    ("walk", "icon"),
    [
        (Walk().change("connecting"), IconState.OFFLINE),
        (Walk(dropped={"auth.proof"}).connect(), IconState.OFFLINE),
        (Walk(twisted=forged).connect(), IconState.OFFLINE),
        (Walk(dropped={"auth.proof"}, habits=Habits(hub_proof_required=False)).connect().after(3), IconState.DEGRADED),
    ],
)
def test_the_notice_stands_in_tooltip_and_status_word_for_word(walk: Walk, icon: IconState) -> None:
    walk.hub_answers() if walk.core.reach.connected else None
    tooltip, found, face = picture(walk)
    assert walk.notice
    assert walk.notice in tooltip.split("\n")
    proof = found["proof"]
    assert isinstance(proof, dict)
    assert (proof["notice"], proof["state"]) == (walk.notice, walk.state)
    assert face is icon


def test_a_proven_hub_says_when_and_with_which_key() -> None:
    walk = up()
    walk.hub_answers()
    tooltip, found, face = picture(walk)
    assert "Connected" in tooltip.split("\n")
    assert face is IconState.OK
    assert found["proof"] == {
        "state": "proven",
        "notice": "",
        "proven_ms": NOW_MS,
        "until_ms": NOW_MS + 8 * 3_600_000,
        "gen": 1,
        "not_after_ms": NOW_MS + 20 * DAY_MS,
    }


def test_a_page_leaves_in_amber() -> None:
    walk = up()
    walk.dropped.add("auth.proof")
    again(walk).after(3)
    walk.tell(PageAsked(KITCHEN, note="now"))
    assert "page.new" in walk.sent_types
    walk.tell(OrderChanged("", "order", {"title": "tea"}, create=True))
    assert "order.put" in walk.sent_types


def test_proofs_of_the_hub_are_never_taken_for_another() -> None:
    def older(_: str, params: Parameters) -> Parameters:
        return replace(params, n_s="B" * 43) if isinstance(params, AuthProof) else params

    walk = Walk(twisted=older).connect()
    assert walk.state == "proving"
    assert walk.after(120).notice == HMAC_TIMEOUT
