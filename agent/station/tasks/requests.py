"""What commands, windows and programs ask about tasks."""

# task.send       type, data (any JSON) or file (a path to that, for what is too long for a line of this socket),
#                 role, once, life_s, tries, wait, id (32 hex digits: who
#                 asks again with the same gets the same task)             {"task": id}
#                 with wait, after every change until it has ended: {"id", "event": "task", "task": Task}
# task.follow     task                  the same lines for a task that is there                             {}
# task.list       -                                                        [Task]
# task.show       task                                                     Task with "result" (what the program said)
#                                                                          and "choices", why each worker was chosen;
#                                                                          "now": whom it would go to, while it waits
# task.cancel     task                                                     {}
# task.again      task                  one that may be done once only was begun, perhaps: do it again      {}
# task.workers    -                     [{station, skills, free, capacity, load, failures, until_ms}]
# task.questions  -                     [{task (as task.answer wants it), from, question, choices}]
# task.answer     task, choice, text                                       {}
#
# Task = {id, type, state, worker, n, role, once, asked_ms, until_ms, done (of 1000), text, code, why, ended}

import asyncio
import json
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from msgspec import json as msgspec_json
from msgspec import to_builtins

from agent.domain.audience import Audience
from agent.domain.errors import BadInput, NmrError, NotAllowed
from agent.domain.names import ID_PATTERN, is_name
from agent.domain.rights import may
from agent.domain.task import TaskAgain, TaskAsked, TaskDropped, TaskEvent
from agent.domain.tasks import MOST_BYTES
from agent.station.request_fields import Line, flag, needed, text
from agent.station.tasks.room import TaskRoom
from agent.system.beside import beside
from agent.tasking.task import State, Task

Say = Callable[[Line | Callable[[], Line]], None]
Ask = Callable[[Callable[[int], TaskEvent]], Awaitable[Mapping[str, object]]]
LIFE_S, LONGEST_S = 24 * 3600, 7 * 24 * 3600
MOST_TRIES = 100


class TaskRequests:
    """`ask` tells the machine an event with a ticket and waits for its Reply; `watchers` are called at every change."""

    def __init__(self, room: TaskRoom, ask: Ask, watchers: set[Callable[[], None]]) -> None:
        self._room, self._ask, self._watchers = room, ask, watchers
        self.commands: dict[str, Callable[[Line, Say], Awaitable[object]]] = {
            "task.send": self._send,
            "task.follow": self._follow_one,
            "task.list": self._list,
            "task.show": self._show,
            "task.cancel": self._cancel,
            "task.again": self._again,
            "task.workers": self._workers,
            "task.questions": self._questions,
            "task.answer": self._answer,
        }

    async def _send(self, with_: Line, say: Say) -> object:
        self._check_rights()
        asked, wait = {**_asked(with_), "data": await _data(with_)}, flag(with_, "wait")
        result = await self._ask(lambda ticket: TaskAsked(ticket=ticket, **asked))
        if wait:
            await self._follow(str(result["task"]), say)
        return result

    def _check_rights(self) -> None:
        me = self._room.working.me
        if me is None or not may(me.roles, "task.assign", Audience("station", me.station)):
            raise NotAllowed(
                "You may not hand out tasks",
                "IT gives this station the role lead: nmr hub roles STATION",
                code="rights",
            )

    async def _follow(self, id_: str, say: Say) -> None:
        """Say the task after every change until it has ended."""
        changed, seen, last = asyncio.Event(), None, None
        self._watchers.add(changed.set)
        try:
            while True:
                changed.clear()
                await self._settled(id_)
                task = self._task(id_)
                if task is not seen:  # hundreds may be followed at once, and a change of any wakes all of them
                    seen, told = task, self._told(id_)
                    if told != last:
                        say({"event": "task", "task": told})
                    last = told
                if task.ended:
                    return
                await changed.wait()
        finally:
            self._watchers.discard(changed.set)

    async def _follow_one(self, with_: Line, say: Say) -> object:
        await self._follow(needed(with_, "task"), say)
        return {}

    async def _list(self, _: Line, __: Say) -> object:
        tasks = self._room.working.tasking.owner.tasks.values()
        return [told(task) for task in sorted(tasks, key=lambda task: (task.at, task.id))]

    async def _show(self, with_: Line, _: Say) -> object:
        id_ = needed(with_, "task")
        await self._settled(id_)
        task = self._task(id_)
        now = {"now": to_builtins(self._room.working.choice(task))} if task.state is State.NEW else {}
        return {**self._told(id_), **now}

    async def _settled(self, id_: str) -> None:
        """Return when what a task's end brought is on the disk: then its result can be read."""
        if self._task(id_).ended:
            await self._room.working.committed()

    def _told(self, id_: str) -> dict[str, Any]:
        """Everything about a task; its result only when there is one."""
        task = self._task(id_)
        more: dict[str, Any] = {"choices": to_builtins(task.choices)}
        found = self._room.working.result(id_) if task.ended else None
        if found is not None:
            more["result"] = _value(found)
        return {**told(task), **more}

    def _task(self, id_: str) -> Task:
        found = self._room.working.tasking.owner.tasks.get(id_)
        if found is None:
            raise BadInput(
                "No such task", "It was never asked for here, or is long over", code="no-such-task", field="task"
            )
        return found

    async def _cancel(self, with_: Line, _: Say) -> object:
        id_ = needed(with_, "task")
        return await self._ask(lambda ticket: TaskDropped(id_, ticket))

    async def _again(self, with_: Line, _: Say) -> object:
        id_ = needed(with_, "task")
        return await self._ask(lambda ticket: TaskAgain(id_, ticket))

    async def _workers(self, _: Line, __: Say) -> object:
        return [
            {
                "station": one.station,
                "skills": list(one.skills),
                "free": one.free,
                "capacity": one.capacity,
                "load": one.load,
                "failures": one.failures,
                "until_ms": one.until,
            }
            for one in self._room.working.available()
        ]

    async def _questions(self, _: Line, __: Say) -> object:
        open_ = self._room.working.questions.all()
        return [{"task": one.job, "from": one.owner, **one.question.to_wire()} for one in open_]

    async def _answer(self, with_: Line, _: Say) -> object:
        said = {"choice": text(with_, "choice"), "text": text(with_, "text")}
        self._room.working.answer(needed(with_, "task"), said)
        return {}


