"""The MQTT link keeps the promises of all links on both brokers, and sees through connections that only look well."""

import asyncio
import contextlib
import logging
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent.hub.broker.kept import KEEPER
from agent.hub.broker.nats import NatsBroker
from agent.hub.broker.nats_control import control
from agent.links.base import LinkDown, LinkRefused
from agent.links.mqtt.link import MqttLink
from agent.links.mqtt.session import WINDOW
from tests.links.contract import LinkContract
from tests.links.mqtt_scene import Crowd, MqttScene, crowd
from tests.links.relay import relay
from tests.links.taking import kept_up, take, take_all, until

pytestmark = pytest.mark.servers
NATS = {"ack_wait": 1}


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    with crowd("nats", tmp_path_factory.mktemp("nats"), **NATS) as there:
        yield there


@pytest.fixture(scope="module")
def mosquitto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crowd]:
    with crowd("mosquitto", tmp_path_factory.mktemp("mosquitto")) as there:
        yield there


@pytest.fixture(params=["nats", "mosquitto"])
def scene(request: pytest.FixtureRequest) -> MqttScene:
    there: Crowd = request.getfixturevalue(request.param)
    return there.scene()


class TestMqttOnNats(LinkContract):
    """The contract."""

    @pytest.fixture
    def scene(self, nats: Crowd) -> MqttScene:
        return nats.scene()


class TestMqttOnMosquitto(LinkContract):
    """The contract."""

    @pytest.fixture
    def scene(self, mosquitto: Crowd) -> MqttScene:
        return mosquitto.scene()


def test_a_wrong_password_opens_exactly_one_connection(scene: MqttScene) -> None:
    async def walk() -> None:
        async with relay(scene.broker.port) as between:
            link = MqttLink(scene.settings(scene.a, addresses=(("127.0.0.1", between.port),), password="wrong"))
            async with kept_up(link) as kept:
                await until(lambda: kept.now == "refused")
                await asyncio.sleep(0.5)
            assert between.connections == 1

    asyncio.run(walk())


def test_the_round_trip_is_known_as_soon_as_the_session_is_up(scene: MqttScene) -> None:
    async def walk() -> None:
        async with MqttLink(scene.settings(scene.a)).connect() as a:
            assert a.rtt is not None
            assert 0 < a.rtt < 1

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


def test_a_cable_cut_that_nobody_notices_is_noticed_by_the_probe(scene: MqttScene) -> None:
    async def walk() -> None:
        async with relay(scene.broker.port) as between:
            settings = scene.settings(scene.a, addresses=(("127.0.0.1", between.port),))
            async with MqttLink(settings, probe_every=0.2, echo_within=0.2).connect() as a:
                await asyncio.sleep(0.5)
                await a.send(scene.b, b"flows")
                between.freeze()
                with pytest.raises(LinkDown, match="delivers nothing any more"):
                    await take(a.received(), within=3)
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
        async with MqttLink(scene.settings(scene.b), probe_every=0.1, echo_within=0.1).connect() as b:
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
        async with MqttLink(scene.settings(scene.a), echo_within=0.3).connect() as a:
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
            await asyncio.sleep(2.5 * NATS["ack_wait"])
            slow.accept()
            await a.send(scene.b, b"next")
            assert (await take(stream)).sealed == b"next"

    asyncio.run(walk())


def test_the_next_address_is_taken_when_one_is_down(scene: MqttScene) -> None:
    async def walk() -> None:
        addresses = (("127.0.0.1", _closed_port()), ("127.0.0.1", scene.broker.port))
        async with MqttLink(scene.settings(scene.a, addresses=addresses)).connect() as a:
            assert a.up

    asyncio.run(walk())


def test_refused_by_one_and_down_at_the_other_address_is_refused(scene: MqttScene) -> None:
    async def walk() -> None:
        addresses = (("127.0.0.1", scene.broker.port), ("127.0.0.1", _closed_port()))
        with pytest.raises(LinkRefused, match="does not accept the password"):
            async with MqttLink(scene.settings(scene.a, addresses=addresses, password="wrong")).connect():
                pytest.fail("let in")

    asyncio.run(walk())


def test_an_authority_of_another_site_is_not_trusted(scene: MqttScene, tmp_path: Path) -> None:
    from agent.hub.broker.tls import SiteTls

    other = SiteTls(tmp_path)
    other.ensure("other", ["localhost"])

    async def walk() -> None:
        with pytest.raises(LinkDown, match=r"the certificate of 127\.0\.0\.1 is not trusted"):
            async with MqttLink(scene.settings(scene.a, ca_pem=other.ca_pem)).connect():
                pytest.fail("trusted a stranger")

    asyncio.run(walk())


