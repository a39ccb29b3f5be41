"""The hub hears of a split list: two signatures of its own prove one, and until IT settles it nothing is written."""

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from agent.domain.effects import Effect, Keep, Reply
from agent.domain.errors import NmrError
from agent.domain.events import Arrived, Instant
from agent.domain.heads import Fork, LedgerFork
from agent.domain.ledger import Ledger
from agent.hub.entries import make_entry
from agent.hub.forks import SHOWN_AT_ONCE, Forks, SettleAsked
from agent.system.ids import new_id
from agent.wire.ledger import read_entry
from tests.hub.scene import Peer, enrolled, running_hub
from tests.servers.waiting import eventually
from tests.station.ledger.ledger_scene import branch, kitchen
from tests.station.scene import only
from tests.walks.crowd import envelope, signed_head
from tests.walks.members import NOW_MS, SITE, Members

NOW = Instant(1000.0, NOW_MS)


def shown(*frames: bytes) -> LedgerFork:
    return LedgerFork(seq=4, one="A" * 22, other="B" * 22, evidence=tuple(frame.decode() for frame in frames))


def heard(forks: Forks, *frames: bytes, now: Instant = NOW) -> list[Effect]:
    fork = shown(*frames)
    return forks.heard(Arrived(envelope("anna", "ledger.fork", NOW_MS, "0" * 32, None), fork, "mqtt"), fork, now)


def forks_of(members: Members, *kept: Fork) -> Forks:
    return Forks(lambda: members.ledger, lambda: members.frames, kept)


@pytest.fixture
def members() -> Members:
    return kitchen()


@pytest.fixture
def other(members: Members) -> Members:
    """The same hub, who goes on differently after entry 3."""
    split = branch(members, 3)
    split.add("spy")
    return split


def test_two_entries_of_ours_with_one_number_are_told_and_a_colleague_s_word_is_not(
    members: Members, other: Members
) -> None:
    forks = forks_of(members)
    made_up = members.entry("member.revoke", "ben", {}, signer=members.people["anna"])
    assert heard(forks, members.frames[3], made_up) == []
    assert heard(forks, members.frames[3], members.frames[3]) == []
    assert forks.alarms() == []
    (keep,) = only(heard(forks, members.frames[3], other.frames[3]), Keep)
    assert heard(forks, members.frames[3], other.frames[3]) == []
    (alarm,) = forks.alarms()
    assert alarm.startswith("anna has two entries number 4")
    assert isinstance(keep.value, Fork)
    assert forks_of(members, keep.value).alarms() == [alarm]  # the next run


def test_what_contradicts_our_own_entry_needs_no_second_half(members: Members, other: Members) -> None:
    assert only(heard(forks_of(members), other.frames[3]), Keep)
    assert only(heard(forks_of(members), signed_head(other, other.ledger, NOW_MS)), Keep)


def test_a_hub_that_was_set_back_before_both_needs_both(members: Members, other: Members) -> None:
    behind = Forks(lambda: read_back(members, 3), lambda: members.frames[:3])
    assert heard(behind, other.frames[3]) == []
    assert only(heard(behind, other.frames[3], members.frames[3]), Keep)


def test_what_was_signed_before_it_settled_one_proves_nothing_any_more(members: Members, other: Members) -> None:
    forks = forks_of(members)
    heard(forks, other.frames[3])
    later = Instant(NOW.mono + 3600, NOW.ms + 3_600_000)
    settled = forks.settle(SettleAsked(7), later)
    (keep,) = only(settled, Keep)
    assert only(settled, Reply) == [Reply(7)]
    assert forks.alarms() == []
    assert isinstance(keep.value, Fork)
    for run in (forks, forks_of(members, keep.value)):
        assert heard(run, other.frames[3], members.frames[3], now=later) == []
        assert only(heard(run, signed_head(other, other.ledger, later.ms + 1), now=later), Keep)


def test_a_flood_of_them_is_looked_at_now_and_then(members: Members) -> None:
    looked = list[int]()

    def ledger() -> Ledger:
        looked.append(1)
        return members.ledger

    forks = Forks(ledger, lambda: members.frames)
    for _ in range(50):
        heard(forks)
    assert len(looked) == SHOWN_AT_ONCE


@pytest.mark.servers
def test_a_hub_on_a_fork_writes_nothing_says_why_and_remembers_it_until_it_is_settled(tmp_path: Path) -> None:
    async def ask(hub: Any, do: str, **with_: object) -> Any:
        return await hub.office.answer(do, with_, lambda _: None)

    async def refused(hub: Any) -> None:
        for do, with_ in (("hub.invite", {"person": "ben"}), ("hub.roles", {"station": "anna", "roles": ["bar"]})):
            with pytest.raises(NmrError) as told:
                await ask(hub, do, **with_)
            assert told.value.code == "split"
            assert "nmr hub settle" in told.value.message

    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = Peer(await enrolled(hub, tmp_path))
            core = hub.engine.core
            before = read_entry(Ledger(SITE), core.frames[0])
            stolen = make_entry(before, hub.site.me, "member.mail", "hub", {"mail": ""}, id_=new_id(), at=now_ms())
            async with anna.connected():
                await anna.say("ledger.fork", shown(stolen), want=1)
                await eventually(lambda: "split" in "".join(hub.office.status()["alarms"]))
            await refused(hub)
        async with running_hub(tmp_path) as hub:
            await refused(hub)
            await ask(hub, "hub.settle")
            await ask(hub, "hub.roles", station="anna", roles=["bar"])
        async with running_hub(tmp_path) as hub:
            assert hub.office.status()["alarms"] == []

    asyncio.run(walk())


def read_back(members: Members, seq: int) -> Ledger:
    ledger = Ledger(SITE)
    for frame in members.frames[:seq]:
        ledger = read_entry(ledger, frame)
    return ledger


def now_ms() -> int:
    return round(time.time() * 1000)
