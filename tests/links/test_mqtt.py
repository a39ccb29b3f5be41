"""The MQTT link keeps the promises of all links on both brokers, and sees through connections that only look well."""

import asyncio
from contextlib import suppress
from typing import Any

import pytest

from agent.hub.broker.kept import KEEPER
from agent.hub.broker.nats import NatsBroker
from agent.hub.broker.nats_control import control
from agent.links.base import AUTH, HUB, HubUnproven, LinkDown, channel_of_round
from agent.links.mqtt import requests
from agent.links.mqtt.link import MqttLink
from agent.links.mqtt.session import WINDOW
from tests.links.channels import ChannelContract
from tests.links.contract import LinkContract
from tests.links.mqtt.scene import Crowd, MqttScene
from tests.links.relay import relay
from tests.links.taking import take, take_all, until

pytestmark = pytest.mark.servers


class TestMqttOnNats(LinkContract, ChannelContract):
    """The contract."""

    @pytest.fixture
    def scene(self, nats: Crowd) -> MqttScene:
        return nats.scene()


class TestMqttOnMosquitto(LinkContract, ChannelContract):
    """The contract."""

    @pytest.fixture
    def scene(self, mosquitto: Crowd) -> MqttScene:
        return mosquitto.scene()


def test_the_round_trip_is_known_as_soon_as_the_session_is_up(scene: MqttScene) -> None:
    async def walk() -> None:
        async with MqttLink(scene.settings(scene.a)).connect() as a:
            assert a.rtt is not None
            assert 0 < a.rtt < 10

    asyncio.run(walk())


def test_a_station_that_may_not_read_its_topic_never_counts_as_up(scene: MqttScene) -> None:
    async def walk() -> None:
        other = scene.settings(scene.a, station=scene.b)
        with pytest.raises(
            LinkDown, match=r"the broker (delivers nothing to|refuses the subscription of) this station"
        ):
            async with MqttLink(other, echo_within=0.2).connect():
                pytest.fail("up without receiving anything")

    asyncio.run(walk())


@pytest.mark.parametrize("channel", [AUTH, channel_of_round("5" * 32)])
def test_a_station_can_write_on_no_channel_of_another(scene: MqttScene, channel: str) -> None:
    async def walk() -> None:
        posing = scene.settings(scene.a, station=scene.b)
        async with scene.link(HUB).connect() as hub, scene.gated(scene.b).connect() as b:
            with suppress(LinkDown):  # NATS may refuse it already when it listens
                async with MqttLink(posing, gated=True).connect() as poser:
                    await poser.send(HUB, b"of another", channel)
            await _publish_bare(scene, scene.a, posing.outbox(HUB, channel))
            await b.send(HUB, b"its own", channel)
            came = await take(hub.received())
        assert (came.sealed, came.sender) == (b"its own", scene.b)

    asyncio.run(walk())


