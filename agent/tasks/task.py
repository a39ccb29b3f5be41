"""A task as the program sees it that handed it out: how far it is, its result, and what can still be done about it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from agent.domain.errors import BadInput, TryLater, Unavailable
from agent.system.paths import Profile
from agent.tasks.errors import AgentAway, TaskCancelled, TaskFailed, TaskHeld, TaskOpen
from agent.tasks.talk import Line, ask, follow

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.1, 2.0
"""How long an agent that went away is left alone before it is called again; each pause is longer than the last."""
AWAY = (Unavailable, TryLater)
"""The agent stops, starts, or has too much to do: what is asked of it will be answered later."""

ENDS = {"failed": TaskFailed, "cancelled": TaskCancelled}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a task is: `done` of 1, `text` in words of the program at the worker, `n` how often it was assigned."""

    state: str
    worker: str = ""
    n: int = 0
    done: float = 0.0
    text: str = ""


class Task:
    """One task; it may be used in one event loop after another. What is read is as old as the last word about it."""

    def __init__(self, profile: Profile, id_: str, told: Line) -> None:
        self.id = id_
        self._profile, self._told = profile, told

    def __repr__(self) -> str:
        return f"<Task {self.id} {self.type} {self.state}>"

    @property
    def type(self) -> str:
        """What it is."""
        return str(self._told["type"])

    @property
    def state(self) -> str:
        """One of new, assigned, accepted, running, collecting, held, done, failed, cancelled."""
        return str(self._told["state"])

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen to it."""
        return self._told.get("ended") is True

    @property
    def told(self) -> Line:
        """All that the agent said of it last, as `nmr task show --json` has it."""
        return self._told

    @property
    def seen(self) -> Progress:
        """How far it was, as far as we know."""
        told = self._told
        return Progress(
            self.state, told.get("worker", ""), told.get("n", 0), told.get("done", 0) / 1000, told.get("text", "")
        )

    async def progress(self) -> AsyncGenerator[Progress, None]:
        """Yield how far it is, now and after every change, until it has ended; an agent that restarts is waited for."""
        last = None
        async with aclosing(self._changes()) as changes:
            async for _ in changes:
                if self.seen != last:
                    last = self.seen
                    yield last

    async def result(self, timeout: float | None = None) -> Any:
        """Return what came of it, waiting at most so many seconds; an agent that goes away is waited for.

        Raises TaskFailed, TaskCancelled, TaskHeld until somebody has decided, and TaskOpen (a TimeoutError) when the
        time is over. Whoever stops waiting stops nothing: the task goes on.
        """
        try:
            async with asyncio.timeout(timeout):
                await self._end()
        except TimeoutError as error:
            raise TaskOpen(self.id, self.type) from error
        if self.state == "held":
            raise TaskHeld(self.id, self.type, str(self._told.get("worker", "")))
        if self.state in ENDS:
            raise ENDS[self.state](self.id, self.type, str(self._told.get("code", "")), str(self._told.get("why", "")))
        return self._told.get("result")

    async def cancel(self) -> None:
        """Take it back; whoever works at it stops. Nothing happens to one that has ended."""
        await self._decide("task.cancel")

    async def again(self) -> None:
        """Have a task done that is held: it was not begun, or being done twice does no harm."""
        await self._decide("task.again")

    async def refresh(self) -> None:
        """Ask how far it is; raises AgentAway."""
        self._told = await asking(self._profile, "task.show", {"task": self.id})

    async def _decide(self, do: str) -> None:
        try:
            await asking(self._profile, do, {"task": self.id})
        except BadInput:
            await self.refresh()
            if not self.ended:
                raise
        else:
            await self.refresh()

    async def _end(self) -> None:
        """Wait until it has ended, or waits for a person."""
        if self.ended and (self.state != "done" or "result" in self._told):
            return
        async with aclosing(self._changes()) as changes:
            async for _ in changes:
                if self.state == "held":
                    return

    async def _changes(self) -> AsyncGenerator[None, None]:
        """Say each time that `_told` is newer."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                async with aclosing(follow(self._profile.control_address, "task.follow", {"task": self.id})) as lines:
                    async for line in lines:
                        if "ok" in line:
                            return
                        pause, self._told = FIRST_PAUSE_S, line["task"]
                        yield
            except AWAY:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_S)


async def asking(profile: Profile, do: str, with_: Line) -> Any:
    """Return what the agent answers; raises AgentAway and its other errors."""
    try:
        return await ask(profile.control_address, do, with_)
    except Unavailable as error:
        raise AgentAway(error.title, error.message, code=error.code) from error
