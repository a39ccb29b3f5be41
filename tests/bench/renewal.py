"""500 stations whose keys expire at once renew them at one hub; and one handshake, beside a bare round trip of paho."""

import asyncio
import multiprocessing
import queue
import secrets
import socket
import ssl
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from agent.domain.bundle import LIFE_MS, Bundle
from agent.domain.effects import Keep
from agent.domain.keys import to_b64u
from agent.domain.names import HUB
from agent.hub.account import StationAccount
from agent.hub.engine import Engine
from agent.hub.kept import load_kept, write_kept
from agent.links.mqtt.link import MqttLink
from agent.links.mqtt.settings import MqttSettings
from agent.routing import rows
from agent.station.proof.appointments import SPREAD_S, share
from agent.system.clock import SiteClock
from agent.system.store import Store
from agent.wire.frame import sign_frame, take_apart, verify
from agent.wire.keys import Identity
from agent.wire.seal import open_sealed, seal
from tests.bench.proving import Bare, connected
from tests.bench.report import Options, Report
from tests.servers.broker import RunningBroker, running_broker
from tests.walks.members import Members

SITE = "s1"
STATIONS, TALKERS, HANDSHAKES = 500, 20, 10
"""How many expire at once; how many of those, after that, shake hands so often again a round."""
HURRY = 10.0
"""The stations wait so many times shorter for their turn: four minutes become less than half a one."""
PING, PONG = "ping", "pong"
PINGS, SIZE = 100, 700
"""How often bare paho goes there and back a round, with as many bytes as a word of the handshake has."""
WARM_UP = 3

SPAWN = multiprocessing.get_context("spawn")


def run(options: Options) -> Report:
    """Renew all, then shake hands and ping by turns."""
    report = Report("renewal")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        members, stations = crowd(Path(folder))
        names = [PING, PONG, *(station.station for station in stations)]
        broker = stack.enter_context(running_broker("mosquitto", Path(folder) / "broker", names, site=SITE))
        stack.enter_context(_process(run_hub, Path(folder), members.hub.private_keys(), settings_of(broker, HUB)))
        stack.enter_context(_process(run_echo, settings_of(broker, PONG)))
        _enter(report, asyncio.run(renew_all(stations, broker)), stations)
        hands, raw, crypto = list[float](), list[float](), list[float]()
        for number in range(options.rounds):
            talkers = stations[number * TALKERS : (number + 1) * TALKERS]
            hands += asyncio.run(shake_hands(talkers, broker))
            raw += ping_pong(settings_of(broker, PING))
            crypto.append(crypto_of_a_handshake(stations[0]))
    floor, ours = report.figure("paho round trip", raw, "ms"), report.figure("handshake", hands, "ms")
    report.figure("crypto of a handshake", crypto, "ms")
    report.at_most("handshake over bare round trip, p50", ours.p50 / floor.p50, 3.0, "times")
    report.note("Mosquitto with TLS on loopback, QoS 1; hub, broker, echo and all stations share this computer")
    return report


def _enter(report: Report, ended: list[float], stations: list[Bare]) -> None:
    answers = [1000 * seconds for station in stations for seconds in station.answers]
    report.figure("renewed after", ended, "s")
    answer = report.figure("the hub's answer", answers, "ms")
    renewed = sum(station.bundle.gen == 2 for station in stations)
    report.at_least("renewed", renewed, STATIONS, "stations")
    report.at_most("the last renewed after", max(ended), 300.0, "s")
    report.at_most("the hub's answer, p99", answer.p99, 1000.0, "ms")
    report.note(f"the stations waited {HURRY:g} times as short as they would: the hub had {HURRY:g} times the load")


def crowd(folder: Path) -> tuple[Members, list[Bare]]:
    """Lay down a hub that calls all keys expired, which their stations have not noticed."""
    members, stations, keeps = Members(SITE), list[Bare](), list[Keep]()
    now_ms = round(time.time() * 1000)
    for number in range(STATIONS):
        name = f"station-{number}"
        me = members.add(name, "crew")
        keys = [secrets.token_bytes(size) for size in (8, 32, 8, 32)]
        stations.append(Bare(members, name, Bundle(1, keys[0], keys[1], now_ms + LIFE_MS, keys[2], keys[3])))
        expired = Bundle(1, keys[0], keys[1], now_ms, keys[2], keys[3])
        account = StationAccount(station=name, bcrypt="", pbkdf2="", client_id="", kid=to_b64u(me.kid), current=expired)
        keeps.append(Keep("account", name, account))
    ledger = [Keep("ledger", f"{number:012d}", frame) for number, frame in enumerate(members.frames, 1)]
    store = Store.open(folder / "hub.sqlite3", rows.MIGRATIONS)
    asyncio.run(write_kept(store, [*ledger, *keeps]))
    store.close()
    return members, stations


