"""A real hub with a real broker: stations enrol, talk, are shown out; the hub ends and comes back."""

import asyncio
import json
import shutil
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from agent.domain.audience import EVERYBODY, Audience
from agent.domain.errors import BadConfiguration, BadInput, NmrError, TryLater, Unavailable
from agent.domain.messages import LedgerGet, OrderList, OrderPart, OrderPut, PageNew, Presence, Probe
from agent.hub.app import Running, run_hub
from agent.hub.ask import ask_hub
from agent.links.base import Delivery, LinkDown, LinkRefused
from agent.station.enrolment.enrol import enrol
from agent.system.credentials import Credentials
from agent.system.ids import new_id
from agent.system.paths import Profile
from agent.wire.ledger import read_entry
from tests.hub.scene import Peer, enrolled, hub_config, invited, running_hub
from tests.servers.waiting import eventually

pytestmark = pytest.mark.servers


def an_order(title: str = "table 5", by: str = "anna") -> OrderPut:
    return OrderPut(uuid=new_id(), kind="order", fields={"title": (title, (round(time.time() * 1000), 0, by))})


async def brought(hub: Running, sender: str | None, sealed: bytes) -> None:
    """Let a link bring a container, and wait until the hub is done with it."""
    done = asyncio.Event()
    hub.engine.router.arrived(Delivery("mail", sender, sealed, done.set))
    await asyncio.wait_for(done.wait(), 5)


