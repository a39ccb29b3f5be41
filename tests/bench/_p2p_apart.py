"""The same with each end in a process of its own: what a channel costs from one station to another."""

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.report import Report
from tests.links.p2p.world.site import Lone, Site, lone

WARM, OPENINGS = "warm", 20
PAGES, EVERY_S, BURST = 300, 0.01, 3000
RAW = "tests.bench._raw_webrtc"

Opening = Callable[[str], Awaitable[float]]


@dataclass(slots=True)
class Apart:
    """What the rounds of one kind took."""

    openings: list[float] = field(default_factory=list)
    ways: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    each: list[float] = field(default_factory=list)
    heard: list[float] = field(default_factory=list)


async def one_round(raw: Apart, ours: Apart) -> None:
    """Measure both, one after the other."""
    async with _raw_ends() as (here, there, opened):
        await _measure(raw, here, there, opened)
    async with _stations() as (here, there, opened):
        await _measure(ours, here, there, opened)


def enter(report: Report, raw: Apart, ours: Apart) -> None:
    """Say what came out, and hold it against the goals."""
    for kind, taken in (("bare aiortc", raw), ("session", ours)):
        report.figure(f"apart: opening, {kind}", taken.openings, "ms")
        report.figure(f"apart: one way, {kind}", taken.ways, "ms")
        report.figure(f"apart: burst, {kind}", taken.rates, "messages/s")
        report.figure(f"apart: each connection, {kind}", taken.each, "MiB")
    report.figure("apart: one way, bare aiortc's callback", raw.heard, "ms")
    figures = report.figures
    opening = figures["apart: opening, session"].median / figures["apart: opening, bare aiortc"].median
    way = figures["apart: one way, session"].p50 / figures["apart: one way, bare aiortc"].p50
    report.at_most("apart: opening, times bare aiortc", opening, 1.5, "")
    report.at_most("apart: one way, times bare aiortc", way, 1.3, "")
    report.note(
        "apart: two processes and the product's signaling server over TLS; bare aiortc's offer and answer go by pipe;"
        f" {PAGES} messages at {1 / EVERY_S:.0f} a second, counted until a task has them; aiortc calls back before it"
        " acknowledges a message, a task runs after that"
    )


async def _measure(into: Apart, here: Lone, there: Lone, opened: Opening) -> None:
    await opened(WARM)
    await _ways(here, there, PAGES // 10)  # for nothing
    came = await _ways(here, there, PAGES)
    into.ways += came["took_ms"]
    into.heard += came.get("heard_ms", [])
    begun = await here.ask("send", to=WARM, count=BURST)
    ended = await there.ask("take", count=BURST)
    into.rates.append(BURST / (ended["last_ns"] - begun["begun_ns"]) * 1e9)
    before = await here.ask("rss")
    into.openings += [await opened(f"s{number}") for number in range(OPENINGS)]
    into.each.append((await here.ask("rss") - before) / OPENINGS / 2**20)


async def _ways(here: Lone, there: Lone, count: int) -> dict[str, list[float]]:
    await here.ask("send", to=WARM, count=count, every_s=EVERY_S)
    came: dict[str, list[float]] = await there.ask("take", count=count)
    return came


@asynccontextmanager
async def _stations() -> AsyncIterator[tuple[Lone, Lone, Opening]]:
    others = [WARM, *(f"s{number}" for number in range(OPENINGS))]
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder), "me", *others)
        async with (
            site.signaling() as url,
            lone(site.told(["me"], url)) as here,
            lone(site.told(others, url)) as there,
        ):

            async def opened(name: str) -> float:
                took: float = await here.ask("open", to=name)
                return took

            yield here, there, opened


@asynccontextmanager
async def _raw_ends() -> AsyncIterator[tuple[Lone, Lone, Opening]]:
    async with lone({}, program=RAW) as here, lone({}, program=RAW) as there:

        async def opened(name: str) -> float:
            offer = await here.ask("offer", name=name)
            answer = await there.ask("answer", name=name, sdp=offer)
            took: float = await here.ask("join", name=name, sdp=answer)
            return took

        yield here, there, opened
