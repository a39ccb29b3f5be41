"""What a publisher may try with the list of members, and what each guard is for: without it, that works."""

import pytest

from agent.domain.effects import Reply
from agent.domain.events import ResolveAsked
from agent.domain.heads import LedgerFork
from agent.domain.keys import to_b64u
from agent.domain.messages import LedgerHead, PageNew
from agent.domain.names import HUB
from agent.station.ledger.freshness import GRACE_MS, SKEW_MS
from agent.station.ledger.membership import Guards
from agent.station.ledger.rumours import FIRST_S
from tests.station.ledger.ledger_scene import branch, kitchen, node, part, said, sent, shown
from tests.station.scene import only
from tests.walks.crowd import Clock, Node, signed_head
from tests.walks.members import Members

DAY_S = GRACE_MS / 1000


@pytest.fixture
def members() -> Members:
    return kitchen()


# --- rollback ---


@pytest.mark.parametrize("life", ["running", "restarted", "store lost"])
def test_an_older_head_signed_later_is_found(members: Members, life: str) -> None:
    anna = node(members)
    anna.clock.mono += 3600
    if life == "restarted":
        anna.boot()
    if life == "store lost":
        anna.lose_store()
        anna.clock.mono += SKEW_MS / 1000 + 1
    said(anna, members, branch(members, 2).ledger)
    assert anna.told == ["notice.ledger-alarm"]
    assert anna.membership.alarm == "rollback"


def test_without_the_pin_a_lost_store_would_forget_what_was_seen(members: Members) -> None:
    anna = node(members, guards=Guards(pin=False))
    anna.lose_store()
    anna.clock.mono += 3600
    said(anna, members, branch(members, 2).ledger)
    assert anna.told == []


def test_an_older_head_that_was_only_late_is_no_alarm(members: Members) -> None:
    anna, before = node(members), branch(members, 2).ledger
    frame = signed_head(members, before, anna.clock.now.ms - 3_600_000)
    anna.hear(HUB, LedgerHead(seq=before.seq, hash=to_b64u(before.head)), frame=frame)
    assert anna.told == []


# --- fork ---


def test_two_hashes_from_the_hub_freeze_the_list_at_once_and_everybody_is_shown_both(members: Members) -> None:
    anna, other = node(members), branch(members, 3)
    other.add("spy", "lead")
    said(anna, other)
    assert anna.frozen
    assert anna.told == ["notice.ledger-fork"]
    (post,) = sent(anna, "ledger.fork")
    assert isinstance(post.params, LedgerFork)
    assert (set(post.recipients), post.want, len(post.params.evidence)) == ({"ben", "cleo", HUB}, 1, 2)
    ben = node(members, "ben")
    ben.hear("anna", post.params)
    assert ben.frozen
    members.add("dora")
    anna.hear(HUB, part(members))
    assert anna.ledger.member("dora") is None


def test_a_split_publisher_is_found_by_the_second_message_between_two_it_told_apart(members: Members) -> None:
    other = branch(members, 3)
    other.add("dora")
    anna, ben = node(members), node(other, "ben")
    anna.hear("ben", PageNew(), head=other.ledger.short_head())
    assert not anna.frozen  # a bare word of a colleague freezes nobody
    ben.hear("anna", shown(anna))
    assert ben.frozen
    anna.hear("ben", shown(ben))
    assert anna.frozen


@pytest.mark.parametrize("life", ["restarted", "store lost"])
def test_a_fork_is_still_found_and_told_after(members: Members, life: str) -> None:
    anna, other = node(members), branch(members, 3)
    other.add("spy", "lead")
    if life == "restarted":
        said(anna, other)
        anna.told.clear()
        anna.boot()
    else:
        anna.lose_store()
        anna.hear(HUB, part(other))
    assert anna.frozen
    assert anna.told == ["notice.ledger-fork"]
    assert anna.ledger.member("spy") is None


def test_an_entry_of_another_history_freezes_the_list(members: Members) -> None:
    anna, other = node(members), branch(members, 3)
    other.add("dora")
    other.add("spy")
    anna.hear(HUB, part(other, 4))
    assert anna.frozen
    assert anna.ledger.member("spy") is None


