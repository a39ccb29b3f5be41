"""How many pages a second one agent takes in a burst, each receipted, beside bare libraries with group commit."""

import sqlite3
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil

from agent.demo.site import until
from agent.domain.envelope import Envelope
from agent.domain.messages import Receipt
from agent.system.credentials import Credentials
from agent.system.ids import new_id
from agent.wire.frame import read_body, sign_frame, take_apart, verify
from agent.wire.keys import Identity
from agent.wire.seal import open_sealed, seal
from tests.bench.floor import open_store
from tests.bench.raw_mqtt import RawMqtt, publish_packet
from tests.bench.report import Options, Report
from tests.bench.scene import LIMITS, RECEIVER, Scene, identity, raw_client, scene, topic

PAGES, SENDERS = 6000, 6
FLOOR = "bare"
GROUP = 64
LIFE = 20_000
"""How long the pages live, milliseconds."""
GOAL = 3000


def run(options: Options) -> Report:
    """Rounds of bursts over Mosquitto, to the agent and to the floor by turns."""
    report, senders = Report("burst"), [f"sender-{n}" for n in range(SENDERS)]
    with (
        tempfile.TemporaryDirectory() as folder,
        scene(Path(folder), "mosquitto", FLOOR, *senders, config=LIMITS) as there,
    ):
        clients = [Sender(there.credentials(name)) for name in senders]
        agent, bare = there.credentials(RECEIVER), there.credentials(FLOOR)
        process = psutil.Process(there.site.pid(RECEIVER))
        rates, floors, memory = list[float](), list[float](), list[float]()
        for number in range(options.rounds + 1):
            rate, floor = burst(there, clients, agent), floor_burst(Path(folder), clients, bare)
            memory.append(process.memory_info().rss / 2**20)
            if number:
                rates.append(rate)
                floors.append(floor)
        for client in clients:
            client.close()
    report.figure("floor, group commit, no receipts", floors, "pages/s")
    taken = report.figure("agent, with receipts", rates, "pages/s")
    report.figure("agent RSS after each burst", memory, "MiB")
    report.at_least("pages a second", taken.median, GOAL, "pages/s")
    report.at_most("RSS growth, last over second burst", memory[-1] - memory[1], 8, "MiB")
    report.note(
        f"{PAGES} pages from {SENDERS} senders at once; every round ends with the last receipt, so none is lost"
    )
    return report


class Sender:
    """A station without an agent: publishes what was sealed before, and counts the receipts that come back."""

    def __init__(self, credentials: Credentials) -> None:
        self.me, self.receipted = identity(credentials), set[str]()
        self._line = RawMqtt(credentials, topic(credentials.site, credentials.station, "+"))

    def load(self, to: Identity, count: int) -> list[bytes]:
        """Pages ready to be written, made before the clock runs."""
        where = topic(self.me.site, to.station, self.me.station)
        frames = [sign_frame(page(self.me, to), self.me) for _ in range(count)]
        sealed = [seal(frame, self.me.site, to.kid, to.receive) for frame in frames]
        return [publish_packet(where, number, one) for number, one in enumerate(sealed, 1)]

    def publish(self, packets: Sequence[bytes]) -> None:
        """Write them all."""
        self._line.publish(packets)

    def count(self) -> int:
        """How many pages are receipted by now."""
        while self._line.payloads:
            _, params = read_body(take_apart(open_sealed(self._line.payloads.pop(), self.me)).body)
            if isinstance(params, Receipt):
                self.receipted |= {item.id for item in params.items}
        return len(self.receipted)

    def close(self) -> None:
        """Hang up."""
        self._line.close()


def burst(there: Scene, clients: Sequence[Sender], to: Credentials) -> float:
    """Pages a second from the first publish to the last receipt."""
    loads = [client.load(identity(to), PAGES // SENDERS) for client in clients]
    for client in clients:
        client.receipted.clear()
    began = time.perf_counter()
    publish(clients, loads)
    until(lambda: sum(client.count() for client in clients) >= PAGES, "the last receipt", within=120)
    rate = PAGES / (time.perf_counter() - began)
    forget(there)
    return rate


def forget(there: Scene) -> None:
    """Wait until all pages of the burst have expired, so that every burst meets the same agent."""
    with there.site.talk(RECEIVER) as line:
        until(lambda: line.request("status", within=30)["unanswered"] == 0, "an agent at rest", within=90)


def floor_burst(folder: Path, clients: Sequence[Sender], to: Credentials) -> float:
    """The same by bare libraries: open, verify, commit in groups; no receipts."""
    me, done = identity(to), threading.Event()
    keys = {client.me.kid: client.me.sign for client in clients}
    db, waiting, seen = open_store(folder / "burst.db"), list[tuple[str, bytes]](), [0]

    def on_message(client: Any, _: object, message: Any) -> None:
        frame = open_sealed(message.payload, me)
        parts = take_apart(frame)
        verify(parts, keys[parts.kid])
        envelope, _params = read_body(parts.body)
        waiting.append((envelope.id, frame))
        seen[0] += 1
        if len(waiting) >= GROUP or seen[0] >= PAGES:
            commit_group(db, waiting)
            waiting.clear()
        client.ack(message.mid, message.qos)
        if seen[0] >= PAGES:
            done.set()

    with ExitStack() as stack:
        client, ready = raw_client(to, manual_ack=True), threading.Event()
        client.on_message = on_message
        client.on_subscribe = lambda *_: ready.set()
        client.connect(*to.brokers[0])
        client.loop_start()
        stack.callback(client.loop_stop)
        stack.callback(client.disconnect)
        stack.callback(db.close)
        client.subscribe(topic(to.site, to.station, "+"), 1)
        ready.wait(10)
        loads = [sender.load(me, PAGES // SENDERS) for sender in clients]
        began = time.perf_counter()
        publish(clients, loads)
        if not done.wait(120):
            raise TimeoutError(f"the floor took {seen[0]} of {PAGES}")
        return PAGES / (time.perf_counter() - began)


def commit_group(db: sqlite3.Connection, rows: Sequence[tuple[str, bytes]]) -> None:
    """One durable commit for many rows."""
    db.execute("BEGIN IMMEDIATE")
    db.executemany("INSERT INTO page VALUES (?, ?)", rows)
    db.execute("COMMIT")


def publish(clients: Sequence[Sender], loads: Sequence[Sequence[bytes]]) -> None:
    """All senders at once."""
    pairs = zip(clients, loads, strict=True)
    threads = [threading.Thread(target=client.publish, args=(packets,)) for client, packets in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def page(sender: Identity, to: Identity) -> Envelope:
    """One page."""
    now = time.time_ns() // 1_000_000
    return Envelope(
        v=1,
        site=sender.site,
        id=new_id(),
        sender=sender.station,
        to={"station": to.station},
        type="page.new",
        at=now,
        exp=now + LIFE,
        re=None,
        want=2,
        prio=1,
        head=None,
        p={"note": "two coffees"},
    )
