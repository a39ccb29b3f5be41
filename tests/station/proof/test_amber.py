"""After the first proof: the next one in time, a hub that is silent."""

from itertools import pairwise

import pytest
from msgspec.structs import replace

from agent.domain import effects as do
from agent.domain.effects import Post
from agent.domain.events import OrderChanged, PageAsked
from agent.domain.messages import AuthHello, AuthProof, Parameters
from agent.station.desk import Habits
from tests.station.proof.test_proving import HMAC_TIMEOUT, NEGOTIATING, PSK_INVALID, forged
from tests.station.scene import KITCHEN, only
from tests.station.walk import Walk

HOUR_S = 3600.0
SILENT = "Connected: The Hub Is Silent - Last Proven At "


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


def test_a_hub_that_was_heard_again_is_asked_soon_when_it_falls_silent_once_more() -> None:
    walk = up()
    for _ in range(2):
        walk.dropped.add("auth.proof")
        walk.after(8 * HOUR_S + 2000)
        assert walk.state == "amber"
        walk.dropped.clear()
        walk.after(301)
        assert walk.state == "proven"
        assert walk.core.proving._slower._bound == 10


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