def test_without_the_guard_a_split_publisher_is_not_found(members: Members) -> None:
    anna, other = node(members, guards=Guards(fork=False)), branch(members, 3)
    other.add("spy", "lead")
    said(anna, other)
    anna.hear("ben", PageNew(), head=other.ledger.short_head())
    assert not anna.frozen
    assert sent(anna, "ledger.fork") == []


def test_a_liar_freezes_nobody_and_is_shown_our_half_now_and_then(members: Members) -> None:
    anna, liar = node(members), members.people["ben"]
    made_up = members.entry("member.add", "spy", {}, signer=liar).decode()
    real = members.frames[-1].decode()
    for evidence in ((made_up,), (real, made_up), (real, real), ("", "a.b.c"), ()):
        anna.hear("ben", LedgerFork(seq=4, one="A" * 22, other="B" * 22, evidence=evidence))
        anna.clock.mono += 60
    for number in range(20):
        anna.hear("ben", PageNew(), head=(4, f"{number:022d}"))
    assert not anna.frozen
    assert anna.told == []
    assert len(sent(anna, "ledger.fork")) == 2


def test_it_resolves_only_when_the_hub_s_word_since_then_decides(members: Members) -> None:
    anna, other = node(members), branch(members, 3)
    other.add("spy", "lead")
    said(anna, other)
    assert resolved(anna) == "undecided"
    anna.clock.mono += 3600
    said(anna, other)
    assert resolved(anna) == "other-history"
    anna.clock.mono += 3600
    said(anna, members)
    assert anna.frozen
    assert resolved(anna) == ""
    anna.boot()
    assert anna.membership.standing(anna.clock.now) == "ok"
    anna.hear(HUB, part(members, 3))
    anna.hear("ben", LedgerFork(seq=4, one="A" * 22, other="B" * 22, evidence=(other.frames[3].decode(),)))
    assert resolved(anna) == "no-fork"  # a word that was late opens nothing again
    other.at_ms = anna.clock.now.ms + 1
    other.add("spy-2")
    anna.hear(HUB, part(other, 4))
    assert anna.frozen


def resolved(node: Node) -> str:
    """IT says that it is over; returns why not."""
    (reply,) = only(node.run(node.membership.resolve(ResolveAsked(7), node.clock.now)), Reply)
    return reply.error.code if reply.error is not None else ""


def test_the_history_that_was_given_up_may_have_been_the_longer_one(members: Members) -> None:
    anna, other = node(members), branch(members, 3)
    for name in ("spy", "spy-2", "spy-3"):
        other.add(name)
    anna.clock.mono += 60
    said(anna, other)  # entry 6 of a history that anna cannot know yet
    anna.hear(HUB, part(other, 3))
    assert anna.told == ["notice.ledger-fork"]
    anna.clock.mono += 3600
    said(anna, members)
    assert resolved(anna) == ""
    assert anna.told == ["notice.ledger-fork"]
    members.at_ms = anna.clock.now.ms
    members.add("dora")
    said(anna, members)
    anna.hear(HUB, part(members, 4))
    assert anna.ledger == members.ledger


def test_a_word_about_entries_that_we_have_not_does_not_decide_for_good(members: Members) -> None:
    """The hub goes on with the other history, further than we are: that is found when its entries come."""
    anna, other = node(members), branch(members, 3)
    for name in ("spy", "spy-2"):
        other.add(name)
    said(anna, branch(other, 4))
    anna.clock.mono += 3600
    said(anna, other)
    assert resolved(anna) == ""
    anna.boot()
    anna.told.clear()
    anna.hear(HUB, part(other, 4))
    assert anna.told == ["notice.ledger-fork"]


