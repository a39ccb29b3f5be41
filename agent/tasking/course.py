"""The course of a task: a table of what each event does in each state.

NEW         waits for a worker
ASSIGNED    offered to one, who has not answered yet
ACCEPTED    the worker has taken it, for the time of a lease
RUNNING     the worker has said that it is at it
COLLECTING  the worker is done; its result is large and on its way
HELD        it may have been begun and may be done once only: a person has to decide
DONE, FAILED, CANCELLED     over

n, the fencing number, grows with each assignment. An event of a worker comes to this table only from the one who has
the task, with the newest n (`is_current`); all others are told that they are superseded, and change nothing.
"""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from agent.domain.effects import Cancel, Effect, Keep
from agent.domain.events import Instant
from agent.domain.tasks import Blob, TaskAssign, TaskResult
from agent.tasking.choice import Verdict
from agent.tasking.speech import NEWS, assign_id, cancel, grant, news, say
from agent.tasking.task import (
    ENDED,
    Again,
    Alive,
    Chosen,
    Collected,
    Dropped,
    Finished,
    Lapsed,
    Over,
    Refused,
    Result,
    Returned,
    Shun,
    Spoilt,
    State,
    Task,
    Took,
)

CHOICES, JUDGED = 5, 8
"""So many choices of a task are kept, for whoever asks why, each with the best so many of those who were judged."""
FINAL = frozenset({"output", "not-json", "data"})
"""Failures that every other worker would have as well."""
SHUN_MS = {"lost": 60_000, "failed": 30_000, "silent": 30_000, "declined": 300_000}
"""For how long a task is not offered to somebody again, by what happened there."""
FULL_SHARE = 6
"""To somebody who had no room it is not for this part of a lease: by mail it would go to and fro else."""

Step = tuple[Task, list[Effect]]


class Row(Struct, frozen=True):
    """One cell of the table: the step that is taken, and every state it may lead to."""

    step: Callable[..., Step]
    to: tuple[State, ...]


def advance(task: Task, event: object, now: Instant) -> Step:
    """Return the task after an event, and what shall be done; what is to be kept stands first."""
    after, effects = TABLE[task.state, type(event)].step(task, event, now)
    if after.ended and not task.ended:
        after = replace(after, data="", blob=None)  # nobody is given them any more
    told = [news(after)] if after.state is not task.state and after.state in NEWS else []
    kept: list[Effect] = [Keep("task", after.id, after)] if _differs(task, after) else []
    return after, [*kept, *effects, *told]


def is_current(task: Task, sender: str, n: int) -> bool:
    """Whether a worker's word counts: it is the one who has the task, under the newest number."""
    return not task.ended and task.worker == sender and task.n == n


def _differs(before: Task, after: Task) -> bool:
    """Whether something has changed that a restart must not forget; how far a worker is it tells again."""
    return replace(before, done=after.done, text=after.text, deadline=after.deadline) != after


def _assign(task: Task, event: Chosen, now: Instant) -> Step:
    """The number is on disk before anybody hears it, so it is never given twice."""
    task = replace(
        task,
        state=State.ASSIGNED,
        n=task.n + 1,
        worker=event.verdict.winner,
        lease_ms=event.lease_ms,
        choices=(*task.choices, _short(event.verdict))[-CHOICES:],
        deadline=now.mono + event.accept_s,
        offered=now.mono,
        done=0,
        text="",
    )
    message = TaskAssign(
        task=task.id,
        n=task.n,
        type=task.type,
        lease_ms=task.lease_ms,
        until=task.until,
        once=task.once,
        data=task.data,
        blob=task.blob,
    )
    return task, [say(task.id, task.worker, message, life_ms=round(event.accept_s * 1000))]


def _short(verdict: Verdict) -> Verdict:
    return Verdict(verdict.winner, verdict.judged[:JUDGED])


def _take(task: Task, _: Took, now: Instant) -> Step:
    after = replace(task, state=State.ACCEPTED, deadline=_lease_from(task, now))
    return after, _first_grant(after)


def _taken_again(task: Task, _: Took, __: Instant) -> Step:
    return task, _first_grant(task)


def _first_grant(task: Task) -> list[Effect]:
    """Only what may be done once waits for it."""
    return [grant(task, 0)] if task.once else []


def _renew(task: Task, event: Alive, now: Instant) -> Step:
    state = State.COLLECTING if task.state is State.COLLECTING else State.RUNNING
    after = replace(task, state=state, deadline=_lease_from(task, now), done=event.done, text=event.text)
    return after, [grant(after, event.k)]


def _refuse(task: Task, event: Refused, now: Instant) -> Step:
    """It was not begun there, so somebody else may have it, even if it may be done once only."""
    return _back(task, now, "full" if event.why == "full" else "declined"), [Cancel(assign_id(task))]


def _lapse(task: Task, event: Lapsed, now: Instant) -> Step:
    """Nobody heard of the worker in time. Its number is fenced off before the next one gets the task."""
    if task.begun_perhaps:
        return replace(task, state=State.HELD, deadline=None, code=event.why), []
    fence: list[Effect] = [Cancel(assign_id(task)), cancel(task)]
    if task.state is State.ASSIGNED:
        return _back(task, now, "silent"), fence
    return _lost(task, now, "lost", event.why), fence


