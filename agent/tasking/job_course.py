"""The course of a job: a table of what each event does in each state (job.py).

What the owner says comes to this table only for the newest n, or a cancel for it; `Assigned` only with a higher one.
"""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from agent.domain.effects import Effect, Keep, WakeAt
from agent.domain.envelope import DAY_MS
from agent.domain.events import Instant
from agent.domain.keys import from_b64u
from agent.domain.task import RunTask, StopTask
from agent.domain.tasks import TaskAccept, TaskAssign, TaskDecline, TaskRenew, TaskResult
from agent.tasking.job import (
    ACTIVE,
    Assigned,
    Cancelled,
    Due,
    Ended,
    Granted,
    Interrupted,
    Job,
    Moment,
    Ready,
    Stale,
    State,
)
from agent.tasking.speech import say

LIVELY_MS, LIVELY_S = 60_000, 1.5
"""With a lease no longer than this, how far a task is gets told as soon as it changes, at most so often."""

Step = tuple[Job, list[Effect]]


class Row(Struct, frozen=True):
    """One cell of the table: the step that is taken, and every state it may lead to."""

    step: Callable[..., Step]
    to: tuple[State, ...]


def advance(job: Job, event: object, now: Instant) -> Step:
    """Return the job after an event, and what shall be done; what is to be kept stands first."""
    after, effects = TABLE[job.state, type(event)].step(job, event, now)
    if job.active and not after.active:
        after = replace(after, data="", sent={})  # they come again if it does
    moved = (after.state, after.n, after.fenced) != (job.state, job.n, job.fenced)
    kept: list[Effect] = [Keep("job", after.id, after)] if moved else []
    return after, [*kept, *effects]


def taken(job: Job, assign: TaskAssign, *, ready: bool, now: Instant) -> Step:
    """Return a job that is taken, begun unless it has to wait."""
    moment = Moment(now.mono, now.ms)
    job = Job(
        job.id,
        job.task,
        job.owner,
        assign.n,
        assign.type,
        now.ms,
        once=assign.once,
        data=assign.data,
        blob=assign.blob,
        lease_ms=assign.lease_ms,
        until=assign.until,
        fenced=job.fenced,
        granted=not assign.once,
        ready=ready,
        lent=moment,
        sent={0: moment},
    )
    accept = say(job.task, job.owner, TaskAccept(task=job.task, n=job.n), life_ms=job.lease_ms)
    job, begun = _begin(job)
    return job, [Keep("job", job.id, job), accept, *begun, *wakes(job, now)]


def wakes(job: Job, now: Instant) -> list[Effect]:
    """Return when it has to be looked at again: the next renewal or the end of its lease.

    What is left of a lease is counted by both clocks as well: one that stood during a sleep would say too much.
    """
    if not job.active:
        return []
    return [WakeAt(min(renew_at(job), now.mono + job.stop_s - job.lent.passed(now)))]


def renew_at(job: Job) -> float:
    """Return when it has to be renewed, monotonic: a third of the lease after our last word, or soon if it got on."""
    last = max((moment.mono for moment in job.sent.values()), default=job.lent.mono)
    soon = job.news and job.lease_ms <= LIVELY_MS
    return last + (LIVELY_S if soon else job.lease_ms / 3000)


def result_of(job: Job) -> Effect:
    """Return the message that tells the owner what came of it, under the newest n, as long as it wants to know."""
    result = TaskResult(
        task=job.task, n=job.n, ok=job.ok, code=job.code, why=job.why, data=job.result, blob=job.result_blob
    )
    return say(job.task, job.owner, result, life_ms=max(DAY_MS, job.until - job.at))


def decline(job: Job, n: int, why: str) -> Effect:
    """Return the message that gives an assignment back."""
    return say(job.task, job.owner, TaskDecline(task=job.task, n=n, why=why))


def _begin(job: Job) -> Step:
    """Run it as soon as nothing is missing; that it was begun is on disk before it is."""
    if not (job.granted and job.ready):
        return job, []
    job = replace(job, state=State.RUNNING, run=job.n)
    data = from_b64u(job.data) if job.blob is None else b""
    return job, [RunTask(job.id, job.run, job.type, job.owner, data, job.blob)]


def _move_on(job: Job, event: Assigned, now: Instant) -> Step:
    """Its owner lost us and has come back to us: what runs goes on under the new number."""
    moment = Moment(now.mono, now.ms)
    assign = event.assign
    job = replace(job, n=assign.n, lease_ms=assign.lease_ms, lent=moment, sent={0: moment}, k=0)
    return job, [say(job.task, job.owner, TaskAccept(task=job.task, n=job.n), life_ms=job.lease_ms), *wakes(job, now)]


