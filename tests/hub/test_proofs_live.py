"""Hub, broker and a station at its gate: keys are proven, renewed, ended and replaced; no crash locks anybody out."""

import asyncio
import json
import shutil
import sqlite3
from pathlib import Path
from typing import Any, Self

import pytest
from msgspec.structs import replace

from agent.domain.errors import BadInput, NmrError, NotAllowed
from agent.domain.messages import AuthRefused, Probe
from agent.hub.app import Running
from agent.routing import rows
from agent.station.enrolment import again as enrol_again
from agent.station.enrolment.enrol import enrol, enrolment_unfinished
from agent.station.enrolment.network import Network
from agent.system.credentials import load_credentials
from agent.system.paths import Profile
from agent.system.psk_file import load_bundle
from agent.system.wrapping_key import load_key
from tests.hub.key_peer import KeyPeer
from tests.hub.scene import Peer, enrolled, invited, running_hub
from tests.servers.waiting import eventually

pytestmark = pytest.mark.servers


async def ask(hub: Running, do: str, **with_: object) -> Any:
    return await hub.office.answer(do, with_, lambda _: None)


async def row(hub: Running) -> dict[str, Any]:
    (found,) = [one for one in await ask(hub, "hub.psk.list") if one["station"] == "anna"]
    assert isinstance(found, dict)
    return found


async def joined(hub: Running, folder: Path) -> KeyPeer:
    await enrolled(hub, folder, "anna", "kitchen")
    return await asyncio.to_thread(KeyPeer, folder / "anna")


async def enrol_with(profile: Profile, made: dict[str, Any], **how: Any) -> Any:
    text = made["code"] if how else json.dumps(made["invite"])
    return await asyncio.to_thread(lambda: enrol(profile, text, **how))


async def refused(profile: Profile, made: dict[str, Any]) -> NmrError:
    with pytest.raises(NmrError) as caught:
        await enrol_with(profile, made)
    return caught.value


@pytest.mark.parametrize("broker", ["nats", "mosquitto"])
def test_a_station_proves_itself_renews_and_proves_itself_with_the_new_keys(tmp_path: Path, broker: str) -> None:
    if broker == "mosquitto" and not (shutil.which("mosquitto") or Path("/usr/sbin/mosquitto").exists()):
        pytest.skip("mosquitto is not installed")

    async def walk() -> None:
        async with running_hub(tmp_path, broker=broker, psk_days=7) as hub:
            anna = await joined(hub, tmp_path)
            assert (await row(hub))["state"] == "never-proven"
            async with anna.at_the_gate():
                assert await anna.prove() == ["Admitted"]
                assert await anna.renew() == ["Renewed"]
                assert await anna.prove() == ["Admitted"]
            assert (await row(hub))["gen"] == 2
            assert anna.bundle().life_ms == 7 * 86_400_000
            assert hub.engine.router.refused == {}
        async with running_hub(tmp_path, broker=broker, psk_days=7) as hub:
            assert (await row(hub))["state"] == "fresh"
            async with anna.at_the_gate():
                assert await anna.prove() == ["Admitted"]

    asyncio.run(walk())


