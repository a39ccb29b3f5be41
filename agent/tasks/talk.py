"""Requests of any thread and event loop to the agent, many over one connection; it lasts while somebody waits."""

import asyncio
import os
import threading
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from typing import Any

from agent.domain.errors import NmrError, Unavailable, from_wire
from agent.system.control import connect_to

Line = dict[str, Any]

MOST_CALLS = 200
"""Requests of one connection; the agent takes 256, and 64 connections."""


class Call:
    """One request and the lines that come back, for the event loop in which it was made."""

    def __init__(self, do: str, with_: Line) -> None:
        self.do, self.with_ = do, with_
        self.dropped = False
        self.talk: Talk | None = None
        self._loop = asyncio.get_running_loop()
        self._heard: asyncio.Queue[Line | NmrError] = asyncio.Queue()

    def hear(self, said: Line | NmrError) -> None:
        """Take a line, or the end of the connection; from the thread that reads."""
        try:
            self._loop.call_soon_threadsafe(self._heard.put_nowait, said)
        except RuntimeError:  # its loop has ended
            self.dropped = True

    async def next(self) -> Line:
        """Return the next line; raises NmrError when the request was refused or the connection broke."""
        said = await self._heard.get()
        if isinstance(said, NmrError):
            raise said
        if said.get("ok") is False:
            raise from_wire(said.get("error"))
        return said

    def sent(self) -> None:
        """It is on its way; whoever waited for it may have given up meanwhile."""
        if self.dropped:
            self.drop()

    def drop(self) -> None:
        """Nobody waits for it any more."""
        self.dropped = True
        if self.talk is not None:
            self.talk.look_up()


class Talk:
    """One connection, and the thread that reads it; raises Unavailable where no agent listens."""

    def __init__(self, address: str) -> None:
        self._line = connect_to(address)
        self._lock = threading.Lock()
        self._calls: dict[int, Call] = {}
        self._over = False
        self._thread = threading.Thread(target=self._read, name="tasks", daemon=True)

    def take(self, call: Call) -> bool:
        """Send a request; False if this connection is over or full, and nothing of it has reached the agent."""
        with self._lock:
            if self._over or len(self._calls) >= MOST_CALLS:
                return False
            try:
                self._calls[self._line.post(call.do, **call.with_)] = call
            except Unavailable:  # a line whose end was not sent means nothing to the agent
                self._end_unread()
                return False
            call.talk = self
            if not self._thread.is_alive():
                self._thread.start()
            return True

    def look_up(self) -> None:
        """Let the thread see that nobody waits: it sleeps until the agent says something, so have it say something."""
        with self._lock:
            if not self._over and self._deserted():
                try:
                    self._line.post("task.questions")
                except Unavailable:
                    self._over = True

    @property
    def over(self) -> bool:
        """Whether it takes no more requests."""
        return self._over

    def _end_unread(self) -> None:
        """Be over; the thread closes the connection, where there is one."""
        self._over = True
        if not self._thread.is_alive():
            self._line.close()

    def _deserted(self) -> bool:
        return all(call.dropped for call in self._calls.values())

    def _ended(self) -> bool:
        with self._lock:
            self._over = self._over or self._deserted()
            return self._over

    def _read(self) -> None:
        failure: NmrError = _gone()
        try:
            while not self._ended():
                for line in self._line.ready(None):
                    self._hand_out(line)
        except NmrError as error:
            failure = error
        with self._lock:
            self._over = True
            left, self._calls = list(self._calls.values()), {}
            self._line.close()
        for call in left:
            call.hear(failure)

    def _hand_out(self, line: Line) -> None:
        """Give a line to whoever asked; one with "ok" is the last."""
        asked = line.get("id")
        with self._lock:
            call = self._calls.get(asked) if isinstance(asked, int) else None
            if call is not None and "ok" in line:
                del self._calls[asked]  # type: ignore[arg-type]  # it is an int, or there were no call
        if call is not None:
            call.hear(line)


class Ground:
    """What all requests of a process share: the open connections by address, and the thread that writes to them."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.talks: dict[str, list[Talk]] = {}
        self._pool = ThreadPoolExecutor(1, "tasks-writing")

    async def send(self, address: str, call: Call) -> None:
        """Give a request to a connection that has room; connecting and writing may take a while, so not in the loop."""
        await asyncio.get_running_loop().run_in_executor(self._pool, self._send, address, call)

    def _send(self, address: str, call: Call) -> None:
        talks = self.talks[address] = [talk for talk in self.talks.get(address, ()) if not talk.over]
        if call.dropped:
            return
        if not any(talk.take(call) for talk in talks):
            talks.append(Talk(address))
            if not talks[-1].take(call):
                raise _gone()
        call.sent()


_ground: Ground | None = None


def ground() -> Ground:
    """Return that of this process; one that was forked has none of its parent's threads."""
    global _ground
    if _ground is None or _ground.process != os.getpid():
        _ground = Ground()
    return _ground


async def ask(address: str, do: str, with_: Line) -> Any:
    """Return the result of a request to the agent at `address`; raises its NmrError, Unavailable when it is gone."""
    async with aclosing(follow(address, do, with_)) as lines:
        return [line async for line in lines][-1].get("result")


async def follow(address: str, do: str, with_: Line) -> AsyncGenerator[Line, None]:
    """Yield each line that comes back for a request, the last one too; raises as `ask`."""
    call = Call(do, with_)
    try:
        await ground().send(address, call)
        while True:
            line = await call.next()
            yield line
            if "ok" in line:
                return
    finally:
        call.drop()


def _gone() -> Unavailable:
    return Unavailable("The agent has stopped", "Start it again with: nmr run", code="agent-gone")
