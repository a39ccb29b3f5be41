"""The tasks this station does for others: only types it was told to, only as many as it may, each result kept.

Everything that decides about one task stands in the table of job_course.py; here are all of them together, the clock,
and what others may know: how much room is left.
"""

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct, field
from msgspec.structs import replace

from agent.domain.effects import Effect, Keep, Note, Refresh, WakeAt
from agent.domain.events import Arrived, Instant
from agent.domain.keys import to_b64u
from agent.domain.task import LoadKnown, Outcome, TaskEnded, TaskProgressed
from agent.domain.tasks import INLINE_BYTES, TaskAssign, TaskCancel, TaskGet, TaskGrant, TaskPart, TaskSuperseded
from agent.domain.text import clean
from agent.tasking.announcing import Announcing, Standing
from agent.tasking.freight import Freight
from agent.tasking.job import (
    Assigned,
    Cancelled,
    Due,
    Ended,
    Granted,
    Interrupted,
    Job,
    Ready,
    Stale,
    State,
)
from agent.tasking.job_course import advance, decline, renew_at, result_of, taken, wakes
from agent.tasking.keeping import MOST_LARGE_BYTES, MOST_SMALL_BYTES, PRUNE_S, REMEMBER_MS, newest
from agent.tasking.parts import Read, TooMuch, forget_all, keep_all

DATA_MS = 60 * 60_000
"""How long the large data of a job that was given back wait for it to come again."""
WHY_LENGTH, TEXT_LENGTH = 500, 120


class Rules(Struct, frozen=True):
    """What this worker may run: so many tasks at once, and of each type, by name, so many."""

    at_once: int = 1
    types: Mapping[str, int] = field(default_factory=dict)


