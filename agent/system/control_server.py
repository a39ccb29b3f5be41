"""The agent's end of the control socket: reads requests, hands them to the agent, never waits for a slow reader.

The lines are described in `control`.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Self

import msgspec

from agent.domain.errors import BadInput, NmrError, TryLater, Unavailable
from agent.system.control import ends
from agent.system.control_outbox import Id, Line, Outbox, Said
from agent.system.lock import ProfileLock
from agent.system.log import event

Say = Callable[[Said], None]
"""Sends one more line for a request, `{"event": "page", "page": ...}`, without waiting."""
Answer = Callable[[str, Line, Say], Awaitable[object]]
"""The agent: `answer(do, with_, say)` returns the result (anything msgspec can write) or raises NmrError.
It is cancelled when the asker hangs up, so `watch` simply never returns."""

LONGEST_LINE = 64 * 1024
_MOST_TALKS = 64
_MOST_REQUESTS = 256  # of one connection at once
_FAREWELL = 1.0  # seconds a reader has for its last lines when the connection is closed

log = logging.getLogger(__name__)


class Request(msgspec.Struct, frozen=True):
    """One line from the other end."""

    id: int | str
    do: str
    with_: Line = msgspec.field(name="with", default_factory=dict)


class ControlServer:
    """Listens at a `Profile.control_address` while its context is open; needs the lock of the agent, or hub, there."""

    def __init__(self, address: str, lock: ProfileLock, answer: Answer) -> None:
        self._address = address
        self._lock = lock
        self._answer = answer
        self._talks: set[asyncio.Task[None]] = set()
        self._stop: Callable[[], Awaitable[None]] | None = None
        self._stopped = False

    async def __aenter__(self) -> Self:
        assert self._lock.held, "without the lock this could be another agent's socket"
        try:
            self._stop = await ends().listen(self._address, self._met, LONGEST_LINE)
        except OSError as failure:
            raise Unavailable(
                "The control socket cannot be opened",
                f"{self._address}: {failure.strerror}. Remove what is in its place, or choose another --profile.",
                code="control",
            ) from failure
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stopped = True
        if self._stop:
            await self._stop()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)

    def _met(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._stopped or len(self._talks) >= _MOST_TALKS:
            event(log, "control-refused", logging.WARNING, talks=len(self._talks))
            writer.transport.abort()
            return
        talk = asyncio.get_running_loop().create_task(_Talk(reader, writer, self._answer).run(), name="control talk")
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)


class _Talk:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> None:
        self._reader = reader
        self._writer = writer
        self._answer = answer
        self._outbox = Outbox(writer)
        self._requests: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until the other end hangs up, then drop what it asked for."""
        try:
            async with asyncio.TaskGroup() as group:
                sending = group.create_task(self._outbox.run())
                await self._read(group)
                for task in (sending, *self._requests):
                    task.cancel()
        except* OSError:
            event(log, "control-cut", logging.DEBUG)
        except* Exception:
            log.exception("control-failed")
        finally:
            await self._close()

    async def _close(self) -> None:
        """Send what is left, but not to a reader that is asleep."""
        self._outbox.flush()
        self._writer.close()
        try:
            async with asyncio.timeout(_FAREWELL):
                await self._writer.wait_closed()
        except OSError:
            self._writer.transport.abort()

    async def _read(self, group: asyncio.TaskGroup) -> None:
        """Start a task for each request until the other end hangs up."""
        while True:
            try:
                line = await _line(self._reader)
            except asyncio.LimitOverrunError:
                self._complain(None, BadInput("The line is too long", f"A request has at most {LONGEST_LINE} bytes"))
                continue
            if line is None:
                return
            room = len(self._requests) < _MOST_REQUESTS
            task = group.create_task(self._serve(line, room=room))
            self._requests.add(task)
            task.add_done_callback(self._requests.discard)

    async def _serve(self, line: bytes, *, room: bool) -> None:
        """Answer one request, whatever becomes of it."""
        asked: Id = None
        try:
            raw = _decoded(line)
            asked = _id(raw)
            request = _request(raw, room=room)
            result = await self._answer(request.do, request.with_, lambda said: self._outbox.say(asked, said))
            self._outbox.finish(asked, {"id": asked, "ok": True, "result": result})
        except NmrError as error:
            self._complain(asked, error)
        except Exception:
            log.exception("control-failed")
            self._complain(
                asked, NmrError("The agent made a mistake", "It is in the log; run: nmr doctor", code="internal")
            )

    def _complain(self, asked: Id, error: NmrError) -> None:
        self._outbox.finish(asked, {"id": asked, "ok": False, "error": error.to_wire()})


async def _line(reader: asyncio.StreamReader) -> bytes | None:
    """The next line, None at the end; raises LimitOverrunError after skipping one that is too long."""
    overrun: asyncio.LimitOverrunError | None = None
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except asyncio.IncompleteReadError:
            return None
        except asyncio.LimitOverrunError as failure:
            overrun = failure
            await reader.readexactly(failure.consumed)
        else:
            if overrun:
                raise overrun
            return line


def _decoded(line: bytes) -> object:
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as failure:
        raise BadInput("The request is no JSON", str(failure), code="bad-request") from failure


def _id(raw: object) -> Id:
    found = raw.get("id") if isinstance(raw, dict) else None
    return found if isinstance(found, int | str) else None


def _request(raw: object, *, room: bool) -> Request:
    if not room:
        raise TryLater("Too many requests at once", "Wait for the answers to those before", code="too-many")
    try:
        return msgspec.convert(raw, Request)
    except msgspec.ValidationError as failure:
        raise BadInput("The request cannot be understood", str(failure), code="bad-request") from failure
