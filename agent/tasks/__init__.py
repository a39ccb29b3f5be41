"""Work handed to workers of the site, from a Python program: docs/tasks.md shows how.

await send(type, data)       have it done and return what came of it
await submit(type, data)     hand it out and return a Task: its state, progress, result; cancel it
await find(id)               a Task that was handed out before, by this program or another
await workers()              who is available

All of it speaks to the agent of this account, or of the profile that `use` names, and may be called in any event loop
of any thread. The station needs the role lead.
"""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import agent.system.slim  # noqa: F401 - before anything that needs msgspec
from agent.domain.errors import BadInput, NotAllowed
from agent.domain.names import is_name
from agent.system.ids import new_id
from agent.system.paths import Profile
from agent.tasks.data import handed_over
from agent.tasks.errors import AgentAway, TaskCancelled, TaskFailed, TaskHeld, TaskOpen
from agent.tasks.task import FIRST_PAUSE_S, LONGEST_PAUSE_S, Progress, Task, asking

__all__ = [
    "AgentAway",
    "BadInput",
    "NotAllowed",
    "Progress",
    "Task",
    "TaskCancelled",
    "TaskFailed",
    "TaskHeld",
    "TaskOpen",
    "Worker",
    "find",
    "send",
    "submit",
    "use",
    "workers",
]

LIFE_S = 24 * 3600
"""How long a task may take, if nobody says otherwise."""
PATIENCE_S = 30.0
"""How long an agent may be away that had heard of a task and not yet said that it has it."""

_profile: Profile | None = None


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that says it is available: `skills` are the types it does, `load` is percent, `failures` 0 to 1."""

    station: str
    skills: tuple[str, ...]
    free: int
    capacity: int
    load: int
    failures: float
    until_ms: int


def use(profile: str | Path | Profile) -> None:
    """Speak to the agent of this profile from now on, as `nmr --profile DIR` does."""
    global _profile
    _profile = profile if isinstance(profile, Profile) else Profile.at(profile)


async def send(
    type_: str,
    data: object = None,
    *,
    to: str = "",
    once: bool = False,
    life: float = LIFE_S,
    tries: int = 3,
    timeout: float | None = None,
) -> Any:
    """Have a task done and return what came of it, any JSON; the arguments are those of `submit`.

    `timeout` is how long this call waits, in seconds. Raises what `submit` and `Task.result` raise. Whoever stops
    waiting stops nothing: the task goes on for the rest of its `life`.
    """
    task = await submit(type_, data, to=to, once=once, life=life, tries=tries)
    return await task.result(timeout)


async def submit(
    type_: str, data: object = None, *, to: str = "", once: bool = False, life: float = LIFE_S, tries: int = 3
) -> Task:
    """Hand a task out and return it when the agent has it on disk: from then on it is not lost.

    `data` is any JSON up to 12 MiB, `to` a role that the worker has besides worker. What may be done `once` only is
    never begun again by itself. `life` is how long it may take, in seconds; `tries` how many workers may fail at it.
    Raises BadInput, NotAllowed, AgentAway.
    """
    _check(type_, to)
    profile, id_ = _profile or Profile.default(), new_id()
    fields = {"type": type_, "role": to, "once": once, "life_s": round(life), "tries": tries, "id": id_}
    with handed_over(profile, data) as more:
        await _handed_out(profile, {**fields, **more})
    return Task(profile, id_, {"type": type_, "state": "new"})


async def find(id_: str) -> Task:
    """Return a task by its id; raises BadInput if there is none, AgentAway."""
    profile = _profile or Profile.default()
    return Task(profile, id_, await asking(profile, "task.show", {"task": id_}))


async def workers() -> list[Worker]:
    """Return the workers that say they are available; raises AgentAway."""
    found = await asking(_profile or Profile.default(), "task.workers", {})
    return [Worker(**{**one, "skills": tuple(one["skills"])}) for one in found]


async def _handed_out(profile: Profile, with_: dict[str, Any]) -> None:
    """Ask until the agent has answered; with the same id, so that there is one task however often it is asked."""
    pause, waited = FIRST_PAUSE_S, 0.0
    while True:
        try:
            await asking(profile, "task.send", with_)
        except AgentAway as error:
            unheard = waited == 0 and error.code == "no-agent"
            if unheard or waited >= PATIENCE_S:
                raise
        else:
            return
        await asyncio.sleep(pause)
        waited, pause = waited + pause, min(2 * pause, LONGEST_PAUSE_S)


def _check(type_: str, to: str) -> None:
    for field, name in (("type", type_), ("to", to or "any")):
        if not is_name(name):
            raise BadInput("This name cannot be used", f"“{name}”: write 1 to 32 of a-z, 0-9 and -", field=field)