class Worker:
    """The jobs by id. `read` finds a piece that was kept, `slow_s` how long a station takes to answer by mail, or 0."""

    def __init__(
        self,
        *,
        rules: Rules,
        kid: str,
        new_id: Callable[[], str],
        links: Callable[[], tuple[str, ...]],
        slow_s: Callable[[str], float],
        kept: Iterable[Job],
        read: Read,
        now: Instant,
    ) -> None:
        self._rules, self._slow_s = rules, slow_s
        self.jobs: dict[str, Job] = {job.id: job for job in kept}
        self._standing = Standing(kid, tuple(sorted(rules.types)), rules.at_once)
        self.announcing = Announcing(self._standing, new_id, links)
        self._freight = Freight(new_id, read)
        self._leaving = False
        self._pruned_at = now.mono

    def restart(self, now: Instant) -> list[Effect]:
        """Tell the owners what the end of the last run has interrupted; nothing goes on, for nobody ran it."""
        return self._interrupt("interrupted", now)

    def leave(self, now: Instant) -> list[Effect]:
        """We end on purpose: not available, and what runs is given back."""
        self._leaving = True
        return [*self.announcing.leave(now), *self._interrupt("leaving", now)]

    def asked(self, event: Arrived, now: Instant) -> list[Effect]:
        """Somebody may need a worker."""
        if not self._rules.types:
            return []
        return self.announcing.asked(event.envelope.sender, event.link, event.envelope.at, now)

    def assigned(self, event: Arrived, assign: TaskAssign, now: Instant) -> list[Effect]:
        """Take a task, decline it, or answer with what came of it before."""
        sender, id_ = event.envelope.sender, job_id(assign.task, event.envelope.sender)
        if event.expired:
            return []
        job = self.jobs.get(id_)
        if job is None:
            job = Job(id_, assign.task, sender, 0, assign.type, now.ms, State.DECLINED)
        elif assign.n <= max(job.n, job.fenced):
            return self._again(job, assign)
        if job.state not in (State.RUNNING, State.DONE) and (why := self._refusal(assign, job)):
            self.jobs[id_] = replace(job, n=assign.n, state=State.DECLINED)
            return [decline(job, assign.n, why), Note("task declined", {"task": assign.task, "why": why})]
        return self._take(job, assign, now)

    def _again(self, job: Job, assign: TaskAssign) -> list[Effect]:
        """An assignment that we know, or one that is over."""
        told = job.state in (State.DONE, State.FAILED) and job.n == assign.n
        return [result_of(job)] if told else []

    def _take(self, job: Job, assign: TaskAssign, now: Instant) -> list[Effect]:
        ready = assign.blob is None
        if job.n == 0:
            job, effects = taken(job, assign, ready=ready, now=now)
            self.jobs[job.id] = job
        else:
            effects = self._advance(job, Assigned(assign, ready), now)
            job = self.jobs[job.id]
        if job.state is State.WAITING and job.blob is not None:
            effects += self._freight.open(job.id, "data", job.blob, job.task, job.owner, self._slow_s(job.owner), now)
            effects += self._data_here(job, now)
        return [*effects, *self._room(now), Refresh()]

    def _refusal(self, assign: TaskAssign, job: Job) -> str:
        others = [other for other in self.jobs.values() if other.active and other.id != job.id]
        alike = sum(1 for other in others if other.type == assign.type)
        if self._leaving:
            return "leaving"
        if assign.type not in self._rules.types:
            return "type"
        return "full" if len(others) >= self._rules.at_once or alike >= self._rules.types[assign.type] else ""

    def granted(self, event: Arrived, grant: TaskGrant, now: Instant) -> list[Effect]:
        """The owner lends us a task for another lease."""
        job = self._job_of(event, grant.task)
        return self._advance(job, Granted(grant.k), now) if job is not None and job.n == grant.n else []

    def cancelled(self, event: Arrived, cancel: TaskCancel | TaskSuperseded, now: Instant) -> list[Effect]:
        """The owner wants no more of it; if that came before the assignment, the assignment means nothing."""
        job = self._job_of(event, cancel.task)
        if job is None:
            id_, sender = job_id(cancel.task, event.envelope.sender), event.envelope.sender
            job = Job(id_, cancel.task, sender, cancel.n, "", now.ms, State.CANCELLED, fenced=cancel.n)
            self.jobs[id_] = job
            return [Keep("job", id_, job)]
        return self._advance(job, Cancelled(cancel.n), now) if cancel.n >= job.n else []

    def asked_for(self, event: Arrived, get: TaskGet) -> list[Effect]:
        """The owner of a task asks for pieces of its result."""
        job = self._job_of(event, get.task)
        if job is None or job.result_blob is None or get.side != "result":
            return []
        return [*self._freight.give(job.id, job.owner, get, job.result_blob)]

    def part(self, event: Arrived, part: TaskPart, now: Instant) -> list[Effect]:
        """A piece of a task's data came."""
        job = self._job_of(event, part.task)
        if job is None or job.state is not State.WAITING:
            return []
        effects = self._freight.take(job.id, job.task, job.owner, part, self._slow_s(job.owner), now)
        return [*effects, *self._data_here(job, now)]

    def _data_here(self, job: Job, now: Instant) -> list[Effect]:
        return self._advance(job, Ready(), now) if self._freight.complete(job.id) else []

    def ended(self, event: TaskEnded, now: Instant) -> list[Effect]:
        """What ran has come to an end."""
        job = self.jobs.get(event.job)
        if job is None or job.state is not State.RUNNING or job.run != event.run:
            return []
        ended, kept = _end_of(job, event.outcome)
        return [*kept, *self._advance(job, ended, now)]

    def progressed(self, event: TaskProgressed, now: Instant) -> list[Effect]:
        """Something that runs has got further; its owner learns it soon, or by mail with the next renewal."""
        job = self.jobs.get(event.job)
        if job is None or job.state is not State.RUNNING or job.run != event.run:
            return []
        done, text = max(0, min(1000, event.done)), clean(event.text)[:TEXT_LENGTH]
        if (done, text) == (job.done, job.text):
            return []
        self.jobs[job.id] = job = replace(job, done=done, text=text, news=True)
        return self._advance(job, Due(), now) if renew_at(job) <= now.mono else wakes(job, now)

    def load(self, event: LoadKnown) -> list[Effect]:
        """How busy this computer is; told with the next lease."""
        self._standing.load = max(0, min(100, event.percent))
        return []

    def ledger_grew(self, member: Callable[[str], object | None], now: Instant) -> list[Effect]:
        """Members may have gone: nobody wants what they had asked for."""
        gone = [job for job in self.jobs.values() if job.active and member(job.owner) is None]
        return [effect for job in gone for effect in self._advance(job, Cancelled(job.n), now)]

    def woke(self, now: Instant) -> list[Effect]:
        """Stop what was not granted in time, renew what is due."""
        effects: list[Effect] = []
        for job in [job for job in self.jobs.values() if job.active]:
            if job.lent.passed(now) >= job.stop_s:
                effects += self._advance(job, Stale(), now)
            elif renew_at(job) <= now.mono:
                effects += self._advance(job, Due(), now)
            else:
                effects += wakes(job, now)
        effects += [*self._freight.woke(now), *self.announcing.woke(now)]
        return [*effects, *self._prune(now)]

    def _advance(self, job: Job, event: object, now: Instant) -> list[Effect]:
        after, effects = advance(job, event, now)
        self.jobs[job.id] = after
        if after.state is job.state:
            return effects
        if after.state is not State.RUNNING and job.blob is not None:
            given_back = after.state in (State.DECLINED, State.FAILED)  # it may come again
            effects += self._freight.close(job.id, keep=given_back)
            effects += [] if given_back else forget_all(job.id, "data", job.blob)
        return [*effects, *self._room(now), Refresh()]

    def _room(self, now: Instant) -> list[Effect]:
        """How much room there is, told if that makes a difference."""
        active = sum(1 for job in self.jobs.values() if job.active)
        self._standing.free = 0 if self._leaving else max(0, self._rules.at_once - active)
        return [*self.announcing.changed(now)]

    def _interrupt(self, code: str, now: Instant) -> list[Effect]:
        active = [job for job in self.jobs.values() if job.active]
        return [effect for job in active for effect in self._advance(job, Interrupted(code), now)]

    def _job_of(self, event: Arrived, task: str) -> Job | None:
        """Return the job of a task of the station that speaks: nobody reaches those of others."""
        return self.jobs.get(job_id(task, event.envelope.sender))

    def _prune(self, now: Instant) -> list[Effect]:
        if now.mono < self._pruned_at + PRUNE_S:
            return [WakeAt(self._pruned_at + PRUNE_S)]
        self._pruned_at = now.mono
        ended = sorted((job for job in self.jobs.values() if not job.active), key=lambda job: job.at, reverse=True)
        small, large = (len(job.result) for job in ended), (_large(job) for job in ended)
        stay = min(newest(small, MOST_SMALL_BYTES), newest(large, MOST_LARGE_BYTES))
        old = [job for i, job in enumerate(ended) if i >= stay or job.at + REMEMBER_MS < now.ms]
        effects = [effect for job in old for effect in self._forget(job)]
        given_back = [job for job in self.jobs.values() if not job.active and job.blob is not None]
        return [*effects, *(effect for job in given_back if job.at + DATA_MS < now.ms for effect in self._empty(job))]

    def _empty(self, job: Job) -> list[Effect]:
        """Let the large data of a job go that was given back: it has not come again."""
        assert job.blob is not None
        self.jobs[job.id] = emptied = replace(job, blob=None)
        return [Keep("job", job.id, emptied), *forget_all(job.id, "data", job.blob)]

    def _forget(self, job: Job) -> list[Effect]:
        del self.jobs[job.id]
        effects: list[Effect] = [Keep("job", job.id, None)]
        effects += forget_all(job.id, "data", job.blob) if job.blob else []
        return [*effects, *(forget_all(job.id, "result", job.result_blob) if job.result_blob else [])]


def job_id(task: str, owner: str) -> str:
    """Return the name of a task here: two owners may not reach each other's, even by the same id."""
    return f"{task}@{owner}"


def _large(job: Job) -> int:
    return job.result_blob.size if job.result_blob is not None else 0


def _end_of(job: Job, outcome: Outcome) -> tuple[Ended, list[Effect]]:
    """Return what came of it, as it goes to the owner, and what is to be kept of a large result."""
    if not outcome.ok:
        return Ended(ok=False, code=outcome.code or "exit", why=clean(outcome.why)[:WHY_LENGTH]), []
    if len(outcome.data) <= INLINE_BYTES:
        return Ended(ok=True, data=to_b64u(outcome.data)), []
    try:
        blob, kept = keep_all(job.id, "result", outcome.data)
    except TooMuch:
        return Ended(ok=False, code="output"), []
    return Ended(ok=True, blob=blob), [*kept]