def test_a_key_that_it_lets_expire_is_told_at_once_to_the_station_that_is_there(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await joined(hub, tmp_path)
            async with anna.at_the_gate():
                await anna.prove()
                assert await ask(hub, "hub.psk.expire", station="anna") == {"stations": ["anna"]}
                channel, told = await anna.word()
                assert channel == "auth"
                assert isinstance(told, AuthRefused)
                await anna.say_all(anna.side.hear(told))
                assert anna.side.codes == ["Admitted", "expired"]
                assert (await row(hub))["state"] == "expired"
                assert await anna.prove() == ["expired"]
                assert await anna.renew() == ["Renewed"]
                assert await anna.prove() == ["Admitted"]
            assert await ask(hub, "hub.psk.expire", station="") == {"stations": ["anna"]}
            with pytest.raises(BadInput):
                await ask(hub, "hub.psk.expire", station="nobody")

    asyncio.run(walk())


def test_a_replaced_key_is_shut_out_at_once_and_its_computer_gets_another_one(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await joined(hub, tmp_path)
            before, entries = anna.credentials, len(hub.engine.core.frames)
            async with anna.at_the_gate():
                assert await anna.prove() == ["Admitted"]
                made = await ask(hub, "hub.psk.replace", station="anna")
                _, told = await anna.word()
                assert isinstance(told, AuthRefused)
                assert told.code == "replaced"
                assert await anna.prove() == ["replaced"]
                assert (await row(hub))["state"] == "awaited"
                assert hub.office.status()["alarms"] == []
                await enrol_with(anna.profile, made)
                assert anna.bundle().gen == 2
                assert await anna.prove() == ["Admitted"]
                assert (await row(hub))["state"] == "fresh"
            assert load_credentials(anna.profile.secrets_folder) == before
            assert len(hub.engine.core.frames) == entries
            assert not enrolment_unfinished(anna.profile)
            async with Peer(before).connected() as peer:
                await peer.say("probe", Probe(n=3))
                assert (await peer.hear("probe")).n == 3

    asyncio.run(walk())


def test_only_the_computer_it_was_made_for_gets_new_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await joined(hub, tmp_path)
            await enrolled(hub, tmp_path, "ben")
            made, ben = await ask(hub, "hub.psk.replace", station="anna"), Profile.at(tmp_path / "ben")
            for wrong in (ben, Profile.at(tmp_path / "nobody")):
                error = await refused(wrong, made)
                assert isinstance(error, NotAllowed)
                assert error.code == "another-station"
            assert hub.office.status()["alarms"] == []
            assert load_bundle(ben.secrets_folder, "s1", "ben").gen == 1
            with monkeypatch.context() as posing:  # what ben's program would not do, the hub does not take
                posing.setattr(enrol_again, "_own", lambda *_: _posing(ben, anna))
                assert (await refused(ben, made)).code == "invite-claimed"
            assert any("gives anna new keys" in alarm for alarm in hub.office.status()["alarms"])
            await enrol_with(anna.profile, made, hub_url=made["url"])
            assert anna.bundle().gen == 2
            with pytest.raises(BadInput):
                await ask(hub, "hub.psk.replace", station="nobody")

    asyncio.run(walk())


def _posing(ben: Profile, anna: KeyPeer) -> Any:
    key = load_key(ben.secrets_folder)
    own = load_credentials(ben.secrets_folder)
    assert own is not None
    return key, replace(own, station=anna.credentials.station)


def test_a_hub_that_was_set_back_and_its_station_agree_again_with_a_replacement(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await joined(hub, tmp_path)
            proofs = hub.engine.core.proofs
            older = proofs.accounts["anna"]
            async with anna.at_the_gate():
                assert await anna.renew() == ["Renewed"]
                assert await anna.prove() == ["Admitted"]
                assert await anna.renew() == ["Renewed"]
                proofs.put(older)
                assert await anna.prove() == ["restored"]
                assert "newer key than ours" in hub.office.status()["alarms"][0]
                await enrol_with(anna.profile, await ask(hub, "hub.psk.replace", station="anna"))
                assert anna.bundle().gen == 2
                assert await anna.prove() == ["Admitted"]
                assert hub.office.status()["alarms"] == []

    asyncio.run(walk())


def test_an_agent_that_waits_for_its_keys_is_told_to_try_them_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    class Line:
        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def request(self, do: str) -> None:
            asked.append(f"{do} with generation {load_bundle(folder, 's1', 'anna').gen}")

    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await joined(hub, tmp_path)
            monkeypatch.setattr(enrol_again, "connect", lambda _: Line())
            await enrol_with(anna.profile, await ask(hub, "hub.psk.replace", station="anna"))
        assert asked == ["retry with generation 2"]

    folder = Profile.at(tmp_path / "anna").secrets_folder
    asyncio.run(walk())


def test_keys_of_an_older_replacement_are_not_given_out_any_more(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await joined(hub, tmp_path)
            first = await ask(hub, "hub.psk.replace", station="anna")
            second = await ask(hub, "hub.psk.replace", station="anna")
            assert (await refused(anna.profile, first)).code == "invite-used"
            await enrol_with(anna.profile, second)
            await enrol_with(anna.profile, second)
            assert anna.bundle().gen == 3
            async with anna.at_the_gate():
                assert await anna.renew() == ["Renewed"]
                assert await anna.prove() == ["Admitted"]
            assert (await refused(anna.profile, second)).code == "invite-used"
            assert anna.bundle().gen == 4
            assert not enrolment_unfinished(anna.profile)

    asyncio.run(walk())


@pytest.mark.parametrize("step", ["fresh", "_bundle", "save_bundle", "confirm", "forget_pending"])
def test_a_crash_anywhere_in_getting_new_keys_is_healed_by_asking_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def crash(*_: object) -> None:
        raise RuntimeError("power")

    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await joined(hub, tmp_path)
            made = await ask(hub, "hub.psk.replace", station="anna")
            with monkeypatch.context() as broken:
                broken.setattr(Network if step in ("fresh", "confirm") else enrol_again, step, crash)
                with pytest.raises(RuntimeError):
                    await enrol_with(anna.profile, made)
            assert enrolment_unfinished(anna.profile)
            assert (await refused(anna.profile, await invited(hub, "cleo"))).code == "enrolled"
        async with running_hub(tmp_path) as hub:
            await enrol_with(anna.profile, made)
            assert not enrolment_unfinished(anna.profile)
            async with anna.at_the_gate():
                assert await anna.prove() == ["Admitted"]

    asyncio.run(walk())


@pytest.mark.parametrize("lost", ["psk.bin", "secrets.bin"])
def test_lost_keys_are_replaced_only_where_the_station_is_still_itself(tmp_path: Path, lost: str) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await joined(hub, tmp_path)
            made = await ask(hub, "hub.psk.replace", station="anna")
            (anna.profile.secrets_folder / lost).unlink()
            if lost == "secrets.bin":
                assert (await refused(anna.profile, made)).code == "another-station"
                return
            await enrol_with(anna.profile, made)
            async with anna.at_the_gate():
                assert await anna.prove() == ["Admitted"]

    asyncio.run(walk())


def test_an_invite_for_new_keys_that_nobody_used_costs_the_station_nothing_else(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await joined(hub, tmp_path)
            made = await ask(hub, "hub.psk.replace", station="anna")
            now = hub.enrolment._now().ms
            hub.enrolment._issued = {one.id: replace(one, not_after=now) for one in hub.enrolment._issued.values()}
            await hub.enrolment.tidy()
            assert "anna" in hub.accounts
            assert (await refused(anna.profile, made)).code == "invite-expired"
            await ask(hub, "hub.revoke", station="anna")
            assert await ask(hub, "hub.psk.list") == []

    asyncio.run(walk())


def test_what_the_disk_did_not_take_was_never_promised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = rows.keep

    def full(db: sqlite3.Connection, kind: str, id_: str, body: bytes | None) -> None:
        if kind == "account":
            raise sqlite3.OperationalError("database or disk is full")
        real(db, kind, id_, body)

    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await joined(hub, tmp_path)
            proofs = hub.engine.core.proofs
            async with anna.at_the_gate():
                assert await anna.prove() == ["Admitted"]
                with monkeypatch.context() as broken:
                    broken.setattr(rows, "keep", full)
                    with pytest.raises(NmrError):
                        await ask(hub, "hub.psk.expire", station="anna")
                    await eventually(lambda: not proofs.lost)
                    assert proofs.accounts["anna"].current == anna.bundle()
                    before = proofs.accounts
                    renewing = asyncio.create_task(anna.renew())
                    await eventually(lambda: proofs.accounts is not before)  # it was read again
                    assert not renewing.done()
                    renewing.cancel()
                assert proofs.accounts["anna"].pending is None
                assert await anna.prove() == ["Admitted"]
                assert await anna.renew() == ["Renewed"]
                assert await anna.prove() == ["Admitted"]

    asyncio.run(walk())


def test_an_invite_gives_no_keys_back_that_the_station_may_have_replaced_already(tmp_path: Path) -> None:
    """Its word that it has newer ones may still be on its way: then these would lock it out."""

    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = await joined(hub, tmp_path)
            made = await ask(hub, "hub.psk.replace", station="anna")
            await enrol_with(anna.profile, made)
            async with anna.at_the_gate():
                anna.side.saves = False
                renewing = asyncio.create_task(anna.renew())
                await eventually(lambda: hub.engine.core.proofs.accounts["anna"].pending is not None)
                renewing.cancel()
                assert (await refused(anna.profile, made)).code == "invite-used"
                assert anna.bundle() in hub.engine.core.proofs.accounts["anna"].held.both

    asyncio.run(walk())
