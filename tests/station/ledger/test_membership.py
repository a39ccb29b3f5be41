"""The ledger at a station: follows one history, alarms once, and is not frightened by what was overtaken."""

import pytest

from agent.domain.effects import Effect, GiveBack, Keep, LedgerGrew, Notify, Post, Tell
from agent.domain.events import StrangerHeard
from agent.domain.keys import to_b64u
from agent.domain.ledger import Ledger
from agent.domain.messages import LedgerGet, LedgerPart, PageNew
from agent.domain.names import HUB
from agent.wire.ledger import read_entry
from tests.station.scene import EVERYBODY, Scene, only
from tests.walks.members import SITE, Members


def site() -> Members:
    made = Members()
    made.add("front", "front-desk", person="anna")
    made.add("stove", "kitchen", person="ben")
    made.add("oven", "kitchen", person="cleo")
    return made


def at(members: Members, seq: int) -> Ledger:
    ledger = Ledger(SITE)
    for frame in members.frames[:seq]:
        ledger = read_entry(ledger, frame)
    return ledger


def scene_at(members: Members, seq: int, station: str = "stove") -> Scene:
    return Scene(station, ledger=at(members, seq))


def part(scene: Scene, *frames: bytes, more: bool = False, sender: str = HUB) -> list[Effect]:
    entries = tuple(frame.decode("latin-1") for frame in frames)
    return scene.arrives(sender, LedgerPart(entries=entries, more=more), to=EVERYBODY, head=None)


def gets(effects: list[Effect]) -> list[LedgerGet]:
    return [post.params for post in only(effects, Post) if isinstance(post.params, LedgerGet)]


def test_entries_that_follow_are_kept_and_the_head_is_pinned() -> None:
    members = site()
    scene = scene_at(members, 2)
    effects = part(scene, *members.frames[2:])
    assert [keep.id for keep in only(effects, Keep)] == ["000000000003", "000000000004"]
    assert only(effects, LedgerGrew) == [LedgerGrew(4, members.ledger.head)]
    assert scene.core.desk.ledger == members.ledger


def test_known_entries_are_skipped_and_a_gap_is_only_waited_for() -> None:
    members = site()
    scene = scene_at(members, 2)
    assert only(part(scene, *members.frames[:2]), Tell) == []
    assert only(part(scene, members.frames[3]), Tell) == []
    assert scene.core.desk.ledger.seq == 2
    assert scene.core.membership.alarm == ""


def test_more_is_asked_for_at_once() -> None:
    members = site()
    scene = scene_at(members, 1)
    assert gets(part(scene, members.frames[1], more=True)) == [LedgerGet(after=2)]


def test_news_in_anybody_s_message_is_a_reason_to_ask_but_not_to_hammer() -> None:
    members = site()
    scene = scene_at(members, 2)
    head = members.ledger.short_head()
    first = scene.arrives("front", PageNew(), head=head)
    assert gets(first) == [LedgerGet(after=2)]
    assert gets(scene.arrives("front", PageNew(), head=head)) == []
    scene.wait(2.5)
    assert gets(scene.arrives("front", PageNew(), head=(2**53 - 1, "A" * 22))) == [LedgerGet(after=2)]
    scene.wait(2.5)
    assert gets(scene.tell(StrangerHeard("mqtt"))) == [LedgerGet(after=2)]


def test_another_history_is_refused_aloud_once() -> None:
    members, other = site(), site()
    scene = scene_at(members, 2)
    other.ledger = at(other, 2)
    forged = other.entry("member.add", "spy", {"person": "spy", "roles": [], **keys()}, signer=members.hub)
    first = part(scene, forged)
    assert [(tell.text, tell.values) for tell in only(first, Tell)] == [("notice.ledger-fork", {"seq": "2"})]
    assert only(part(scene, forged), Tell) == []
    assert scene.core.desk.ledger.seq == 2


def test_a_frozen_list_rings_as_ever() -> None:
    members, other = site(), site()
    scene = scene_at(members, 4)
    part(scene, other.entry("member.revoke", "front", {}, signer=members.hub))
    assert scene.core.membership.standing(scene.now) == "fork"
    assert len(only(scene.arrives("front", PageNew()), Notify)) == 1


def test_where_we_once_stood_it_must_be_the_same_history() -> None:
    members, other = site(), site()
    scene = Scene("stove", ledger=at(members, 1), pin=(2, at(other, 2).head))
    assert [tell.text for tell in only(part(scene, members.frames[1]), Tell)] == ["notice.ledger-fork"]