async def renew_all(stations: list[Bare], broker: RunningBroker) -> list[float]:
    """Let each renew its keys at its time; returns when each had them, in seconds from the moment all expired.

    What a renewal takes is counted as it is, only the waiting before it is shortened.
    """

    async def one(station: Bare) -> float:
        due = SPREAD_S * share(secrets.token_bytes)
        await asyncio.sleep(due / HURRY)
        begun = time.monotonic()
        async with connected(link(station.station, broker)) as (session, heard):
            codes = [await station.prove(session, heard), await station.renew(session, heard)]
            codes.append(await station.prove(session, heard))
        assert codes == ["expired", "", ""], codes
        return due + time.monotonic() - begun

    return list(await asyncio.gather(*(one(station) for station in stations)))


async def shake_hands(stations: list[Bare], broker: RunningBroker) -> list[float]:
    """Milliseconds of whole handshakes, one after the other, on connections that stand."""
    took = list[float]()
    for station in stations:
        async with connected(link(station.station, broker)) as (session, heard):
            for number in range(HANDSHAKES):
                begin = time.perf_counter()
                assert await station.prove(session, heard) == ""
                if number >= WARM_UP:
                    took.append(1000 * (time.perf_counter() - begin))
    return took


def crypto_of_a_handshake(station: Bare) -> float:
    """Milliseconds of signing, sealing, opening and verifying its four words, one after the other as they must be."""
    me = station.members.people[station.station]
    frame = sign_frame(station.envelope(), me)
    begin = time.perf_counter()
    for _ in range(4):
        frame = sign_frame(station.envelope(), me)
        opened = open_sealed(seal(frame, SITE, me.kid, me.receive), me)
        verify(take_apart(opened), me.sign)
    return 1000 * (time.perf_counter() - begin)


def ping_pong(settings: MqttSettings) -> list[float]:
    """Milliseconds of bare paho to another process and back."""
    answers: queue.Queue[object] = queue.Queue()
    mqtt = bare_paho(settings)
    mqtt.on_message = lambda _m, _u, message: answers.put(message)
    mqtt.loop_start()
    took = list[float]()
    for number in range(PINGS):
        begin = time.perf_counter()
        mqtt.publish(settings.outbox(PONG), bytes(SIZE), qos=1)
        answers.get(timeout=10)
        if number >= WARM_UP:
            took.append(1000 * (time.perf_counter() - begin))
    mqtt.disconnect()
    mqtt.loop_stop()
    return took


def bare_paho(settings: MqttSettings) -> paho.Client:
    """A connection of paho that hears what is for it, tuned as well as it can be."""
    mqtt = paho.Client(CallbackAPIVersion.VERSION2, client_id=settings.client_id)
    mqtt.username_pw_set(settings.user, settings.password)
    mqtt.tls_set_context(ssl.create_default_context(cadata=(settings.ca_pem or b"").decode()))
    mqtt.on_socket_open = _without_delay
    mqtt.connect(*settings.addresses[0])
    mqtt.subscribe(settings.heard()[0], qos=1)
    return mqtt


def _without_delay(_mqtt: paho.Client, _userdata: object, link: Any) -> None:
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def settings_of(broker: RunningBroker, station: str) -> MqttSettings:
    """How a station gets to the broker."""
    addresses, password = (("127.0.0.1", broker.port),), broker.passwords[station]
    return MqttSettings(SITE, station, addresses, station, password, station, broker.ca.read_bytes())


def link(station: str, broker: RunningBroker) -> MqttLink:
    """A station's way to the broker."""
    return MqttLink(settings_of(broker, station), gated=True)


@contextmanager
def _process(run_it: object, *arguments: object) -> Iterator[None]:
    ready = SPAWN.Event()
    process = SPAWN.Process(target=run_it, args=(*arguments, ready), daemon=True)  # type: ignore[arg-type]  # one of two
    process.start()
    assert ready.wait(30)
    try:
        yield
    finally:
        process.kill()
        process.join()


def run_hub(folder: Path, keys: tuple[bytes, bytes], settings: MqttSettings, ready: Event) -> None:
    """Be the hub until killed."""

    async def serve() -> None:
        store = Store.open(folder / "hub.sqlite3", rows.MIGRATIONS)
        engine = Engine(Identity.of(SITE, HUB, *keys), store, load_kept(store, folder, SITE), SiteClock())
        engine.start()
        keeping = asyncio.create_task(engine.keep(MqttLink(settings)))
        await engine.connected.wait()
        ready.set()
        await keeping

    asyncio.run(serve())


def run_echo(settings: MqttSettings, ready: Event) -> None:
    """Be the echo until killed."""
    mqtt = bare_paho(settings)

    def echo(_mqtt: paho.Client, _userdata: object, message: paho.MQTTMessage) -> None:
        mqtt.publish(settings.outbox(PING), message.payload, qos=1)

    mqtt.on_message = echo
    mqtt.on_subscribe = lambda *_: ready.set()
    mqtt.loop_forever()
