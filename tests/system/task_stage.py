"""Programs for tasks as tests need them, and a look whether one of them is left."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil

from agent.system.task_outcome import Outcome
from agent.system.task_run import run
from agent.system.task_said import Progress
from agent.system.task_types import Allowed
from tests.servers.programs import until

MIB = 1 << 20


def python(code: str, *words: str, **limits: Any) -> Allowed:
    """A task whose program is this Python."""
    return Allowed("test", (sys.executable, "-I", "-S", "-c", code, *words), **{"seconds": 20.0, **limits})


def done(
    task: Allowed, data: object = None, progress: list[Progress] | None = None, stop_after: float | None = None
) -> Outcome:
    """Run a task to its end; `stop_after` seconds it is asked to end."""

    async def whole() -> Outcome:
        stop = asyncio.Event()
        if stop_after is not None:
            asyncio.get_running_loop().call_later(stop_after, stop.set)
        heard = progress if progress is not None else []
        return await run(task, json.dumps(data).encode(), progress=heard.append, stop=stop)

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


def folders() -> set[Path]:
    """The temporary folders of tasks that are there."""
    return set(Path(tempfile.gettempdir()).glob("nmr-task-*"))