@pytest.mark.parametrize("junk", [b"", b"junk", b"a.b.c", b"\xff\xfe", b"." * 24_000, b"e30.e30.e30"])
def test_no_junk_in_a_part_raises_or_is_kept(junk: bytes) -> None:
    members = site()
    scene = scene_at(members, 2)
    effects = part(scene, junk, members.frames[2])
    assert only(effects, Keep) == []
    assert scene.core.desk.ledger.seq == 2


def test_a_genesis_without_a_key_raises_nothing() -> None:
    scene = Scene("stove", ledger=Ledger(SITE))
    frame = Members().entry("genesis", HUB, {"sign": "AAAA", "receive": "AAAA"}, seq=1)
    assert only(part(scene, frame), Keep) == []


def test_a_colleague_s_part_is_read_only_if_we_asked_for_it() -> None:
    members = site()
    scene = scene_at(members, 2)
    assert only(part(scene, *members.frames[2:], sender="front"), Keep) == []
    assert scene.core.desk.ledger.seq == 2


def test_a_hub_that_shows_an_older_head_than_we_knew_when_we_asked_was_turned_back() -> None:
    members = site()
    scene = scene_at(members, 4)
    scene.up()
    effects = scene.hub_answers(head=at(members, 3).short_head())
    assert [tell.values for tell in only(effects, Tell)] == [{"code": "rollback"}]
    scene.wait(21)
    assert only(scene.hub_answers(head=at(members, 3).short_head()), Tell) == []


def test_a_hub_that_was_set_back_is_given_what_it_forgot_until_it_knows_it_and_is_forgiven_then() -> None:
    members = site()
    scene = scene_at(members, 4)
    scene.up()
    for _ in range(2):
        assert only(scene.hub_answers(head=at(members, 2).short_head()), GiveBack) == [GiveBack(2)]
        scene.wait(21)
    assert only(scene.hub_answers(head=at(members, 4).short_head()), GiveBack) == []
    assert scene.core.membership.alarm == ""
    scene.wait(21)
    assert [tell.values for tell in only(scene.hub_answers(head=at(members, 3).short_head()), Tell)] == [
        {"code": "rollback"}
    ]


def test_the_pin_remembers_what_a_lost_store_does_not() -> None:
    members = site()
    scene = Scene("stove", ledger=at(members, 1), pin=(4, members.ledger.head))
    scene.up()
    effects = scene.hub_answers(head=at(members, 3).short_head())
    assert [tell.values for tell in only(effects, Tell)] == [{"code": "rollback"}]


def test_an_answer_that_news_overtook_is_no_alarm() -> None:
    """The hub answered, then a member joined and was pushed over a quicker way: nothing was turned back."""
    members = site()
    scene = scene_at(members, 3)
    scene.up()
    part(scene, members.frames[3])
    assert only(scene.hub_answers(head=at(members, 3).short_head()), Tell) == []
    assert scene.core.membership.alarm == ""


def test_whoever_is_shown_out_is_told_and_may_nothing_any_more() -> None:
    members = site()
    scene = scene_at(members, 4)
    members.revoke("stove")
    effects = part(scene, members.frames[-1])
    assert [tell.text for tell in only(effects, Tell)] == ["notice.revoked"]
    assert scene.core.desk.me is None
    assert not scene.core.desk.may("order.put", EVERYBODY)


@pytest.mark.parametrize("at_once", [True, False])
def test_another_computer_that_gets_our_name_is_not_us(at_once: bool) -> None:
    """We were shown out and the name given on: that is told, in whatever pieces it comes, and stays so."""
    members = site()
    scene = scene_at(members, 4)
    scene.core.desk.kid = members.people["stove"].kid
    members.revoke("stove")
    members.add("stove", "kitchen", person="dora")
    pieces = [members.frames[4:]] if at_once else [[members.frames[4]], [members.frames[5]]]
    told = [tell.text for piece in pieces for tell in only(part(scene, *piece), Tell)]
    assert told == ["notice.revoked"]
    assert scene.core.desk.me is None
    assert not scene.core.desk.may("page.new", EVERYBODY)


def keys() -> dict[str, object]:
    return {"sign": to_b64u(b"s" * 32), "receive": to_b64u(b"r" * 32)}