def _answer(job: Job, event: Assigned, _: Instant) -> Step:
    """It was done before, so it is not done again."""
    job = replace(job, n=event.assign.n)
    return job, [result_of(job)]


def _anew(job: Job, event: Assigned, now: Instant) -> Step:
    after, effects = taken(job, event.assign, ready=event.ready, now=now)
    return after, effects[1:]  # `advance` keeps it


def _grant(job: Job, event: Granted, now: Instant) -> Step:
    """The lease counts from our own word, not from its answer: the owner has heard it later than we said it."""
    moment = job.sent.get(event.k)
    if moment is None or moment.passed(now) >= job.stop_s:
        return job, []
    sent = {k: at for k, at in job.sent.items() if k >= event.k}
    job = replace(job, lent=max(moment, job.lent, key=lambda one: one.mono), sent=sent, granted=True)
    if job.state is State.RUNNING:
        return job, wakes(job, now)
    job, begun = _begin(job)
    return job, [*begun, *wakes(job, now)]


def _ready(job: Job, _: Ready, __: Instant) -> Step:
    return _begin(replace(job, ready=True))


def _renew(job: Job, _: Due, now: Instant) -> Step:
    """Words too old to be granted need not be remembered."""
    k = job.k + 1
    sent = {number: at for number, at in job.sent.items() if at.passed(now) < job.stop_s}
    job = replace(job, k=k, sent={**sent, k: Moment(now.mono, now.ms)}, news=False)
    renewal = TaskRenew(task=job.task, n=job.n, k=k, done=job.done, text=job.text)
    return job, [say(job.task, job.owner, renewal, str(k), job.lease_ms), *wakes(job, now)]


def _give_back(job: Job, event: Stale | Interrupted, _: Instant) -> Step:
    job = replace(job, state=State.DECLINED)
    return job, [decline(job, job.n, _code(event))]


def _stop(job: Job, event: Stale | Interrupted, _: Instant) -> Step:
    """Somebody else may have it by now; whatever it had done so far is told as nothing."""
    job = replace(job, state=State.FAILED, ok=False, code=_code(event))
    return job, [StopTask(job.id, job.run, _code(event)), result_of(job)]


def _code(event: Stale | Interrupted) -> str:
    return event.code if isinstance(event, Interrupted) else "no-grant"


def _end(job: Job, event: Ended, now: Instant) -> Step:
    job = replace(
        job,
        state=State.DONE if event.ok else State.FAILED,
        at=now.ms,
        ok=event.ok,
        code=event.code,
        why=event.why,
        result=event.data,
        result_blob=event.blob,
    )
    return job, [result_of(job)]


def _cancel(job: Job, event: Cancelled, _: Instant) -> Step:
    stop: list[Effect] = [StopTask(job.id, job.run, "cancelled")] if job.state is State.RUNNING else []
    return replace(job, state=State.CANCELLED, fenced=max(job.fenced, event.n)), stop


def _fence(job: Job, event: Cancelled, _: Instant) -> Step:
    """A result stays known; an assignment that this cancel has overtaken means nothing."""
    return replace(job, fenced=max(job.fenced, event.n)), []


def _stay(job: Job, _: object, __: Instant) -> Step:
    """It means nothing here."""
    return job, []


EVENTS = (Assigned, Granted, Ready, Due, Stale, Ended, Cancelled, Interrupted)

TABLE: dict[tuple[State, type], Row] = {
    **{(state, kind): Row(_stay, (state,)) for state in State for kind in EVENTS},
    **{(state, Cancelled): Row(_fence, (state,)) for state in State},
    **{(state, Cancelled): Row(_cancel, (State.CANCELLED,)) for state in ACTIVE},
    **{(state, Due): Row(_renew, (state,)) for state in ACTIVE},
    **{
        (state, Assigned): Row(_anew, (State.WAITING, State.RUNNING))
        for state in (State.WAITING, State.FAILED, State.DECLINED, State.CANCELLED)
    },
    (State.RUNNING, Assigned): Row(_move_on, (State.RUNNING,)),
    (State.DONE, Assigned): Row(_answer, (State.DONE,)),
    (State.WAITING, Granted): Row(_grant, (State.WAITING, State.RUNNING)),
    (State.RUNNING, Granted): Row(_grant, (State.RUNNING,)),
    (State.WAITING, Ready): Row(_ready, (State.WAITING, State.RUNNING)),
    (State.WAITING, Stale): Row(_give_back, (State.DECLINED,)),
    (State.RUNNING, Stale): Row(_stop, (State.FAILED,)),
    (State.WAITING, Interrupted): Row(_give_back, (State.DECLINED,)),
    (State.RUNNING, Interrupted): Row(_stop, (State.FAILED,)),
    (State.RUNNING, Ended): Row(_end, (State.DONE, State.FAILED)),
}