def _finish(task: Task, event: Finished, now: Instant) -> Step:
    """The first result from the one who has the task is the result."""
    result = event.result
    if not result.ok:
        return _fail(task, result, now)
    if result.blob is not None:
        after = replace(task, state=State.COLLECTING, result=result.blob, deadline=_lease_from(task, now))
        return after, [Cancel(assign_id(task))]
    return _store(task, result.data, None)


def _fail(task: Task, result: TaskResult, now: Instant) -> Step:
    if task.once:
        return replace(task, state=State.HELD, deadline=None, code=result.code, why=result.why), []
    task = replace(task, why=result.why)
    if result.code in FINAL:
        return replace(task, state=State.FAILED, deadline=None, code=result.code), []
    return _lost(task, now, "failed", result.code), []


def _collected(task: Task, _: Collected, __: Instant) -> Step:
    return _store(task, "", task.result)


def _store(task: Task, data: str, blob: Blob | None) -> Step:
    result = Result(task.id, task.n, task.worker, data, blob)
    after = replace(task, state=State.DONE, deadline=None, code="", why="", result=blob, done=1000)
    return after, [Keep("result", task.id, result), Cancel(assign_id(task))]


def _resume(task: Task, _: Returned, now: Instant) -> Step:
    """It is done, so nobody has to decide: only the result has to come."""
    if task.result is None:
        return task, []
    return replace(task, state=State.COLLECTING, deadline=_lease_from(task, now), code=""), []


def _spoil(task: Task, _: Spoilt, __: Instant) -> Step:
    """Nobody can ever do it."""
    return replace(task, state=State.FAILED, deadline=None, code="data"), _fence(task)


def _over(task: Task, _: Over, __: Instant) -> Step:
    code = task.code if task.state is State.HELD else "expired" if task.worker else "nobody"
    return replace(task, state=State.FAILED, deadline=None, code=code), _fence(task)


def _drop(task: Task, _: Dropped, __: Instant) -> Step:
    return replace(task, state=State.CANCELLED, deadline=None, code="cancelled"), _fence(task)


def _again(task: Task, _: Again, __: Instant) -> Step:
    return replace(task, state=State.NEW, worker="", code="", why="", result=None), [cancel(task)]


def _back(task: Task, now: Instant, why: str) -> Task:
    """Return the task as it waits for somebody else."""
    for_ms = task.lease_ms // FULL_SHARE if why == "full" else SHUN_MS[why]
    shunned = {**task.shunned, task.worker: Shun(why, now.ms + for_ms)}
    return replace(task, state=State.NEW, worker="", deadline=None, shunned=shunned, result=None)


def _lost(task: Task, now: Instant, why: str, code: str) -> Task:
    """Return the task after a worker had it in vain: somebody else may try, as often as was allowed."""
    task = replace(task, lost=task.lost + 1)
    if task.lost >= task.tries:
        return replace(task, state=State.FAILED, deadline=None, code=code, result=None)
    return _back(task, now, why)


def _fence(task: Task) -> list[Effect]:
    return [Cancel(assign_id(task)), cancel(task)] if task.worker else []


def _lease_from(task: Task, now: Instant) -> float:
    return now.mono + task.lease_ms / 1000


def _stay(task: Task, _: object, __: Instant) -> Step:
    """It means nothing here."""
    return task, []


EVENTS = (Chosen, Took, Refused, Alive, Finished, Collected, Lapsed, Over, Dropped, Again, Spoilt, Returned)

_FAILS = (State.HELD, State.FAILED, State.NEW)
_LIVE = tuple(state for state in State if state not in ENDED)

TABLE: dict[tuple[State, type], Row] = {
    **{(state, kind): Row(_stay, (state,)) for state in State for kind in EVENTS},
    **{(state, Over): Row(_over, (State.FAILED,)) for state in _LIVE},
    **{(state, Dropped): Row(_drop, (State.CANCELLED,)) for state in _LIVE},
    **{
        (state, Finished): Row(_finish, (State.DONE, State.COLLECTING, *_FAILS))
        for state in (State.ASSIGNED, State.ACCEPTED, State.RUNNING)
    },
    **{(state, Alive): Row(_renew, (State.RUNNING,)) for state in (State.ASSIGNED, State.ACCEPTED, State.RUNNING)},
    **{(state, Took): Row(_taken_again, (state,)) for state in (State.ACCEPTED, State.RUNNING)},
    **{(state, Lapsed): Row(_lapse, _FAILS) for state in (State.ACCEPTED, State.RUNNING, State.COLLECTING)},
    **{(state, Refused): Row(_refuse, (State.NEW,)) for state in (State.ASSIGNED, State.ACCEPTED)},
    **{(state, Spoilt): Row(_spoil, (State.FAILED,)) for state in (State.ASSIGNED, State.ACCEPTED, State.RUNNING)},
    (State.NEW, Chosen): Row(_assign, (State.ASSIGNED,)),
    (State.ASSIGNED, Took): Row(_take, (State.ACCEPTED,)),
    (State.ASSIGNED, Lapsed): Row(_lapse, (State.NEW,)),
    (State.COLLECTING, Alive): Row(_renew, (State.COLLECTING,)),
    (State.COLLECTING, Collected): Row(_collected, (State.DONE,)),
    (State.HELD, Finished): Row(_finish, (State.DONE, State.COLLECTING, State.HELD)),
    (State.HELD, Again): Row(_again, (State.NEW,)),
    (State.HELD, Returned): Row(_resume, (State.HELD, State.COLLECTING)),
}
