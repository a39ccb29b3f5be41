"""Runs the program of one task to its end: data in, progress and a result out, within its limits."""

import asyncio
import contextlib
import json
import logging
import shutil
import subprocess
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from secrets import token_hex
from tempfile import gettempdir

from agent.system.log import event
from agent.system.task_guard import STOP, command_line, surroundings
from agent.system.task_outcome import LONGEST_WHY, Cause, Failed, Outcome, ending, judged
from agent.system.task_said import Progress, Said
from agent.system.task_types import Allowed, environment, missing

GONE_S = 10.0
"""Seconds the guard has to say that nothing is left, after it was told to end everything, or to ask and then end."""
_NO_CONSOLE = getattr(subprocess, "CREATE_NO_WINDOW", 0)
_log = logging.getLogger(__name__)


async def run_type(
    types: Mapping[str, Allowed],
    name: str,
    data: bytes,
    *,
    progress: Callable[[Progress], None] = lambda _: None,
    stop: asyncio.Event | None = None,
) -> Outcome:
    """Run a task of the type `name`, if the configuration has it; see `run`."""
    one = types.get(name)
    if one is None:
        return Failed("cannot-start", f"“{name}” is no task of this computer")
    return await run(one, data, progress=progress, stop=stop)


async def run(
    task: Allowed,
    data: bytes,
    *,
    progress: Callable[[Progress], None] = lambda _: None,
    stop: asyncio.Event | None = None,
) -> Outcome:
    """Run a task's program with `data` (JSON) on its standard input; returns when nothing of it is left.

    `stop`, when set, asks it to end, and ends it 5 s later; if it finishes all the same, that counts. Cancelling this
    coroutine ends it at once. Never raises because of what the program is or does.
    """
    if why := missing(task):
        return Failed("cannot-start", why)
    began = time.monotonic()
    try:
        guard = await asyncio.create_subprocess_exec(
            *command_line(), stdin=PIPE, stdout=PIPE, stderr=PIPE,
            env={**environment(), **surroundings()}, start_new_session=True, creationflags=_NO_CONSOLE,
        )  # fmt: skip
    except OSError as error:
        return Failed("cannot-start", str(error))
    attempt = _Attempt(guard, Said(task.output_bytes, progress))
    with _folder() as folder:
        cause = await attempt.see_through(_order(task, folder, data), task.seconds, stop)
    outcome = judged(task, cause, attempt.said, ending(attempt.last_line, attempt.complaints))
    _note(task, outcome, attempt.complaints, time.monotonic() - began)
    return outcome


class _Attempt:
    """One guard with its program, and what they said."""

    def __init__(self, guard: Process, said: Said) -> None:
        self.said = said
        self.complaints = b""
        """The end of the program's standard error."""
        self.last_line = b""
        """The guard's."""
        self._guard = guard
        self._overflowed = asyncio.Event()

    async def see_through(self, order: bytes, seconds: float, stop: asyncio.Event | None) -> Cause:
        """Wait for its end or bring it about; when this returns or raises, nothing of it is left."""
        heard = asyncio.create_task(self._hear(order), name="hear a task's program")
        try:
            cause = await self._cause(heard, seconds, stop or asyncio.Event())
            if cause == "cancelled":
                self._ask()
                await asyncio.wait((heard,), timeout=GONE_S)
        finally:
            await self._end(heard)
        if not heard.cancelled():
            heard.result()  # raises what the caller's own `progress` did
        return cause

    async def _cause(self, heard: asyncio.Task[None], seconds: float, stop: asyncio.Event) -> Cause:
        stopped, overflowed = (asyncio.create_task(one.wait()) for one in (stop, self._overflowed))
        try:
            await asyncio.wait((heard, stopped, overflowed), timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            overflowed.cancel()
        if self.said.too_much:
            return "output"
        if heard.done():
            return ""
        return "cancelled" if stop.is_set() else "timeout"

    def _ask(self) -> None:
        assert self._guard.stdin is not None
        self._guard.stdin.write(STOP)

    async def _end(self, heard: asyncio.Task[None]) -> None:
        """Let the guard end everything; a guard that cannot is ended itself."""
        assert self._guard.stdin is not None
        self._guard.stdin.close()
        gone = asyncio.create_task(self._guard.wait(), name="wait for a guard")
        await asyncio.wait((heard, gone), timeout=GONE_S)
        if not gone.done():
            with contextlib.suppress(ProcessLookupError):
                self._guard.kill()
        heard.cancel()
        # Else this would wait, and the pipes stay open, as long as what escaped from its guard holds the other end.
        self._guard._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001 - there is no other way to it
        await asyncio.wait((heard, gone))

    async def _hear(self, order: bytes) -> None:
        await asyncio.gather(self._tell(order), self._results(), self._complaints(), self._guard.wait())
        self.said.end()

    async def _tell(self, order: bytes) -> None:
        assert self._guard.stdin is not None
        with contextlib.suppress(OSError):  # it has ended before it read all
            self._guard.stdin.write(order)
            await self._guard.stdin.drain()

    async def _results(self) -> None:
        assert self._guard.stdout is not None
        while content := await self._guard.stdout.read(1 << 16):
            self.said.take(content)
            if self.said.too_much:
                self._overflowed.set()

    async def _complaints(self) -> None:
        assert self._guard.stderr is not None
        tail = b""
        while content := await self._guard.stderr.read(1 << 16):
            tail = (tail + content)[-2 * LONGEST_WHY :]
        told, _, last = tail.rstrip(b"\n").rpartition(b"\n")
        self.last_line, self.complaints = last, told[-LONGEST_WHY:]


@contextlib.contextmanager
def _folder() -> Iterator[str]:
    """A name for the task's folder; what a guard that was killed leaves there goes, too."""
    folder = Path(gettempdir(), f"nmr-task-{token_hex(8)}")
    try:
        yield str(folder)
    finally:
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)


def _order(task: Allowed, folder: str, data: bytes) -> bytes:
    order = {"command": task.command, "folder": folder, "memory_bytes": task.memory_bytes, "data_bytes": len(data)}
    return json.dumps(order).encode() + b"\n" + data


def _note(task: Allowed, outcome: Outcome, complaints: bytes, seconds: float) -> None:
    """Log how it went, without a word of what the program read or wrote."""
    code = outcome.code if isinstance(outcome, Failed) else "done"
    event(
        _log, "task-ended", type=task.type, code=code, seconds=round(seconds, 3),
        stderr_bytes=len(complaints), stderr_hash=sha256(complaints).hexdigest()[:8],
    )  # fmt: skip
