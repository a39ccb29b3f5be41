"""The ledger's publisher: on disk first, told afterwards, and never a second history."""

import asyncio
from pathlib import Path

import pytest

from agent.domain.errors import NmrError
from agent.domain.keys import to_b64u
from agent.domain.ledger import Ledger, LedgerRefused
from agent.hub.core import Appended
from agent.hub.entries import genesis_value, make_entry, member_value
from agent.hub.kept import load_kept
from agent.hub.publisher import Publisher
from agent.routing import rows
from agent.system.ids import new_id
from agent.system.pin import Pin, load_pin, save_pin
from agent.system.store import Store, StoreError
from agent.wire.frame import FrameRefused
from agent.wire.keys import Identity
from agent.wire.ledger import read_entry
from tests.hub.told import START_MS, at

ME = Identity.new("s1", "hub")


class Desk:
    """A publisher with its store, and what it told."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self.folder, self.store = folder, Store.open(folder / "hub.sqlite3", rows.MIGRATIONS)
        kept = load_kept(self.store, folder, "s1")
        self.ledger, self.frames = kept.ledger, list(kept.frames)
        self.publisher = Publisher(
            me=ME,
            store=self.store,
            folder=folder,
            ledger=lambda: self.ledger,
            now=at,
            new_id=new_id,
            appended=self.told,
        )

    def told(self, appended: Appended) -> None:
        self.ledger = appended.ledger
        self.frames.append(appended.frame)

    async def add(self, station: str) -> None:
        keys = Identity.new("s1", station)
        await self.publisher.append(
            "member.add", station, member_value("anna", ("kitchen",), to_b64u(keys.sign), to_b64u(keys.receive))
        )


def test_a_new_site_begins_with_its_genesis_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    async def first() -> None:
        desk = Desk(tmp_path / "hub")
        await desk.publisher.begin()
        await desk.add("anna")
        desk.store.close()

    async def second() -> Ledger:
        desk = Desk(tmp_path / "hub")
        await desk.publisher.begin()
        assert desk.ledger.seq == 2
        await desk.add("ben")
        desk.store.close()
        assert load_pin(desk.folder) == Pin(3, desk.ledger.head)
        return desk.ledger

    asyncio.run(first())
    assert {member.station for member in asyncio.run(second()).active()} == {"anna", "ben"}


def test_many_at_once_stand_one_after_the_other(tmp_path: Path) -> None:
    async def walk() -> None:
        desk = Desk(tmp_path / "hub")
        await desk.publisher.begin()
        await asyncio.gather(*(desk.add(f"desk-{n}") for n in range(20)))
        ledger = Ledger("s1")
        for frame in desk.frames:
            ledger = read_entry(ledger, frame)
        assert (ledger.seq, ledger.head) == (21, desk.ledger.head)
        desk.store.close()

    asyncio.run(walk())


def test_what_may_not_follow_is_refused_and_nothing_is_written(tmp_path: Path) -> None:
    async def walk() -> None:
        desk = Desk(tmp_path / "hub")
        await desk.publisher.begin()
        await desk.add("anna")
        for op, subject in (("member.add", "hub"), ("member.revoke", "nobody"), ("genesis", "hub")):
            with pytest.raises(NmrError):
                await desk.publisher.append(op, subject, genesis_value(ME))
        with pytest.raises(NmrError):
            await desk.add("anna")
        assert desk.ledger.seq == len(desk.store.read(rows.KEPT, ("ledger",))) == 2
        desk.store.close()

    asyncio.run(walk())


def test_nobody_is_told_of_an_entry_that_is_not_on_disk(tmp_path: Path) -> None:
    async def walk() -> None:
        desk = Desk(tmp_path / "hub")
        await desk.publisher.begin()
        desk.store.close()
        with pytest.raises(StoreError):
            await desk.add("anna")
        assert desk.ledger.seq == 1
        pin = load_pin(desk.folder)
        assert pin is not None
        assert pin.seq == 1

    asyncio.run(walk())


def test_a_pin_that_is_behind_is_no_harm_and_one_that_is_ahead_or_different_is(tmp_path: Path) -> None:
    async def made() -> Ledger:
        desk = Desk(tmp_path / "hub")
        await desk.publisher.begin()
        await desk.add("anna")
        desk.store.close()
        return desk.ledger

    def code(pin: Pin) -> str:
        save_pin(tmp_path / "hub", pin)
        with pytest.raises(NmrError) as caught:
            Desk(tmp_path / "hub")
        return caught.value.code

    ledger = asyncio.run(made())
    assert code(Pin(3, b"x" * 32)) == "ledger-rollback"
    assert code(Pin(2, b"x" * 32)) == "ledger-fork"
    assert code(Pin(1, b"x" * 32)) == "ledger-fork"
    save_pin(tmp_path / "hub", Pin(2, ledger.head))
    Desk(tmp_path / "hub").store.close()


def test_stations_refuse_old_forked_and_foreign_entries() -> None:
    def entry(ledger: Ledger, by: Identity, station: str) -> bytes:
        keys = Identity.new("s1", station)
        value = member_value("anna", (), to_b64u(keys.sign), to_b64u(keys.receive))
        return make_entry(ledger, by, "member.add", station, value, id_=new_id(), at=START_MS)

    genesis = make_entry(Ledger("s1"), ME, "genesis", "hub", genesis_value(ME), id_=new_id(), at=START_MS)
    one = read_entry(Ledger("s1"), genesis)
    first, other = entry(one, ME, "anna"), entry(one, ME, "mallory")
    two = read_entry(one, first)
    after_other = entry(read_entry(one, other), ME, "ben")
    for ledger, frame, why in ((two, first, "rollback"), (two, other, "rollback"), (two, after_other, "fork")):
        with pytest.raises(LedgerRefused) as caught:
            read_entry(ledger, frame)
        assert caught.value.code == why
    with pytest.raises(FrameRefused, match="unknown-kid"):
        read_entry(two, entry(two, Identity.new("s1", "hub"), "ben"))
    member = Identity.new("s1", "anna")
    value = member_value("anna", (), to_b64u(member.sign), to_b64u(member.receive))
    three = read_entry(two, make_entry(two, ME, "member.add", "cleo", value, id_=new_id(), at=START_MS))
    with pytest.raises(LedgerRefused) as refused:
        read_entry(three, entry(three, member, "ben"))
    assert refused.value.code == "signer"