def test_a_station_that_enrolled_gets_the_time_the_ledger_and_the_orders(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub, Peer(await enrolled(hub, tmp_path)).connected() as anna:
            await anna.say("probe", Probe(n=1))
            answer = await anna.hear("probe")
            assert (answer.n, answer.live) == (1, "anna")
            assert abs(answer.time - time.time() * 1000) < 60_000
            await anna.say("ledger.get", LedgerGet(after=1))
            (entry,) = (await anna.hear("ledger.part")).entries
            assert read_entry(anna.ledger, entry.encode()).member("anna")
            order, id_ = an_order(), new_id()
            await anna.say("order.put", order, to=EVERYBODY, id_=id_, want=1)
            receipt = await anna.hear("receipt")
            assert [(item.id, item.stage) for item in receipt.items] == [(id_, "stored")]
            await anna.say("order.list", OrderList())
            part = await anna.hear("order.part")
            assert [item.uuid for item in part.items] == [order.uuid]

    asyncio.run(walk())


def test_everybody_hears_at_once_of_a_new_member(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub, Peer(await enrolled(hub, tmp_path)).connected() as anna:
            await enrolled(hub, tmp_path, "ben", "kitchen")
            newest = hub.engine.core.frames[-1].decode()
            part = await anna.hear("ledger.part", lambda part: part.entries[-1] == newest)
            assert [entry.encode() for entry in part.entries] == hub.engine.core.frames

    asyncio.run(walk())


async def revoked(hub: Running, name: str, credentials: Credentials) -> float:
    """Seconds from the revocation of a station that is connected to the end of its connection."""
    async with Peer(credentials).connected() as peer:
        await peer.say("probe", Probe(n=1))
        await peer.hear("probe")
        began = time.monotonic()
        await hub.office.answer("hub.revoke", {"station": name}, lambda _: None)
        await asyncio.wait_for(peer.gone.wait(), 10)
        return time.monotonic() - began


@pytest.mark.parametrize("broker", ["nats", "mosquitto"])
def test_a_revoked_station_is_off_within_a_second_and_nothing_of_it_counts_any_more(
    tmp_path: Path, broker: str
) -> None:
    if broker == "mosquitto" and not (shutil.which("mosquitto") or Path("/usr/sbin/mosquitto").exists()):
        pytest.skip("mosquitto is not installed")

    async def walk() -> None:
        async with running_hub(tmp_path, broker=broker) as hub:
            it, another = await enrolled(hub, tmp_path), await enrolled(hub, tmp_path, "ben")
            took = [await revoked(hub, "anna", it), await revoked(hub, "ben", another)]
            assert min(took) < 1.0  # what else the computer does is no part of the promise
            with pytest.raises((LinkRefused, LinkDown)):
                async with Peer(it).connected():
                    pass
            await brought(hub, None, Peer(it).container("order.put", an_order(), to=EVERYBODY))
            assert hub.engine.router.refused == {"revoked": 1}
            assert "anna" not in hub.accounts
            assert hub.office.stations()[0]["revoked"]

    asyncio.run(walk())


def test_the_hub_takes_from_each_what_its_roles_allow(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            roles = {"anna": ("display",), "ben": ("kitchen",), "cleo": ("lead",), "dora": ("worker",)}
            peers = {name: Peer(await enrolled(hub, tmp_path, name, *given)) for name, given in roles.items()}
            bar, kitchen = Audience("role", "bar"), Audience("role", "kitchen")
            tried: list[tuple[str, str, Any, Audience, bool]] = [
                ("anna", "order.put", an_order(), EVERYBODY, False),
                ("anna", "page.new", PageNew(), kitchen, False),
                ("ben", "order.put", an_order(), EVERYBODY, True),
                ("ben", "order.put", an_order(), kitchen, True),
                ("ben", "order.put", an_order(), bar, False),
                ("ben", "page.new", PageNew(), bar, True),
                ("ben", "page.new", PageNew(), EVERYBODY, False),
                ("ben", "order.part", OrderPart(i=0, n=1, upto=1, items=()), EVERYBODY, False),
                ("cleo", "order.put", an_order(), bar, True),
                ("cleo", "page.new", PageNew(), EVERYBODY, True),
                ("dora", "order.put", an_order(), EVERYBODY, False),
            ]
            for name, type_, params, to, allowed in tried:
                before = hub.engine.router.refused.get("rights", 0)
                await brought(hub, name, peers[name].container(type_, params, to=to))
                refused = hub.engine.router.refused.get("rights", 0) > before
                assert refused != allowed, (name, type_, to)

    asyncio.run(walk())


def test_a_hub_that_comes_back_knows_everything_and_goes_on_with_its_ledger(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            anna = Peer(await enrolled(hub, tmp_path))
            order = an_order()
            async with anna.connected():
                await anna.say("order.put", order, to=EVERYBODY, want=1)
                await anna.hear("receipt")
            made, ports = await invited(hub, "ben"), (hub.web.port, hub.broker.port)
            count = hub.engine.core.registry.count
        async with running_hub(tmp_path) as hub:
            assert (hub.web.port, hub.broker.port) == ports
            await asyncio.to_thread(enrol, Profile.at(tmp_path / "ben"), json.dumps(made["invite"]))
            async with anna.connected():
                await anna.say("ledger.get", LedgerGet(after=1))
                second = hub.engine.core.frames[1].decode()
                part = await anna.hear("ledger.part", lambda part: part.entries[0] == second)
                for entry in part.entries:
                    anna.ledger = read_entry(anna.ledger, entry.encode())
                assert {member.station for member in anna.ledger.active()} == {"anna", "ben"}
                await anna.say("order.list", OrderList(since=count - 1))
                assert [item.uuid for item in (await anna.hear("order.part")).items] == [order.uuid]

    asyncio.run(walk())


def test_a_store_put_back_from_an_old_backup_is_not_gone_on_with(tmp_path: Path) -> None:
    folder = Profile.at(tmp_path / "hub").hub_folder

    async def walk() -> None:
        async with running_hub(tmp_path):
            pass
        shutil.copytree(folder, tmp_path / "backup")
        async with running_hub(tmp_path) as hub:
            await enrolled(hub, tmp_path)
        for name in ("hub.sqlite3", "hub.sqlite3.sum"):
            shutil.copy(tmp_path / "backup" / name, folder / name)
        with pytest.raises(NmrError) as caught:
            async with running_hub(tmp_path):
                pass
        assert caught.value.code == "ledger-rollback"

    asyncio.run(walk())


def test_a_hub_without_its_database_or_keys_makes_no_second_history(tmp_path: Path) -> None:
    folder = Profile.at(tmp_path / "hub").hub_folder

    async def code() -> str:
        with pytest.raises(NmrError) as caught:
            async with running_hub(tmp_path):
                pass
        return caught.value.code

    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            await enrolled(hub, tmp_path)
        database, keys = folder / "hub.sqlite3", folder / "secrets.bin"
        whole = database.read_bytes()
        database.write_bytes(whole[:5000] + b"x" * 100 + whole[5100:])
        assert await code() == "store-damaged"
        assert await code() == "ledger-rollback"
        database.write_bytes(whole)
        (folder / "hub.sqlite3.sum").unlink(missing_ok=True)
        kept = keys.read_bytes()
        keys.unlink()
        assert await code() == "hub-keys"
        keys.write_bytes(kept)
        keys.chmod(0o600)
        async with running_hub(tmp_path) as hub:
            assert len(hub.engine.core.ledger.active()) == 1

    asyncio.run(walk())


def test_one_profile_has_one_hub_and_a_port_belongs_to_one(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            with pytest.raises(TryLater, match="running already"):
                async with running_hub(tmp_path):
                    pass
            with pytest.raises(Unavailable, match="port is not free"):
                async with running_hub(tmp_path / "other", http_port=hub.web.port):
                    pass
            with pytest.raises(Unavailable, match="broker"):
                async with running_hub(tmp_path / "third", mqtt_port=hub.broker.port):
                    pass

    asyncio.run(walk())


def test_what_cannot_be_configured_is_said_in_words(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path):
            pass
        with pytest.raises(BadConfiguration, match="renamed"):
            async with running_hub(tmp_path, site="s2"):
                pass
        with pytest.raises(Unavailable, match=r"broker program|not installed|Mosquitto"):
            async with running_hub(tmp_path / "other", broker="mosquitto", mosquitto_program="/nowhere/mosquitto"):
                pass

    asyncio.run(walk())


def test_a_broker_that_died_comes_back_and_the_hub_with_it(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            it = await enrolled(hub, tmp_path)
            broker: Any = hub.broker
            broker._process.signal(9)
            await eventually(lambda: not hub.engine.core.links.at_broker)
            await eventually(lambda: hub.engine.core.links.at_broker, 20)
            async with Peer(it).connected() as anna:
                await anna.say("probe", Probe(n=2))
                assert (await anna.hear("probe")).n == 2
                await anna.say("presence", Presence(up=False))
                await eventually(lambda: not hub.office.status()["live"])

    asyncio.run(walk())


def test_it_asks_the_running_hub_over_its_socket(tmp_path: Path) -> None:
    async def walk() -> None:
        profile = Profile.at(tmp_path / "hub")
        async with running_hub(tmp_path) as hub:

            async def ask(do: str, **with_: object) -> Any:
                return await asyncio.to_thread(ask_hub, profile, do, **with_)

            await enrolled(hub, tmp_path, "anna", "kitchen")
            await ask("hub.roles", station="anna", roles=["bar", "lead"])
            (station,) = await ask("hub.stations")
            assert (station["station"], station["roles"], station["live"]) == ("anna", ["bar", "lead"], False)
            assert abs(station["since_ms"] - time.time() * 1000) < 60_000
            status = await ask("hub.status")
            assert (status["broker"], status["stations"], status["mqtt_port"]) == ("nats", 1, hub.broker.port)
            impossible: list[tuple[str, dict[str, object]]] = [
                ("hub.revoke", {"station": "nobody"}),
                ("hub.revoke", {"station": "hub"}),
                ("hub.roles", {"station": "anna", "roles": ["hub"]}),
                ("hub.invite", {"person": "Anna"}),
                ("hub.invite", {"person": "ben", "station": "anna"}),
                ("hub.invite", {"person": "ben", "roles": ["hub"]}),
                ("hub.invite", {}),
                ("hub.dance", {}),
            ]
            for do, with_ in impossible:
                with pytest.raises(BadInput):
                    await ask(do, **with_)
        with pytest.raises(Unavailable, match="hub is not running"):
            await ask("hub.status")

    asyncio.run(walk())


def test_whoever_hangs_up_does_not_undo_what_they_asked_for(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running_hub(tmp_path) as hub:
            await enrolled(hub, tmp_path)
            asking = asyncio.create_task(hub.office.answer("hub.roles", {"station": "anna", "roles": ["bar"]}, print))
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            asking.cancel()
            with suppress(asyncio.CancelledError):
                await asking
            await eventually(lambda: hub.office.stations()[0]["roles"] == ["bar"])
            await hub.office.answer("hub.roles", {"station": "anna", "roles": ["lead"]}, print)
        async with running_hub(tmp_path) as hub:
            assert hub.office.stations()[0]["roles"] == ["lead"]

    asyncio.run(walk())


def test_run_hub_says_when_it_is_ready_and_ends_when_told(tmp_path: Path) -> None:
    profile, said = Profile.at(tmp_path / "hub"), list[dict[str, Any]]()

    async def walk() -> int:
        running = asyncio.create_task(run_hub(profile, hub_config(), ready=said.append))
        await eventually(lambda: said, 20)
        await asyncio.to_thread(ask_hub, profile, "quit")
        return await asyncio.wait_for(running, 20)

    assert asyncio.run(walk()) == 0
    assert said[0]["url"].startswith("https://127.0.0.1:")
    assert "started" in (profile.log_folder / "hub.log").read_text()
