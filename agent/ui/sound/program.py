"""Sounds through a small program of the system, run as a child: pw-play, paplay or aplay."""

import asyncio
import contextlib
import logging
import os
from asyncio.subprocess import DEVNULL, PIPE, Process
from dataclasses import dataclass

from agent.system.assets import asset
from agent.ui.reason import reason
from agent.ui.sound.base import Played, Tone

AT_ONCE = 0.15
"""Seconds in which a program that cannot play has ended; without a device paplay and aplay took 7 ms."""
GONE = 0.5
"""Seconds after which we do not wait any more for a program that was killed."""
_QUIET = {"aplay": ("-q",)}  # else it writes a line for each sound
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Child:
    process: Process
    said: "asyncio.Task[tuple[bytes, bytes]]"
    """Ends with the child; holds what it wrote to standard output (nothing) and standard error."""


class ProgramPlayer:
    """Plays with `program`, which is looked for on PATH each time.

    A sound counts as started when the program has not failed after `AT_ONCE`.
    """

    def __init__(self, program: str) -> None:
        self.name = program
        self._child: _Child | None = None
        self._turn = asyncio.Lock()  # a stop that comes while a sound starts waits for it, or it would ring on

    async def play(self, tone: Tone) -> Played:
        """Start `tone` (a running one is stopped first); returns when it started, or failed."""
        async with self._turn:
            await self._end()
            try:
                why = await self._start(tone)
            except Exception as error:  # noqa: BLE001 - a player never raises
                missing = isinstance(error, FileNotFoundError) and error.filename == self.name
                why = "not installed" if missing else reason(error)
        return Played(ok=not why, by=self.name, why=why)

    async def stop(self) -> None:
        """Be quiet now."""
        async with self._turn:
            await self._end()

    async def _start(self, tone: Tone) -> str:
        command = (self.name, *_QUIET.get(self.name, ()), str(asset(f"sounds/{tone}.wav")))
        process = await asyncio.create_subprocess_exec(
            *command, stdin=DEVNULL, stdout=DEVNULL, stderr=PIPE, env={**os.environ, "LC_ALL": "C"}
        )
        child = _Child(process, asyncio.create_task(process.communicate(), name=f"{self.name} plays {tone}"))
        self._child = child
        ended, _ = await asyncio.wait((child.said,), timeout=AT_ONCE)
        if ended:
            return _failure(child)
        child.said.add_done_callback(lambda _: self._ended(child))
        return ""

    def _ended(self, child: _Child) -> None:
        if self._child is child and (why := _failure(child)):  # one that was stopped is not ours any more
            _log.warning("%s broke off: %s", self.name, why)

    async def _end(self) -> None:
        child, self._child = self._child, None
        if child is None or child.said.done():
            return
        with contextlib.suppress(ProcessLookupError):  # it ended in this moment
            child.process.kill()  # asked politely, aplay plays what it has in its buffer
        await asyncio.wait((child.said,), timeout=GONE)


def _failure(child: _Child) -> str:
    """Why the child failed, in the last line it wrote; empty when it did not."""
    if child.said.cancelled() or child.process.returncode == 0:
        return ""
    lines = child.said.result()[1].decode(errors="replace").split("\n")
    said = [line.strip() for line in lines if line.strip()]
    return said[-1] if said else f"ended with {child.process.returncode}"
