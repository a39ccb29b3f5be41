"""What our link adds to bare aiortc: opening a channel, a message on it, many of them, and the memory it takes."""

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from agent.links.p2p.link import P2pSession
from tests.bench import _p2p_agent, _p2p_apart
from tests.bench.report import Absent, Options, Report
from tests.links.p2p.place import Place, is_open, place
from tests.stand_ins import FIRST

if TYPE_CHECKING:
    from aiortc import RTCDataChannel

PINGS, BURST, OPENINGS = 300, 3000, 10
PAYLOAD = b"x" * 300
ROOT = Path(__file__).resolve().parents[2]

# Run as a process: what a station holds before aiortc, with it, and for each of ten connections.
MEMORY = """
import agent.system.slim
import asyncio, json
import agent.station.app, agent.links.p2p.link
from agent.system.memory import give_back
from tests.links.p2p.pair import Pair
def rss():
    return int(open("/proc/self/statm").read().split()[1]) * 4096 / 2**20
async def main():
    give_back()
    before = rss()
    import websockets.asyncio.client
    pairs = [Pair()]
    await pairs[0].open()
    one = rss()
    for _ in range(10):
        pairs.append(Pair())
        await pairs[-1].open()
    ten = rss()
    for pair in pairs:
        await pair.close()
    print(json.dumps([before, one, (ten - one) / 20]))
asyncio.run(main())
"""


def run(options: Options) -> Report:
    """Raw and ours take turns, so that a busy minute meets both."""
    report = Report("p2p")
    raw, ours = list[_Taken](), list[_Taken]()
    raw_apart, ours_apart = _p2p_apart.Apart(), _p2p_apart.Apart()
    for _ in range(options.rounds):
        raw.append(asyncio.run(_raw()))
        ours.append(asyncio.run(_ours()))
        asyncio.run(_p2p_apart.one_round(raw_apart, ours_apart))
    for kind, taken in (("bare aiortc", raw), ("session", ours)):
        report.figure(f"opening, {kind}", [one for took in taken for one in took.openings], "ms")
        report.figure(f"one way, {kind}", [one for took in taken for one in took.ways], "ms")
        report.figure(f"burst, {kind}", [took.rate for took in taken], "messages/s")
    figures = report.figures
    open_times = figures["opening, session"].median / figures["opening, bare aiortc"].median
    report.at_most("opening, times bare aiortc", open_times, 1.5, "")
    ways = figures["one way, session"].p50 / figures["one way, bare aiortc"].p50
    report.at_most("one way, times bare aiortc", ways, 1.3, "")
    _p2p_apart.enter(report, raw_apart, ours_apart)
    for name, first in (("PyAV and pylibsrtp", ()), ("the stand-ins", FIRST)):
        before, one, each = _memory(*first)
        report.figure(f"a station's modules, before {name}", [before], "MiB")
        report.figure(f"the same with a connection and {name}", [one], "MiB")
        report.figure(f"each more connection with {name}", [each], "MiB")
    try:
        _p2p_agent.enter(report, _p2p_agent.idle_agent(*FIRST))
    except Absent as reason:
        report.note(f"no figures of a whole agent: {reason}")
    report.note(
        f"{len(PAYLOAD)} bytes; both ends in one process; one way is half a round trip; ours over a relay, sealed"
    )
    return report


class _Taken:
    """What one round took."""

    def __init__(self, openings: list[float], ways: list[float], rate: float) -> None:
        self.openings, self.ways, self.rate = openings, ways, rate


def _memory(*first: str) -> list[float]:
    env = {**os.environ, "PYTHONPATH": os.pathsep.join([*first, str(ROOT)])}
    done = subprocess.run([sys.executable, "-c", MEMORY], env=env, capture_output=True, check=True, cwd=ROOT)
    figures: list[float] = json.loads(done.stdout)
    return figures


async def _ours() -> _Taken:
    openings = []
    for _ in range(OPENINGS):
        async with _two() as (_, a, b):
            begin = time.perf_counter()
            a.want("bert")
            while not (is_open(a, "bert") and is_open(b, "anna")):
                await asyncio.sleep(0.001)
            openings.append(1000 * (time.perf_counter() - begin))
    async with _two() as (_, a, b):
        a.want("bert")
        while not (is_open(a, "bert") and is_open(b, "anna")):
            await asyncio.sleep(0.01)
        at_a, at_b = a.received(), b.received()

        async def there_and_back() -> None:
            await a.send("bert", PAYLOAD)
            await b.send("anna", (await anext(at_b)).sealed)
            await anext(at_a)

        async def take() -> None:
            await anext(at_b)

        return _Taken(openings, await _ways(there_and_back), await _burst(lambda: a.send("bert", PAYLOAD), take))


@asynccontextmanager
async def _two() -> AsyncIterator[tuple[Place, P2pSession, P2pSession]]:
    async with place("anna", "bert") as here, here.link("anna").connect() as a, here.link("bert").connect() as b:
        yield here, a, b


async def _raw() -> _Taken:
    openings = []
    for _ in range(OPENINGS):
        begin = time.perf_counter()
        async with _pair():
            openings.append(1000 * (time.perf_counter() - begin))
    async with _pair() as (a, b):
        at_a: asyncio.Queue[object] = asyncio.Queue()
        at_b: asyncio.Queue[object] = asyncio.Queue()
        a.on("message", at_a.put_nowait)
        b.on("message", at_b.put_nowait)

        async def there_and_back() -> None:
            a.send(PAYLOAD)
            await at_b.get()
            b.send(PAYLOAD)
            await at_a.get()

        async def send() -> None:
            a.send(PAYLOAD)
            while a.bufferedAmount > 256 * 1024:
                await asyncio.sleep(0.001)

        async def take() -> None:
            await at_b.get()

        return _Taken(openings, await _ways(there_and_back), await _burst(send, take))


@asynccontextmanager
async def _pair() -> "AsyncIterator[tuple[RTCDataChannel, RTCDataChannel]]":
    """Two bare connections."""
    from aiortc import RTCConfiguration, RTCPeerConnection

    ends: list[RTCPeerConnection] = [RTCPeerConnection(RTCConfiguration([])) for _ in range(2)]
    a, b = (end.createDataChannel("x", negotiated=True, id=0) for end in ends)
    opened = [asyncio.Event(), asyncio.Event()]
    a.on("open", opened[0].set)
    b.on("open", opened[1].set)
    await ends[0].setLocalDescription(await ends[0].createOffer())
    await ends[1].setRemoteDescription(ends[0].localDescription)
    await ends[1].setLocalDescription(await ends[1].createAnswer())
    await ends[0].setRemoteDescription(ends[1].localDescription)
    for event in opened:
        await event.wait()
    try:
        yield a, b
    finally:
        for end in ends:
            await end.close()


async def _ways(there_and_back: Callable[[], Awaitable[None]]) -> list[float]:
    took = []
    for _ in range(PINGS):
        begin = time.perf_counter()
        await there_and_back()
        took.append(1000 * (time.perf_counter() - begin) / 2)
    return took


async def _burst(send: Callable[[], Awaitable[None]], take: Callable[[], Awaitable[None]]) -> float:
    async def send_all() -> None:
        for _ in range(BURST):
            await send()

    begin = time.perf_counter()
    sending = asyncio.create_task(send_all())
    for _ in range(BURST):
        await take()
    await sending
    return BURST / (time.perf_counter() - begin)
