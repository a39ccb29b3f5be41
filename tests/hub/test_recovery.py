"""A restored hub says nothing new before it knows again what it said; it believes its own signature and no other."""

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from agent.domain.errors import NmrError
from agent.domain.messages import LedgerPart, Presence, Probe
from agent.hub import backup_file
from agent.hub.backup import back_up
from agent.hub.restore import restore
from agent.system.ids import new_id
from agent.system.paths import Profile
from tests.hub.scene import Peer, enrolled, running_hub
from tests.servers.waiting import eventually
from tests.walks.members import Members

pytestmark = pytest.mark.servers

PASSPHRASE = "correct horse battery"


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backup_file, "_MEMORY_KIB", 64)


async def ask(hub: Any, do: str, **with_: object) -> Any:
    return await hub.office.answer(do, with_, lambda _: None)


def put_away(folder: Path) -> None:
    back_up(Profile.at(folder / "hub"), folder / "hub.backup", PASSPHRASE)


def put_back(folder: Path) -> None:
    restore(Profile.at(folder / "hub"), folder / "hub.backup", PASSPHRASE, take_place=True)


def part(*frames: bytes) -> LedgerPart:
    return LedgerPart(entries=tuple(frame.decode() for frame in frames))


def test_before_the_stations_were_heard_nothing_is_published_unless_it_says_so(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            await enrolled(hub, tmp_path)
            put_away(tmp_path)
        put_back(tmp_path)
        async with running_hub(tmp_path) as hub:
            found = hub.office.status()
            assert (found["restored"]["waiting"], found["restored"]["newest"]) == (["anna"], 2)
            assert "nmr hub settle" in found["alarms"][0]
            asked: list[tuple[str, dict[str, object]]] = [
                ("hub.invite", {"person": "ben", "roles": ["bar"]}),
                ("hub.revoke", {"station": "anna"}),
                ("hub.roles", {"station": "anna", "roles": ["bar"]}),
            ]
            for do, with_ in asked:
                with pytest.raises(NmrError) as refused:
                    await ask(hub, do, **with_)
                assert refused.value.code == "restored"
        async with running_hub(tmp_path) as hub:
            assert hub.office.status()["restored"]["waiting"] == ["anna"]
            await ask(hub, "hub.settle")
            await ask(hub, "hub.roles", station="anna", roles=["bar"])
        async with running_hub(tmp_path) as hub:
            assert hub.office.status()["restored"] is None
            assert hub.office.stations()[0]["roles"] == ["bar"]

    asyncio.run(walk())


def test_what_the_old_disk_still_knew_is_waited_for(tmp_path: Path) -> None:
    """The folder that is set aside had published more: the hub heard everybody, and yet it is not done."""

    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = Peer(await enrolled(hub, tmp_path))
            put_away(tmp_path)
            await ask(hub, "hub.roles", station="anna", roles=["bar"])
            newest = hub.engine.core.frames[-1]
        put_back(tmp_path)
        async with running_hub(tmp_path) as hub, anna.connected():
            await anna.say("presence", Presence(up=True))
            await eventually(lambda: hub.office.status()["restored"]["waiting"] == [])
            assert hub.office.status()["restored"]["newest"] == 3
            await anna.say("ledger.part", part(newest))
            await eventually(lambda: hub.office.status()["restored"] is None)
            assert hub.engine.core.frames[-1] == newest

    asyncio.run(walk())


def test_whoever_was_shown_out_since_the_backup_is_shown_out_again(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna, thief = Peer(await enrolled(hub, tmp_path)), Peer(await enrolled(hub, tmp_path, "thief"))
            put_away(tmp_path)
            await ask(hub, "hub.revoke", station="thief")
            frames = hub.engine.core.frames
        put_back(tmp_path)
        async with running_hub(tmp_path) as hub, anna.connected(), thief.connected():
            await anna.say("ledger.part", part(*frames))
            await asyncio.wait_for(thief.gone.wait(), 10)
            await eventually(lambda: "thief" not in hub.accounts)
            assert hub.engine.core.frames == frames
            assert hub.engine.core.proofs.accounts.keys() == {"anna"}
        async with running_hub(tmp_path) as hub:
            assert "thief" not in hub.accounts

    asyncio.run(walk())


def test_a_hub_whose_whole_disk_was_set_back_takes_back_as_well(tmp_path: Path) -> None:
    folder = Profile.at(tmp_path / "hub").hub_folder

    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = Peer(await enrolled(hub, tmp_path))
        shutil.copytree(folder, tmp_path / "snapshot")
        async with running_hub(tmp_path) as hub:
            await ask(hub, "hub.roles", station="anna", roles=["bar"])
            frames = hub.engine.core.frames
        shutil.rmtree(folder)
        shutil.copytree(tmp_path / "snapshot", folder)
        async with running_hub(tmp_path) as hub, anna.connected():
            await anna.say("ledger.part", part(*frames[1:]))
            await eventually(lambda: hub.engine.core.frames == frames)
            await ask(hub, "hub.roles", station="anna", roles=["lead"])
            assert hub.engine.core.ledger.seq == len(frames) + 1

    asyncio.run(walk())


def test_one_who_gives_too_much_is_passed_over(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = Peer(await enrolled(hub, tmp_path))
            begun: list[object] = []
            recovery = hub.office._recovery

            def start(work: Any) -> None:
                begun.append(work)
                work.close()

            recovery._start = start
            async with anna.connected():
                for _ in range(40):
                    await anna.say("ledger.part", part(*hub.engine.core.frames))
                await anna.say("probe", Probe(n=1))
                await anna.hear("probe")
            assert 20 <= len(begun) < 40

    asyncio.run(walk())


def test_what_another_key_signed_or_does_not_follow_is_not_taken(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = Peer(await enrolled(hub, tmp_path))
            before = list(hub.engine.core.frames)
            other = Members("s1")
            other.ledger = hub.engine.core.ledger
            value: dict[str, object] = {"roles": ["admin"]}
            forged = other.entry("member.roles", "anna", value)
            own = other.entry("member.roles", "anna", value, signer=anna.me)
            gap = other.entry("member.roles", "anna", value, signer=hub.site.me, seq=9)
            async with anna.connected():
                for frames in ([forged], [own], [gap], [b"junk"], [*before, forged], before):
                    await anna.say("ledger.part", part(*frames), id_=new_id())
                await anna.say("probe", Probe(n=1))
                await anna.hear("probe")
                await hub.office._errands.settle()
                assert hub.engine.core.frames == before
                good = other.entry("member.roles", "anna", value, signer=hub.site.me)
                await anna.say("ledger.part", part(*before, good))
                await eventually(lambda: hub.engine.core.frames == [*before, good])

    asyncio.run(walk())