@pytest.mark.parametrize("channel", [AUTH, channel_of_round("6" * 32)])
def test_a_station_can_read_on_no_channel_of_another(
    scene: MqttScene, channel: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def walk() -> None:
        settings = scene.settings(scene.a)
        async with scene.link(HUB).connect() as hub, scene.gated(scene.b).connect() as b:
            await b.listen(channel)
            async with MqttLink(settings, gated=True).connect() as a:
                a._settings = scene.settings(scene.a, station=scene.b)
                with suppress(LinkDown):  # NATS refuses, Mosquitto grants and delivers nothing
                    await a.listen(channel)
                a._settings = settings
                monkeypatch.setattr(a, "arrived", (heard := list[Any]()).append)
                await hub.send(scene.b, b"for b", channel)
                assert (await take(b.received())).sealed == b"for b"
                await hub.send(scene.a, b"for a", AUTH)
                await until(lambda: heard)
        assert [bytes(message.payload) for message in heard] == [b"for a"]

    monkeypatch.setattr(requests, "PAUSES_S", (0.0, 0.0))
    asyncio.run(walk())


def test_a_gate_before_an_inbox_that_delivers_nothing_opens_with_link_down(
    mosquitto: Crowd, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def walk() -> None:
        other = scene.settings(scene.a, station=scene.b)
        async with MqttLink(other, gated=True, echo_within=0.2).connect() as a:
            with pytest.raises(LinkDown, match="delivers nothing to this station"):
                await a.open_inbox()
            with pytest.raises(LinkDown, match="delivers nothing to this station"):
                await take(a.received())

    scene = mosquitto.scene()
    asyncio.run(walk())


def test_a_session_whose_gate_never_opened_lets_the_next_address_have_a_try(scene: MqttScene) -> None:
    async def walk() -> None:
        async with relay(scene.broker.port) as first, relay(scene.broker.port) as second:
            addresses = tuple(("127.0.0.1", between.port) for between in (first, second))
            link = MqttLink(scene.settings(scene.a, addresses=addresses), gated=True)
            async with link.connect() as a:
                a.abort(HubUnproven("wrong key"))
            for _ in range(2):
                async with link.connect() as a:
                    await a.open_inbox()
        assert (first.connections, second.connections) == (1, 2)

    asyncio.run(walk())


def test_a_cable_cut_that_nobody_notices_is_noticed_by_the_probe(scene: MqttScene) -> None:
    async def walk() -> None:
        async with relay(scene.broker.port) as between:
            settings = scene.settings(scene.a, addresses=(("127.0.0.1", between.port),))
            async with MqttLink(settings, probe_every=0.2, echo_within=1.0).connect() as a:
                await asyncio.sleep(0.5)
                await a.send(scene.b, b"flows")
                between.freeze()
                with pytest.raises(LinkDown, match="delivers nothing any more"):
                    await take(a.received(), within=8)
                with pytest.raises(LinkDown):
                    await a.send(scene.b, b"into the void")

    asyncio.run(walk())


def test_a_reader_who_accepts_nothing_for_long_neither_falls_nor_loses_the_queue(scene: MqttScene) -> None:
    async def walk() -> None:
        sent = [b"%d" % number for number in range(300)]
        async with scene.link(scene.b).connect():
            pass
        async with scene.link(scene.a).connect() as a:
            for message in sent:
                await a.send(scene.b, message)
        async with MqttLink(scene.settings(scene.b), probe_every=0.2, echo_within=0.3).connect() as b:
            await asyncio.sleep(1.5)
            assert b.up
            came = await take_all(b.received(), sent)
        assert set(came) == set(sent)

    asyncio.run(walk())


def test_a_forgotten_consumer_is_healed_by_subscribing_anew(nats: Crowd, caplog: pytest.LogCaptureFixture) -> None:
    scene = nats.scene()

    async def forget_consumers() -> None:
        keeper = scene.broker.keeper
        assert isinstance(keeper, NatsBroker)
        async with control(keeper._control_port, KEEPER, keeper._keeper_password) as site:
            names: Any = (await site.ask("$JS.API.CONSUMER.NAMES.$MQTT_msgs"))["consumers"]
            for name in names:
                await site.ask(f"$JS.API.CONSUMER.DELETE.$MQTT_msgs.{name}")

    async def walk() -> None:
        async with scene.link(scene.a).connect():
            pass
        await forget_consumers()
        async with MqttLink(scene.settings(scene.a), echo_within=1.0).connect() as a:
            assert "subscribing anew" in caplog.text
            await a.send(scene.a, b"through")
            assert (await take(a.received())).sealed == b"through"

    asyncio.run(walk())


def test_what_nats_repeats_because_we_are_slow_is_handed_up_once(nats: Crowd) -> None:
    scene = nats.scene()

    async def walk() -> None:
        async with scene.link(scene.a).connect() as a, scene.link(scene.b).connect() as b:
            stream = b.received()
            await a.send(scene.b, b"slow")
            slow = await take(stream)
            await asyncio.sleep(2.5)
            slow.accept()
            await a.send(scene.b, b"next")
            assert (await take(stream)).sealed == b"next"

    asyncio.run(walk())


def test_a_broker_that_acknowledges_nothing_makes_the_sender_wait_and_then_fail(scene: MqttScene) -> None:
    async def walk() -> None:
        async with relay(scene.broker.port) as between:
            settings = scene.settings(scene.a, addresses=(("127.0.0.1", between.port),))
            async with MqttLink(settings, probe_every=0.5, echo_within=1.0).connect() as a:
                between.freeze()
                for _ in range(WINDOW):
                    await a.send(scene.b, b"x")
                one_more = asyncio.create_task(a.send(scene.b, b"x"))
                await asyncio.sleep(0.1)
                assert not one_more.done()
                with pytest.raises(LinkDown):
                    async with asyncio.timeout(10):
                        await one_more

    asyncio.run(walk())


def test_a_sender_who_waited_goes_on_when_acknowledgements_come(scene: MqttScene) -> None:
    async def walk() -> None:
        async with relay(scene.broker.port) as between:
            settings = scene.settings(scene.a, addresses=(("127.0.0.1", between.port),))
            async with MqttLink(settings).connect() as a:
                between.freeze()
                for _ in range(WINDOW):
                    await a.send(scene.b, b"x")
                one_more = asyncio.create_task(a.send(scene.b, b"x"))
                await asyncio.sleep(0.05)
                between.thaw()
                async with asyncio.timeout(10):
                    await one_more
                assert a.up

    asyncio.run(walk())


async def _publish_bare(scene: MqttScene, who: str, topic: str) -> None:
    """Write as station `who` on any topic, past our own spelling, and wait until the broker has dealt with it."""
    async with MqttLink(scene.settings(who)).connect() as session:
        session._flying.add(session._network.publish(topic, b"smuggled"))
        await session.settle()
