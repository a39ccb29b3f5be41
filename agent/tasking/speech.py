"""What the station that asked for a task says: to the worker that has it, and to the hub."""

from agent.domain.audience import THE_HUB, Audience
from agent.domain.effects import Effect, Post
from agent.domain.envelope import DAY_MS, PAGE
from agent.domain.keys import derived_id
from agent.domain.names import HUB
from agent.domain.tasks import TYPE_OF, TaskCancel, TaskGrant, TaskMessage, TaskNews, TaskSuperseded
from agent.tasking.task import State, Task

NEWS = frozenset({State.HELD, State.DONE, State.FAILED, State.CANCELLED})
"""States that the hub is told of, beside that a task is new."""


def say(task: str, to: str, message: TaskMessage, step: str = "", life_ms: int = DAY_MS) -> Post:
    """Return a message about an assignment; said again it is the same message."""
    type_ = TYPE_OF[type(message)]
    id_ = derived_id(task, f"{type_}/{message.n}/{step}", to)
    return Post(id_, Audience("station", to), (to,), type_, message, prio=PAGE, life_ms=max(1000, life_ms))


def assign_id(task: Task) -> str:
    """Return the id of the message that assigned the task last."""
    return derived_id(task.id, f"task.assign/{task.n}/", task.worker)


def superseded(task: str, worker: str, n: int) -> Effect:
    """Tell a worker that its assignment is over."""
    return say(task, worker, TaskSuperseded(task=task, n=n))


def grant(task: Task, k: int) -> Effect:
    """Tell the worker that it has the task for another lease."""
    return say(task.id, task.worker, TaskGrant(task=task.id, n=task.n, k=k), str(k), task.lease_ms)


def cancel(task: Task) -> Effect:
    """Tell the worker to stop."""
    return say(task.id, task.worker, TaskCancel(task=task.id, n=task.n))


def news(task: Task) -> Effect:
    """Tell the hub how a task stands."""
    state = task.state.value if task.state in NEWS else "new"
    told = TaskNews(task=task.id, n=task.n, type=task.type, state=state, worker=task.worker, code=task.code)  # type: ignore[arg-type]  # the states it may have
    return Post(derived_id(task.id, f"task.news/{task.n}/{state}", HUB), THE_HUB, (HUB,), "task.news", told)
