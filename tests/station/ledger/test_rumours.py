"""The list of members from hand to hand: colleagues give what the hub does not, and claims are not believed."""

import pytest

from agent.domain.effects import GiveBack, ShowFork, Tell
from agent.domain.keys import to_b64u
from agent.domain.messages import LedgerGet, LedgerHead, LedgerPart, PageNew
from agent.domain.names import HUB
from agent.station.ledger.freshness import SKEW_MS
from agent.station.ledger.membership import Guards
from agent.station.ledger.rumours import FIRST_S, PATIENCE_S, REFUTED_S
from tests.station.ledger.ledger_scene import branch, kitchen, node, part, sent
from tests.station.scene import only
from tests.walks.crowd import Clock, Node, signed_head
from tests.walks.members import Members


@pytest.fixture
def members() -> Members:
    return kitchen()


# --- fast-forward ---


@pytest.mark.parametrize("life", ["running", "restarted", "store lost"])
def test_a_head_nobody_can_show_is_told_and_not_believed(members: Members, life: str) -> None:
    anna = node(members)
    if life != "running":
        anna.hear("ben", PageNew(), head=(10**9, "A" * 22))
        anna.boot() if life == "restarted" else anna.lose_store()
        anna.hear(HUB, part(members))
        anna.posts.clear()
    anna.hear("ben", PageNew(), head=(10**9, "A" * 22))
    (asked,) = sent(anna, "ledger.get")
    assert asked.recipients == (HUB,)
    anna.clock.mono += SKEW_MS / 1000 + 1
    anna.hear(HUB, LedgerPart(entries=()), re=asked.id, head=members.ledger.short_head())
    anna.woke()
    anna.clock.mono += REFUTED_S
    anna.woke()
    anna.woke()
    assert anna.told == ["notice.ledger-ahead"]
    assert anna.ledger == members.ledger
    anna.posts.clear()
    anna.hear("ben", PageNew(), head=(10**9 + 1, "A" * 22))
    assert sent(anna, "ledger.get") == []


def test_where_no_hub_answers_it_is_told_after_a_while(members: Members) -> None:
    anna = node(members)
    anna.hear("ben", PageNew(), head=(10**9, "A" * 22))
    anna.clock.mono += PATIENCE_S + 1
    anna.woke()
    assert anna.told == ["notice.ledger-ahead"]


def test_a_head_that_the_hub_signed_and_cannot_show_is_told_of_as_the_hub_s(members: Members) -> None:
    anna = node(members)
    head = LedgerHead(seq=10**6, hash=to_b64u(b"h" * 32))
    anna.clock.mono += 60
    anna.hear(HUB, head, frame=signed_head(members, members.ledger, anna.clock.now.ms, seq=10**6, hash=head.hash))
    anna.clock.mono += PATIENCE_S + 1
    (tell,) = only(anna.woke(), Tell)
    assert (tell.text, tell.values) == ("notice.ledger-ahead", {"station": "the hub", "seq": str(10**6)})
    assert anna.ledger == members.ledger


def test_without_the_guard_nobody_hears_of_it(members: Members) -> None:
    anna = node(members, guards=Guards(ahead=False))
    anna.hear("ben", PageNew(), head=(10**9, "A" * 22))
    anna.clock.mono += PATIENCE_S + 1
    anna.woke()
    assert anna.told == []


# --- from hand to hand ---


def test_a_colleague_hands_over_what_a_silent_hub_does_not(members: Members) -> None:
    clock = Clock()
    anna = node(members, clock=clock)
    members.add("dora")
    ben = node(members, "ben", clock)
    anna.hear("ben", PageNew(), head=ben.ledger.short_head())
    (to_hub,) = sent(anna, "ledger.get")
    clock.mono += FIRST_S
    anna.woke()
    (to_ben,) = sent(anna, "ledger.get")
    assert (to_hub.recipients, to_ben.recipients) == ((HUB,), ("ben",))
    assert isinstance(to_ben.params, LedgerGet)
    ben.hear("anna", to_ben.params, id_=to_ben.id)
    (handed,) = sent(ben, "ledger.part")
    assert isinstance(handed.params, LedgerPart)
    assert handed.re == to_ben.id
    anna.hear("ben", handed.params, re=handed.re)
    assert anna.ledger == members.ledger
    assert anna.membership.freshness.head == ben.membership.freshness.head


def test_what_nobody_asked_for_is_not_read(members: Members) -> None:
    anna = node(members)
    members.add("dora")
    anna.hear("ben", part(members, 4), re="0" * 32)
    assert anna.ledger.member("dora") is None


def test_a_flood_of_questions_is_answered_once_in_two_seconds(members: Members) -> None:
    anna = node(members)
    for _ in range(50):
        anna.hear("ben", LedgerGet(after=1))
    assert len(sent(anna, "ledger.part")) == 1
    anna.hear("cleo", LedgerGet(after=1))
    anna.clock.mono += 2
    anna.hear("ben", LedgerGet(after=1))
    assert len(sent(anna, "ledger.part")) == 2


def test_entries_that_overtook_each_other_are_waited_for(members: Members, monkeypatch: pytest.MonkeyPatch) -> None:
    anna, behind = (Node(name, members.frames[0], Clock()) for name in ("anna", "ben"))
    for frame in reversed(members.frames[1:]):
        anna.hear(HUB, LedgerPart(entries=(frame.decode(),)))
    assert anna.ledger == members.ledger
    monkeypatch.setattr("agent.station.ledger.chain.MOST_EARLY", 0)
    for frame in reversed(members.frames[1:]):
        behind.hear(HUB, LedgerPart(entries=(frame.decode(),)))
    assert behind.ledger.seq == 2  # without that room only the one that follows is taken


def test_a_hub_that_was_set_back_gets_what_it_signed(members: Members) -> None:
    anna = node(members)
    anna.clock.mono += 3600
    before = branch(members, 2).ledger
    frame = signed_head(members, before, anna.clock.now.ms)
    effects = anna.hear(HUB, LedgerHead(seq=2, hash=to_b64u(before.head)), frame=frame)
    assert only(effects, GiveBack) == [GiveBack(2)]
    assert only(effects, ShowFork) == []
