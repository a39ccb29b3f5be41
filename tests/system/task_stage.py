"""Programs for tasks as tests need them, and a look whether one of them is left."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from agent.system import task_run
from agent.system.task_outcome import Done, Outcome
from agent.system.task_run import run
from agent.system.task_said import Progress
from agent.system.task_types import Allowed
from tests.servers.programs import until

MIB = 1 << 20
DEAF = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print('{"progress": 0}', flush=True)
time.sleep(60)
"""


def python(code: str, *words: str, **limits: Any) -> Allowed:
    """A task whose program is this Python."""
    return Allowed("test", (sys.executable, "-I", "-S", "-c", code, *words), **{"seconds": 20.0, **limits})


def said(value: object) -> Done:
    """The outcome of a program that wrote this value as Python writes it."""
    return Done(json.dumps(value).encode())


def done(task: Allowed, data: object = None, *, stop: bool = False) -> Outcome:
    """Run a task to its end; with `stop` it is asked to end as soon as it says how far it is."""

    async def whole() -> Outcome:
        stopped = asyncio.Event()

        def heard(_: Progress) -> None:
            if stop:
                stopped.set()

        return await run(task, json.dumps(data).encode(), progress=heard, stop=stopped)

    return asyncio.run(whole())


def left(mark: str) -> list[psutil.Process]:
    """The processes that have this word in their command line, apart from our own."""
    found = []
    for process in psutil.process_iter(["cmdline", "status"]):
        words: Sequence[str] = process.info["cmdline"] or ()
        if process.pid != os.getpid() and process.info["status"] != psutil.STATUS_ZOMBIE and mark in words:
            found.append(process)
    return found


def gone(mark: str) -> None:
    """Wait until nothing with this word is left; raises TimeoutError."""
    until(lambda: not left(mark), f"the end of {mark}", 10)


@contextmanager
def own_place(place: Path) -> Iterator[Callable[[], list[Path]]]:
    """Tasks get their folders in this place, where nobody else's are; gives what lists those that are there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(place))
        patch.setenv("TMPDIR", str(place))  # for an agent that is a process of its own
        yield lambda: list(place.glob("nmr-task-*"))


def weakened(monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    """Let guards begin with a change to their own modules."""
    begin = f"from agent.system import task_guard, task_guard_linux; {change}; task_guard.main()"
    monkeypatch.setattr(task_run, "command_line", lambda: [sys.executable, "-c", begin])