def told(task: Task) -> dict[str, Any]:
    """A task as the control socket tells it; nothing of its data."""
    return {
        "id": task.id,
        "type": task.type,
        "state": task.state.value,
        "worker": task.worker,
        "n": task.n,
        "role": task.role,
        "once": task.once,
        "asked_ms": task.at,
        "until_ms": task.until,
        "done": task.done,
        "text": task.text,
        "code": task.code,
        "why": task.why,
        "ended": task.ended,
    }


def _asked(with_: Line) -> dict[str, Any]:
    """The fields of TaskAsked; raises BadInput."""
    type_, role = needed(with_, "type"), text(with_, "role")
    for field, name in (("type", type_), ("role", role)):
        if name and not is_name(name):
            raise BadInput("This name cannot be used", f"“{name}”: write 1 to 32 of a-z, 0-9 and -", field=field)
    life_s, tries = _number(with_, "life_s", LIFE_S, LONGEST_S), _number(with_, "tries", 3, MOST_TRIES)
    id_ = text(with_, "id")
    if id_ and not re.fullmatch(ID_PATTERN, id_):
        raise BadInput("Not an id", "An id of your own has 32 hex digits", field="id")
    once = flag(with_, "once")
    return {"type": type_, "role": role, "once": once, "life_ms": life_s * 1000, "tries": tries, "id": id_}


async def _data(with_: Line) -> bytes:
    """What the task is about, as JSON; raises BadInput."""
    path = text(with_, "file")
    if path:
        return await beside(lambda: _read(Path(path)))
    return json.dumps(with_.get("data"), ensure_ascii=False, separators=(",", ":")).encode()


def _read(path: Path) -> bytes:
    """The content of a file that is JSON and no more than a task may have."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise BadInput("Too much for a task", f"{path} may have {MOST_BYTES} bytes", code="too-large", field="file")
        data = path.read_bytes()
        json.loads(data)
    except OSError as error:
        raise BadInput("The file cannot be read", f"{path}: {error.strerror}", field="file") from error
    except (ValueError, RecursionError) as error:
        raise BadInput("The file is no JSON", f"{path}: {error}", field="file") from error
    return data


def _number(with_: Line, field: str, usual: int, most: int) -> int:
    value = with_.get(field, usual)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise BadInput("Not a number", f"{field} is a whole number from 1 to {most}", field=field)
    return value


def _value(result: bytes) -> Any:
    """A result as a value; a worker that means harm may send what is none."""
    try:
        return msgspec_json.decode(result)
    except (ValueError, RecursionError) as error:
        raise NmrError(
            "The result of this task cannot be read", f"Its worker sent: {error}", code="result-unreadable"
        ) from error
