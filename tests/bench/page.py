"""A page from asking to the notification daemon's answer, beside the floor and bare paho on the same broker."""

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from agent.demo.site import until
from agent.domain.envelope import LIFE_MS, Envelope
from agent.system.ids import new_id
from agent.wire.frame import sign_frame
from agent.wire.seal import seal
from tests.bench.floor import commit, open_store
from tests.bench.report import Options, Report
from tests.bench.scene import RECEIVER, SENDER, Scene, identity, raw_client, scene, topic

PAGES, RATE = 500, 20.0
FLOOR_SENDER, FLOOR_RECEIVER = "bare-a", "bare-b"
PINGS = 100
GOAL = 1.5


def run(options: Options) -> Report:
    """500 pages at 20 a second on each broker; floor and product take turns, so that a busy minute meets both."""
    report = Report("page")
    for broker in ("mosquitto", "nats"):
        with (
            tempfile.TemporaryDirectory() as folder,
            scene(Path(folder), broker, FLOOR_SENDER, FLOOR_RECEIVER) as there,
            Floor(there, Path(folder)).running() as floor,
        ):
            raw, bare, ours = list[float](), list[float](), list[float]()
            pages(there, 20)  # caches and first imports, for nothing
            floor.pages(20)
            for _ in range(options.rounds):
                raw += floor.ping_pong()
                bare += floor.pages(PAGES // options.rounds)
                ours += pages(there, PAGES // options.rounds)
        _enter(report, broker, raw, bare, ours)
    report.note(f"{PAGES} pages at {RATE:.0f} a second, both agents, hub, broker and daemon on one computer")
    return report


def _enter(report: Report, broker: str, raw: list[float], bare: list[float], ours: list[float]) -> None:
    report.figure(f"{broker} paho round trip", raw, "ms")
    floor, page = report.figure(f"{broker} floor", bare, "ms"), report.figure(f"{broker} page", ours, "ms")
    report.at_most(f"{broker} p50 over floor", page.p50 / floor.p50, GOAL, "times")
    report.at_most(f"{broker} p99 over floor", page.p99 / floor.p99, GOAL, "times")


def pages(there: Scene, count: int) -> list[float]:
    """Page through the agents; milliseconds from being asked to Notify returned."""
    with there.site.talk(SENDER) as line, there.site.talk(RECEIVER) as kitchen:
        to = {"role": RECEIVER}
        asked: list[str] = [line.request("page", to=to, note="two coffees")["page"] for _ in _paced(count)]
        until(lambda: set(asked) <= set(there.times(RECEIVER, "presented", "key")), "the last page")
        for page in asked:
            kitchen.request("answer", page=page, answer="accepted")
    begun, shown = there.times(SENDER, "page-asked", "page"), there.times(RECEIVER, "presented", "key")
    return [(shown[page] - begun[page]) / 1e6 for page in asked]


class Floor:
    """Sends what an agent sends, by bare libraries, to a receiver that is a process of its own."""

    def __init__(self, there: Scene, folder: Path) -> None:
        self._there, self._folder = there, folder
        self._from, self._to = there.credentials(FLOOR_SENDER), there.credentials(FLOOR_RECEIVER)
        self._me, self._you = identity(self._from), identity(self._to)
        self._db = open_store(folder / "floor-sender.db")
        self._client = raw_client(self._from)
        self._echoed = threading.Event()
        self._program: subprocess.Popen[str]
        self._ended: dict[str, int] = {}

    @contextmanager
    def running(self) -> Iterator["Floor"]:
        """Start the receiver."""
        address = self._there.witness.env["DBUS_SESSION_BUS_ADDRESS"]
        self._program = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.floor", self._folder, FLOOR_RECEIVER, address, self._me.sign.hex()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        reader = threading.Thread(target=self._read)
        assert self._program.stdout is not None
        assert self._program.stdout.readline().strip() == "ready"
        reader.start()
        self._client.on_message = lambda *_: self._echoed.set()
        self._client.connect(*self._from.brokers[0])
        self._client.loop_start()
        self._client.subscribe(topic(self._from.site, FLOOR_SENDER, "+"), 1)
        try:
            yield self
        finally:
            self._client.disconnect()
            self._client.loop_stop()
            assert self._program.stdin is not None
            self._program.stdin.close()
            self._program.wait(10)
            reader.join()
            self._program.stdout.close()
            self._db.close()

    def pages(self, count: int) -> list[float]:
        """Milliseconds of each page."""
        begun: dict[str, int] = {}
        for _ in _paced(count):
            id_ = new_id()
            begun[id_] = time.time_ns()
            frame = sign_frame(self._envelope(id_), self._me)
            commit(self._db, id_, frame)
            sealed = seal(frame, self._me.site, self._you.kid, self._you.receive)
            self._client.publish(topic(self._me.site, FLOOR_RECEIVER, FLOOR_SENDER), sealed, 1)
        until(lambda: set(begun) <= set(self._ended), "the floor's last page")
        return [(self._ended[id_] - start) / 1e6 for id_, start in begun.items()]

    def ping_pong(self) -> list[float]:
        """Milliseconds from bare paho to itself through the broker."""
        took = []
        for _ in range(PINGS):
            self._echoed.clear()
            start = time.perf_counter()
            self._client.publish(topic(self._me.site, FLOOR_SENDER, FLOOR_SENDER), b"x" * 600, 1)
            self._echoed.wait(10)
            took.append(1000 * (time.perf_counter() - start))
        return took

    def _read(self) -> None:
        assert self._program.stdout is not None
        for line in self._program.stdout:
            id_, _, nanoseconds = line.partition(" ")
            self._ended[id_] = int(nanoseconds)

    def _envelope(self, id_: str) -> Envelope:
        now = time.time_ns() // 1_000_000
        return Envelope(
            v=1,
            site=self._me.site,
            id=id_,
            sender=FLOOR_SENDER,
            to={"role": "bench"},
            type="page.new",
            at=now,
            exp=now + LIFE_MS["page.new"],
            re=None,
            want=2,
            prio=1,
            head=(1, "A" * 22),
            p={"note": "two coffees"},
        )


def _paced(count: int) -> Iterator[int]:
    begun = time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, begun + number / RATE - time.monotonic()))
        yield number
