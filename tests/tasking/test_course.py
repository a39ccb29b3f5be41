"""The tables of both machines are total; walks lead wherever they say and nowhere else, and keep before they act."""

from random import Random
from typing import Any

from agent.domain.effects import Keep, Post
from agent.domain.events import Instant
from agent.domain.keys import to_b64u
from agent.domain.task import RunTask
from agent.domain.tasks import Blob, TaskAssign, TaskResult
from agent.tasking import course, job, job_course
from agent.tasking import task as tasks
from agent.tasking.choice import Verdict
from agent.tasking.job import Job
from agent.tasking.job import State as JobState
from agent.tasking.task import ENDED, State, Task

ID = "0" * 32
BLOB = Blob(20_000, to_b64u(bytes(32)))
FAR = 2**50


def test_each_state_of_a_task_has_a_row_for_each_event() -> None:
    assert set(course.TABLE) == {(state, event) for state in State for event in course.EVENTS}


def test_each_state_of_a_job_has_a_row_for_each_event() -> None:
    assert set(job_course.TABLE) == {(state, event) for state in JobState for event in job_course.EVENTS}


def test_what_is_over_stays_over() -> None:
    assert all(course.TABLE[state, event].to == (state,) for state in ENDED for event in course.EVENTS)


def _task_event(random: Random, task: Task) -> object:
    result = TaskResult(
        task=ID,
        n=max(1, task.n),
        ok=random.random() < 0.4,
        code=random.choice(["exit", "output"]),
        blob=random.choice([None, BLOB]),
    )
    return random.choice(
        [
            tasks.Chosen(Verdict("ant"), 30_000, 10.0),
            tasks.Took(),
            tasks.Refused(random.choice(["full", "type"])),
            tasks.Alive(1, 500, ""),
            tasks.Finished(result),
            tasks.Collected(),
            tasks.Lapsed(),
            *random.choice([[], [], [tasks.Over(), tasks.Dropped()]]),
            tasks.Again(),
            tasks.Returned(),
            random.choice([tasks.Lapsed(), tasks.Lapsed(), tasks.Spoilt()]),
        ]
    )


def test_walks_of_a_task_lead_wherever_its_table_says_and_nowhere_else() -> None:
    promised = {(state, event, to) for (state, event), row in course.TABLE.items() for to in row.to}
    reached: set[Any] = set()
    for seed in range(1500):
        random = Random(seed)
        once = random.random() < 0.3
        task = Task(ID, "print", 0, FAR, once=once, tries=random.choice([1, 2, 3]))
        for _ in range(25):
            event = _task_event(random, task)
            after, effects = course.advance(task, event, Instant(1.0, 1))
            reached.add((task.state, type(event), after.state))
            kept = [at for at, effect in enumerate(effects) if isinstance(effect, Keep) and effect.kind == "task"]
            assert kept == ([0] if after.state is not task.state else kept)  # on disk before anybody hears of it
            assert after.n == task.n + (after.state is State.ASSIGNED and task.state is State.NEW)
            task = after
    assert sorted(map(str, reached - promised)) == []
    assert sorted(map(str, promised - reached)) == []


def _job_event(random: Random, one: Job) -> object:
    n = one.n + random.choice([0, 1])
    blob = random.choice([None, BLOB])
    assign = TaskAssign(
        task=ID, n=one.n + 1, type="print", lease_ms=30_000, until=FAR, once=random.random() < 0.5, blob=blob
    )
    return random.choice(
        [
            job.Assigned(assign, ready=blob is None),
            job.Granted(random.choice([0, one.k])),
            job.Ready(),
            job.Due(),
            job.Stale(),
            job.Ended(ok=random.random() < 0.5),
            job.Cancelled(n),
            job.Interrupted("leaving"),
        ]
    )


def test_walks_of_a_job_lead_wherever_its_table_says_and_nowhere_else() -> None:
    promised = {(state, event, to) for (state, event), row in job_course.TABLE.items() for to in row.to}
    reached: set[Any] = set()
    for seed in range(800):
        random = Random(seed)
        one = Job("j", ID, "office", 1, "print", 0, JobState.DECLINED)
        for step in range(25):
            now, event = Instant(float(step), step * 1000), _job_event(random, one)
            after, deeds = job_course.advance(one, event, now)
            reached.add((one.state, type(event), after.state))
            if any(isinstance(deed, RunTask) for deed in deeds):
                assert isinstance(deeds[0], Keep)  # that it was begun is on disk before it is
            if isinstance(event, job.Ended) and after.state is JobState.DONE and one.state is not JobState.DONE:
                assert [type(deed) for deed in deeds] == [Keep, Post]
            one = after
    assert sorted(map(str, reached - promised)) == []
    assert sorted(map(str, promised - reached)) == []