def test_a_name_that_is_not_on_the_certificate_is_not_trusted(scene: MqttScene) -> None:
    async def walk() -> None:
        addresses = (("127.0.0.2", scene.broker.port),)
        async with relay(scene.broker.port) as between:
            server = await asyncio.start_server(between.meet, "127.0.0.2", 0)
            addresses = (("127.0.0.2", server.sockets[0].getsockname()[1]),)
            with pytest.raises(LinkDown, match=r"the certificate of 127\.0\.0\.2 is not trusted"):
                async with MqttLink(scene.settings(scene.a, addresses=addresses)).connect():
                    pytest.fail("trusted another name")
            server.close()

    asyncio.run(walk())


def test_an_authority_that_is_no_certificate_is_refused_before_anything_is_sent() -> None:
    async def walk() -> None:
        from agent.links.mqtt.settings import MqttSettings

        settings = MqttSettings("s1", "a", (("127.0.0.1", 1),), "a", "secret", "id", b"not a certificate")
        with pytest.raises(LinkRefused, match="cannot be read"):
            async with MqttLink(settings).connect():
                pytest.fail("connected")

    asyncio.run(walk())


def test_a_server_that_says_nothing_blocks_neither_the_loop_nor_leaving(scene: MqttScene) -> None:
    async def walk() -> None:
        task = asyncio.create_task(_open_and_leave(MqttLink(scene.settings(scene.a, addresses=addresses))))
        loop = asyncio.get_running_loop()
        longest, last = 0.0, loop.time()
        for _ in range(50):
            await asyncio.sleep(0.01)
            longest, last = max(longest, loop.time() - last), loop.time()
        assert longest < 0.2
        task.cancel()
        async with asyncio.timeout(2):
            await asyncio.gather(task, return_exceptions=True)

    with socket.create_server(("127.0.0.1", 0)) as silent:
        addresses = (silent.getsockname(),)
        asyncio.run(walk())
        assert len(_threads()) == 1
    for thread in _threads():
        thread.join(10)
    assert not _threads()


def test_a_mistake_in_a_callback_stops_neither_the_thread_nor_the_link(
    scene: MqttScene, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def walk() -> None:
        async with scene.link(scene.a).connect() as a, MqttLink(scene.settings(scene.b)).connect() as b:
            hold = b._hold

            def stumble(*what: Any) -> None:
                monkeypatch.setattr(b, "_hold", hold)
                raise ZeroDivisionError("stumbled")

            def in_the_thread(*what: Any) -> None:
                raise ZeroDivisionError("in the thread")

            monkeypatch.setattr(b, "_hold", stumble)
            b._network._mqtt.on_publish = in_the_thread
            await b.send(scene.a, b"its acknowledgement raises in the network thread")
            await a.send(scene.b, b"lost in a mistake")
            await a.send(scene.b, b"next")
            assert (await take(b.received())).sealed == b"next"

    asyncio.run(walk())
    assert "stumbled" in caplog.text
    assert all(record.levelno >= logging.ERROR for record in caplog.records if record.exc_info)


def test_a_broker_that_acknowledges_nothing_makes_the_sender_wait_and_then_fail(scene: MqttScene) -> None:
    async def walk() -> None:
        async with relay(scene.broker.port) as between:
            settings = scene.settings(scene.a, addresses=(("127.0.0.1", between.port),))
            async with MqttLink(settings, probe_every=0.5, echo_within=0.3).connect() as a:
                between.freeze()
                for _ in range(WINDOW):
                    await a.send(scene.b, b"x")
                one_more = asyncio.create_task(a.send(scene.b, b"x"))
                await asyncio.sleep(0.1)
                assert not one_more.done()
                with pytest.raises(LinkDown):
                    async with asyncio.timeout(5):
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


def test_coming_and_going_leaks_neither_threads_nor_files(scene: MqttScene) -> None:
    async def walk() -> None:
        link = scene.link(scene.a)
        await _open_and_leave(link)
        process = psutil.Process()
        files = process.num_fds()
        for _ in range(10):
            await _open_and_leave(link)
            with contextlib.suppress(LinkRefused):
                await _open_and_leave(scene.stranger(scene.a))
        assert process.num_fds() == files
        assert not _threads()

    asyncio.run(walk())


@pytest.mark.skipif(os.name == "nt", reason="Windows counts sockets in another way")
def test_a_program_with_thousands_of_open_files_still_connects(scene: MqttScene) -> None:
    async def walk() -> None:
        async with scene.link(scene.a).connect() as a:
            assert a._network._mqtt.socket().fileno() > 1023  # type: ignore[attr-defined]
            await a.send(scene.a, b"through")
            assert (await take(a.received())).sealed == b"through"

    with contextlib.ExitStack() as files:
        files.callback(_close_all, opened := [os.open(os.devnull, os.O_RDONLY) for _ in range(1100)])
        assert max(opened) > 1023
        asyncio.run(walk())


async def _open_and_leave(link: Any) -> None:
    async with link.connect():
        pass


def _close_all(files: list[int]) -> None:
    for file in files:
        os.close(file)


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "nmr-mqtt"]


def _closed_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port
