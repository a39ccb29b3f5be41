"""What tasks run on this computer: programs beside the agent, each told of when it gets on and when it ends."""

import asyncio
import logging
from collections.abc import Callable, Mapping

from agent.domain.task import Outcome, RunTask, StopTask, TaskEnded, TaskProgressed
from agent.system.task_outcome import Done
from agent.system.task_run import run_type
from agent.system.task_said import Progress
from agent.system.task_types import Allowed

WHY_LENGTH = 500
STOP_S = 8.0
"""How long programs have to end when the agent does, seconds."""

log = logging.getLogger(__name__)


class Running:
    """`told` gets what happens; used in the event loop only."""

    def __init__(self, types: Mapping[str, Allowed], told: Callable[[TaskEnded | TaskProgressed], None]) -> None:
        self._types, self._told = types, told
        self._running: dict[tuple[str, int], tuple[asyncio.Task[None], asyncio.Event]] = {}

    def begin(self, task: RunTask, data: bytes) -> None:
        """Start a task's program."""
        stop, key = asyncio.Event(), (task.job, task.run)
        before = [running for (job, _), (running, _) in self._running.items() if job == task.job]
        running = asyncio.create_task(self._run(task, data, stop, before), name=f"task {task.type}")
        self._running[key] = running, stop
        running.add_done_callback(lambda done: self._ended(key, done))

    def end(self, task: StopTask) -> None:
        """Ask a task's program to end; nothing is told of it any more."""
        found = self._running.pop((task.job, task.run), None)
        if found is not None:
            found[1].set()
            self._running[task.job, -task.run] = found  # still awaited at the end

    async def settle(self) -> None:
        """End everything that runs; returns when nothing of it is left, or nothing more can be done."""
        for _, stop in self._running.values():
            stop.set()
        running = [task for task, _ in self._running.values()]
        if not running:
            return
        _, left = await asyncio.wait(running, timeout=STOP_S)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _run(self, task: RunTask, data: bytes, stop: asyncio.Event, before: list[asyncio.Task[None]]) -> None:
        """Run it when nothing is left of the runs `before`: no job is done by two at once."""
        if before:
            await asyncio.wait(before)

        def progress(said: Progress) -> None:
            if (task.job, task.run) in self._running:
                self._told(TaskProgressed(task.job, task.run, int(said.part * 1000), said.text))

        outcome = await run_type(self._types, task.type, data, progress=progress, stop=stop)
        if (task.job, task.run) not in self._running:
            return
        if isinstance(outcome, Done):
            self._told(TaskEnded(task.job, task.run, Outcome(ok=True, data=outcome.data)))
        else:
            why = outcome.short(WHY_LENGTH)
            self._told(TaskEnded(task.job, task.run, Outcome(ok=False, code=outcome.code, why=why)))

    def _ended(self, key: tuple[str, int], done: asyncio.Task[None]) -> None:
        for name in (key, (key[0], -key[1])):
            if self._running.get(name, (None,))[0] is done:
                del self._running[name]
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("a task could not be run", exc_info=error)
            self._told(TaskEnded(*key, Outcome(ok=False, code="cannot-start", why=type(error).__name__)))
