"""The chain of entries heals: what the disk lost is fetched again, what waits makes room, what was pinned counts."""

import pytest

from agent.domain.effects import Keep, Note, Reply
from agent.domain.events import ResolveAsked
from agent.domain.heads import LedgerKept, short
from agent.domain.ledger import Ledger, frame_hash
from agent.domain.messages import LedgerPart, PageNew
from agent.domain.names import HUB
from agent.station.desk import Desk
from agent.station.ledger.membership import Membership
from agent.wire.ledger import read_entry
from tests.station.ledger.ledger_scene import branch, kitchen, node, part, said, shown
from tests.station.scene import only
from tests.walks.crowd import Clock, Node
from tests.walks.members import SITE, Members


@pytest.fixture
def members() -> Members:
    return kitchen()


def test_what_the_disk_lost_midway_is_thrown_away_asked_for_and_taken_again(members: Members) -> None:
    """A full disk took entries 2 and 4, and not 3: the next run starts with 2 and ends with all of them."""
    ledger = read_entry(read_entry(Ledger(SITE), members.frames[0]), members.frames[1])
    kept = {seq: short(frame_hash(members.frames[seq - 1])) for seq in (2, 4)}
    desk, clock = Desk(SITE, "anna", lambda: "0" * 32, ledger), Clock()
    membership = Membership(desk, (4, members.ledger.head), LedgerKept(hashes=kept))
    begun = membership.start(clock.now)
    assert Keep("ledger", f"{4:012d}", None) in begun
    assert Note("ledger damaged", {"first": 3}) in begun
    taken = membership.entries([frame.decode() for frame in members.frames], now=clock.now)
    assert desk.ledger == members.ledger
    assert [keep.id for keep in only(taken, Keep)] == [f"{3:012d}", f"{4:012d}"]


def test_what_came_another_way_need_not_wait_any_more(members: Members, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.station.ledger.chain.MOST_EARLY", 2)
    anna = Node("anna", members.frames[0], Clock())
    for early in (2, 3):
        anna.hear(HUB, LedgerPart(entries=(members.frames[early].decode(),)))
    anna.hear(HUB, part(members, 1))  # all of them: nothing waits
    for name in ("dora", "emil"):
        members.add(name)
    for frame in reversed(members.frames[4:]):
        anna.hear(HUB, LedgerPart(entries=(frame.decode(),)))
    assert anna.ledger == members.ledger


def test_two_entries_with_one_number_prove_a_fork_before_anybody_gets_there(members: Members) -> None:
    anna, other = node(members), branch(members, 4)
    for log, names in ((members, ("dora", "emil")), (other, ("dora", "spy"))):
        for name in names:
            log.add(name)
    anna.hear(HUB, part(members, 5))
    assert anna.told == []
    anna.hear(HUB, part(other, 5))
    assert anna.frozen
    assert len(shown(anna).evidence) == 2


def test_after_the_loss_of_the_store_the_hub_s_word_is_held_against_the_pin(members: Members) -> None:
    """Any message of the hub, not first the entry: and what IT is told is that this history was given up."""
    anna, other = node(members), branch(members, 3)
    other.add("spy")
    anna.lose_store()
    anna.hear(HUB, PageNew(), head=other.ledger.short_head())
    assert anna.frozen
    anna.clock.mono += 3600
    said(anna, other)
    (reply,) = only(anna.run(anna.membership.resolve(ResolveAsked(7), anna.clock.now)), Reply)
    assert reply.error is not None
    assert reply.error.code == "other-history"


def test_after_the_loss_of_the_store_the_list_up_to_the_pin_is_taken_as_ever(members: Members) -> None:
    anna = node(members)
    anna.lose_store()
    anna.hear(HUB, part(members), head=members.ledger.short_head())
    assert anna.ledger == members.ledger
    assert not anna.frozen
