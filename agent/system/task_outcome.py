"""What became of a task's program, from how it ended and what it said."""

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from agent.domain.text import clean
from agent.system.task_said import Said
from agent.system.task_types import Allowed

LONGEST_WHY = 4096
"""Bytes of the end of standard error that are kept."""
_OUT_OF_MEMORY = re.compile(
    r"MemoryError|bad_alloc|out of memory|cannot allocate memory|not enough memory", re.IGNORECASE
)
_NEARLY_ALL = 0.75
"""Part of the memory allowed that a program had which failed for lack of it: what it asked for last it did not get."""

Code = Literal["timeout", "memory", "output", "exit", "not-json", "cancelled", "cannot-start"]
Cause = Literal["", "timeout", "output", "cancelled"]
"""Why the program was ended by us; "" for one that ended by itself."""


@dataclass(frozen=True, slots=True)
class Done:
    """The program did it; `data` is its result, JSON as the program wrote it."""

    data: bytes

    @property
    def result(self) -> Any:
        """The same as a value."""
        return json.loads(self.data)


@dataclass(frozen=True, slots=True)
class Failed:
    """The program did not do it; `why` is for people, and holds the end of what it complained about."""

    code: Code
    why: str

    def short(self, most: int) -> str:
        """`why` in so many characters: its head and its end, where what counts stands."""
        if len(self.why) <= most:
            return self.why
        head = self.why.partition(":")[0][: most // 2]
        return f"{head}: …{self.why[len(head) + 3 - most :]}"


Outcome = Done | Failed


@dataclass(frozen=True, slots=True)
class Ending:
    """How the guard says that the program ended."""

    code: int | None
    """None: it never started, or the guard was ended and could not say."""
    peak_bytes: int
    failed: str
    """Why it could not be started, or ""."""
    complaint: str
    """The end of what it wrote to standard error."""


def ending(line: bytes, complaints: bytes) -> Ending:
    """Read the guard's last line."""
    complaint = clean(complaints.decode(errors="replace"), lines=True).strip()
    try:
        found = json.loads(line)
    except ValueError:
        found = None
    match found:
        case {"code": int(code), "peak_bytes": int(peak)}:
            return Ending(code, peak, "", complaint)
        case {"failed": str(why)}:
            return Ending(None, 0, why, complaint)
    return Ending(None, 0, "", complaint)


def judged(task: Allowed, cause: Cause, said: Said, ended: Ending) -> Outcome:
    """What counts: a whole result of a program that ended well, even one that was being stopped in that moment."""
    if cause == "output" or said.too_much:
        return Failed("output", f"it said more than {task.output_bytes} bytes")
    if cause == "timeout":
        return Failed("timeout", _with(f"it took longer than {task.seconds:g} s", ended.complaint))
    if ended.code == 0 and said.result is not None and not said.fault:
        return Done(said.result)
    if cause == "cancelled":
        return Failed("cancelled", "it was stopped")
    return _failed(task, said, ended)


def _failed(task: Allowed, said: Said, ended: Ending) -> Failed:
    """Why a program failed that was left alone."""
    if ended.failed:
        return Failed("cannot-start", f"{task.command[0]}: {ended.failed}")
    if ended.code == 0:
        return Failed("not-json", said.fault)
    if ended.peak_bytes >= _NEARLY_ALL * task.memory_bytes or _OUT_OF_MEMORY.search(ended.complaint):
        return Failed("memory", _with(f"it needed more than {task.memory_bytes >> 20} MiB", ended.complaint))
    told = "its guard was ended" if ended.code is None else f"it ended with {ended.code}"
    return Failed("exit", _with(told, ended.complaint))


def _with(head: str, complaint: str) -> str:
    return f"{head}: {complaint}" if complaint else head
