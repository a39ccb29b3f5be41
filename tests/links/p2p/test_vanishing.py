"""A station that vanishes is noticed in time, and is back soon after it returns."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.links.base import LinkDown
from agent.links.p2p.link import P2pSession
from tests.links.p2p.place import Place, is_open, place
from tests.links.taking import until

ROOT = Path(__file__).resolve().parents[3]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs SIGSTOP")


@asynccontextmanager
async def alone(here: Place, station: str, *warm: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A station in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.links.p2p.lone_station", cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    assert process.stdout is not None
    keys = {name: [key.hex() for key in member.private_keys()] for name, member in here.members.items()}
    told = {"station": station, "port": here.relay.port, "keys": keys, "warm": warm}
    process.stdin.write(json.dumps(told).encode() + b"\n")
    try:
        async with asyncio.timeout(20):
            while (await process.stdout.readline()).strip() != b"up":
                assert process.returncode is None
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def state_of(session: P2pSession, station: str) -> str:
    """How it is reached."""
    return next((peer.state for peer in session.peers() if peer.station == station), "unknown")


def test_a_stopped_station_is_suspect_then_dead_then_back() -> None:
    async def walk() -> None:
        async with (
            place("anna", "bert") as here,
            here.link("anna", warm=lambda: ["bert"]).connect() as a,
            alone(here, "bert") as bert,
        ):
            await until(lambda: is_open(a, "bert"), 20)
            bert.send_signal(signal.SIGSTOP)
            began = time.monotonic()
            await until(lambda: state_of(a, "bert") == "suspect", 6)
            with pytest.raises(LinkDown, match="silent"):
                await a.send("bert", b"x")
            await until(lambda: state_of(a, "bert") == "connecting", 12 - (time.monotonic() - began))
            await asyncio.sleep(1)
            bert.send_signal(signal.SIGCONT)
            await until(lambda: is_open(a, "bert"), 10)

    asyncio.run(walk())


def test_a_killed_station_is_back_when_it_is_started_again() -> None:
    async def walk() -> None:
        async with place("anna", "bert") as here, here.link("anna", warm=lambda: ["bert"]).connect() as a:
            async with alone(here, "bert"):
                await until(lambda: is_open(a, "bert"), 20)
            await until(lambda: state_of(a, "bert") == "suspect", 6)
            async with alone(here, "bert"):
                await until(lambda: is_open(a, "bert"), 10)

    asyncio.run(walk())
