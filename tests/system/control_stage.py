"""An agent that answers over a real control socket, for tests; its fixtures are imported where they are used."""

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from agent.domain.errors import BadInput, NmrError, TryLater
from agent.system.control_server import ControlServer, Say
from agent.system.lock import ProfileLock
from agent.system.paths import Profile


class Agent:
    """A running control server in its own thread, with an agent behind it that does what the requests say."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.loop: asyncio.AbstractEventLoop
        self.stopping = asyncio.Event()
        self.changed: set[asyncio.Event] = set()
        self.state: dict[str, Any] = {"number": 0}
        self.built_at: list[float] = []
        """When it was asked for a state, by its own clock."""
        self.waiting = 0
        self.left = threading.Event()

    async def answer(self, do: str, with_: dict[str, Any], say: Say) -> object:  # noqa: C901, PLR0912 - a case each
        match do:
            case "echo":
                return with_
            case "refuse":
                raise BadInput("No such order", "Run: nmr orders", code="no-such-order", field="order")
            case "break":
                raise ZeroDivisionError("a\nsecret")
            case "unwritable":
                return {"result": object()}
            case "page":
                for number in range(with_["lines"]):
                    say({"event": "page", "page": {"number": number, "note": with_.get("note", "")}})
                if with_.get("fail"):
                    raise TryLater("Not now")
                return {"page": "p1"}
            case "now":
                for number in range(3):
                    say({"event": "state", "state": {"number": number}})
                return {}
            case "build":
                say(lambda: {"number": 1 // 0})
                await self._for_ever()
            case "quit":
                self.stopping.set()
                return {}
            case "sleep":
                await self._for_ever()
            case "watch":
                await self._watch(say)
        raise NmrError("Unknown request", do, code="unknown-request")

    async def _for_ever(self) -> None:
        self.waiting += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.waiting -= 1
            self.left.set()

    async def _watch(self, say: Say) -> None:
        changed = asyncio.Event()
        changed.set()
        self.changed.add(changed)
        try:
            while True:
                await changed.wait()
                changed.clear()
                say(self._build)
        finally:
            self.changed.discard(changed)
            self.left.set()

    def _build(self) -> dict[str, Any]:
        self.built_at.append(time.monotonic())
        return {"event": "state", "state": self.state}

    @property
    def built(self) -> int:
        """How many states it was asked for."""
        return len(self.built_at)

    def change(self, **state: object) -> None:
        """Give the agent a new state, from the test's thread."""

        def deed() -> None:
            self.state = state
            for changed in self.changed:
                changed.set()

        self.loop.call_soon_threadsafe(deed)

    def ask(self, deed: Callable[[], Any]) -> Any:
        """What `deed` returns in the agent's loop."""

        async def done() -> Any:
            return deed()

        return asyncio.run_coroutine_threadsafe(done(), self.loop).result(10)


@contextmanager
def running(profile: Profile) -> Iterator[Agent]:
    profile.create()
    agent = Agent(profile)
    ready = threading.Event()
    failures: list[BaseException] = []

    async def serve() -> None:
        agent.loop = asyncio.get_running_loop()
        with ProfileLock(profile.lock_file) as lock:
            assert lock.acquire()
            async with ControlServer(profile.control_address, lock, agent.answer):
                ready.set()
                await agent.stopping.wait()

    def run() -> None:
        try:
            asyncio.run(serve())
        except BaseException as failure:  # noqa: BLE001 - told in the test's thread below
            failures.append(failure)
        finally:
            ready.set()

    thread = threading.Thread(target=run)
    thread.start()
    assert ready.wait(10)
    try:
        if not failures:
            yield agent
    finally:
        if not agent.loop.is_closed():
            agent.loop.call_soon_threadsafe(agent.stopping.set)
        thread.join(10)
        assert not thread.is_alive()
    if failures:
        raise failures[0]


def lines(opened: socket.socket, count: int) -> list[dict[str, Any]]:
    """The next lines of a plain connection."""
    content = b""
    while content.count(b"\n") < count:
        piece = opened.recv(65536)
        assert piece, f"hung up after {content!r}"
        content += piece
    return [json.loads(one) for one in content.splitlines()]


def wait_until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        threading.Event().wait(0.005)
