"""What our session adds to bare paho: ping-pong over a broker with TLS; and how many messages a second it takes in."""

import asyncio
import queue
import ssl
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from agent.links.base import Delivery
from agent.links.mqtt.link import MqttLink
from agent.links.mqtt.session import MqttSession
from tests.bench.report import Absent, Options, Report
from tests.links.mqtt.scene import MqttScene, crowd
from tests.servers.broker import RunningBroker

PINGS, BURST = 300, 3000
PAYLOAD = b"x" * 300
KINDS = ("mosquitto", "nats")


def run(options: Options) -> Report:
    """Measure both brokers; raw and session take turns, so that a busy minute meets both."""
    report = Report("link_mqtt")
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder, crowd(kind, Path(folder)) as there:
            raw, ours, bursts = list[float](), list[float](), list[float]()
            for _ in range(options.rounds):
                raw += raw_ping_pong(there.broker, there.scene())
                ours += asyncio.run(ping_pong(there.scene()))
                bursts.append(asyncio.run(burst(there.scene())))
        floor = report.figure(f"{kind} ping-pong, bare paho", raw, "ms")
        figure = report.figure(f"{kind} ping-pong, session", ours, "ms")
        rate = report.figure(f"{kind} received and accepted", bursts, "messages/s")
        report.at_most(f"{kind}, added to a round trip, p50", figure.p50 - floor.p50, 1.0, "ms")
        if kind == "mosquitto":
            report.at_least(f"{kind} received and accepted", rate.median, 3000, "messages/s")
    report.note(f"{len(PAYLOAD)} bytes, QoS 1, TLS; both ends and their threads share one process")
    return report


async def ping_pong(scene: MqttScene) -> list[float]:
    """Milliseconds from one session to another and back."""
    async with _opened(scene, scene.a) as a, _opened(scene, scene.b) as b:
        echo = asyncio.create_task(_echo(b, scene.a))
        stream, took = a.received(), list[float]()
        for _ in range(PINGS):
            begin = time.perf_counter()
            await a.send(scene.b, PAYLOAD)
            (await anext(stream)).accept()
            took.append(1000 * (time.perf_counter() - begin))
        echo.cancel()
    return took


async def _echo(session: MqttSession, to: str) -> None:
    async for delivery in session.received():
        delivery.accept()
        await session.send(to, delivery.sealed)


async def burst(scene: MqttScene) -> float:
    """Messages a second one session receives and accepts, of a queue that waits for it."""
    async with _opened(scene, scene.b):
        pass
    async with _opened(scene, scene.a) as a:
        for _ in range(BURST):
            await a.send(scene.b, PAYLOAD)
        while a._flying:
            await asyncio.sleep(0.01)
    async with _opened(scene, scene.b) as b:
        begin = time.perf_counter()
        await _accept(b.received(), BURST)
        return BURST / (time.perf_counter() - begin)


async def _accept(stream: AsyncIterator[Delivery], count: int) -> None:
    for _ in range(count):
        (await anext(stream)).accept()


def raw_ping_pong(broker: RunningBroker, scene: MqttScene) -> list[float]:
    """The same by two bare paho clients with their own threads, as the floor."""
    came: queue.SimpleQueue[None] = queue.SimpleQueue()
    a, b = _bare(broker, scene, scene.a), _bare(broker, scene, scene.b)
    a.on_message = lambda _m, _u, _message: came.put(None)
    to_a, to_b = scene.settings(scene.b).outbox(scene.a), scene.settings(scene.a).outbox(scene.b)

    def echo(_mqtt: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        b.publish(to_a, message.payload, 1)

    b.on_message = echo
    took = list[float]()
    for _ in range(PINGS):
        begin = time.perf_counter()
        a.publish(to_b, PAYLOAD, 1)
        came.get(timeout=5)
        took.append(1000 * (time.perf_counter() - begin))
    for end in (a, b):
        end.disconnect()
        end.loop_stop()
    return took


def _bare(broker: RunningBroker, scene: MqttScene, station: str) -> paho.Client:
    settings, ready = scene.settings(station), threading.Event()
    client = paho.Client(CallbackAPIVersion.VERSION2, client_id=settings.client_id, clean_session=False)
    client.username_pw_set(settings.user, settings.password)
    client.tls_set_context(ssl.create_default_context(cafile=str(broker.ca)))
    client.on_socket_open = lambda _m, _u, link: link.setsockopt(6, 1, 1)  # type: ignore[attr-defined]
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.subscribe(settings.heard()[0], 1)
    if not ready.wait(5):
        raise Absent("the broker does not answer")
    return client


def _opened(scene: MqttScene, station: str) -> "_Opened":
    return _Opened(MqttLink(scene.settings(station)))


class _Opened:
    """A link's session with its own type, which the port does not name."""

    def __init__(self, link: MqttLink) -> None:
        self._context = link.connect()

    async def __aenter__(self) -> MqttSession:
        return await self._context.__aenter__()

    async def __aexit__(self, *what: object) -> None:
        await self._context.__aexit__(None, None, None)