@pytest.mark.parametrize("way", ["its head", "its half of the proof", "its entries", "late mail"])
@pytest.mark.parametrize("went_on", [False, True])
def test_whoever_still_follows_the_history_that_was_given_up_freezes_nobody_again(
    members: Members, way: str, went_on: bool
) -> None:
    """Those stations stay as they are until they are enrolled anew, and their list may go further than the fork."""
    anna, other = node(members), branch(members, 3)
    for name in ("spy", "spy-2", "spy-3"):
        other.add(name)
    said(anna, branch(other, 4))
    assert anna.told == ["notice.ledger-fork"]
    anna.clock.mono += 3600
    members.at_ms = anna.clock.now.ms
    if went_on:
        members.add("dora")
    said(anna, members)
    assert resolved(anna) == ""
    anna.boot()
    anna.told.clear()
    if not went_on:
        members.add("dora")
    anna.hear(HUB, part(members, 4))
    given_up, late_ms = branch(other, 5).ledger, anna.clock.now.ms - 3_600_000
    if way == "its head":
        anna.hear("ben", PageNew(), head=given_up.short_head())
    if way == "late mail":
        anna.hear(HUB, PageNew(), head=given_up.short_head(), at=late_ms)
        frame = signed_head(other, given_up, late_ms)
        anna.hear(HUB, LedgerHead(seq=5, hash=to_b64u(given_up.head)), frame=frame, at=late_ms)
    if way == "its half of the proof":
        evidence = tuple(log.frames[4].decode() for log in (members, other))
        anna.hear("ben", LedgerFork(seq=5, one="A" * 22, other="B" * 22, evidence=evidence))
    if way == "its entries":
        anna.hear("ben", PageNew(), head=other.ledger.short_head())
        anna.clock.mono += FIRST_S
        anna.woke()
        for asked in sent(anna, "ledger.get"):
            anna.hear(asked.recipients[0], part(other, 3), re=asked.id)
    assert (anna.frozen, anna.told) == (False, [])
    members.add("emil")
    anna.hear(HUB, part(members, 4))
    assert anna.ledger == members.ledger


# --- freeze ---


@pytest.mark.parametrize("life", ["running", "restarted", "store lost"])
def test_a_day_without_a_head_adds_nobody_but_still_shows_people_out(members: Members, life: str) -> None:
    anna = node(members)
    if life == "store lost":
        anna.lose_store()
        anna.catch_up(members)
    anna.clock.mono += DAY_S - 10
    anna.woke()
    assert anna.told == []
    anna.clock.mono += 20
    if life == "restarted":
        anna.boot()
    anna.woke()
    anna.woke()
    assert anna.told == ["notice.ledger-stale"]
    assert anna.membership.standing(anna.clock.now) == "stale"
    members.revoke("ben")
    members.add("dora")
    anna.hear(HUB, part(members, 4))
    assert anna.ledger.member("ben") is None
    assert anna.ledger.member("dora") is None
    said(anna, members)
    anna.clock.mono += 3
    anna.hear(HUB, part(members, 4))
    assert anna.ledger == members.ledger
    assert anna.membership.standing(anna.clock.now) == "ok"


def test_restarts_give_no_new_patience(members: Members) -> None:
    anna = Node("anna", members.frames[0], Clock())
    for _ in range(2):
        anna.clock.mono += DAY_S / 3
        anna.boot()
    assert anna.told == []
    anna.clock.mono += DAY_S / 3
    anna.boot()
    assert anna.told == ["notice.ledger-stale"]


def test_without_the_guard_an_old_list_would_go_on_growing(members: Members) -> None:
    anna = node(members, guards=Guards(freeze=False))
    anna.clock.mono += 3 * DAY_S
    anna.woke()
    members.add("dora")
    anna.hear(HUB, part(members, 4))
    assert anna.told == []
    assert anna.ledger.member("dora") is not None


def test_a_head_that_is_over_or_not_yet_counts_for_nothing(members: Members) -> None:
    anna = node(members)
    anna.clock.mono += DAY_S + 10
    for at in (anna.clock.now.ms - GRACE_MS, anna.clock.now.ms + 10 * SKEW_MS):
        frame = signed_head(members, members.ledger, at)
        anna.hear(HUB, LedgerHead(seq=4, hash=to_b64u(members.ledger.head)), frame=frame)
        assert anna.membership.standing(anna.clock.now) == "stale"
