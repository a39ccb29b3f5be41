"""Each rule of tasks taken out of the real machines, to show that what watches them can fail."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from agent.domain.effects import Effect, Keep
from agent.domain.events import Arrived, Instant
from agent.domain.tasks import TaskAssign
from agent.tasking import course, job, job_course, owner, worker
from agent.tasking.job import Job
from agent.tasking.job import State as JobState
from agent.tasking.task import State, Task
from agent.tasking.worker import Worker, job_id

Patch = pytest.MonkeyPatch


def no_fencing(patch: Patch) -> None:
    """The owner believes every worker that ever had the task."""
    patch.setattr(course, "is_current", lambda task, sender, n: not task.ended)


def no_dedupe(patch: Patch) -> None:
    """The worker takes each assignment for a new one."""
    assigned = Worker.assigned

    def forgetful(self: Worker, event: Arrived, assign: TaskAssign, now: Instant) -> list[Effect]:
        self.jobs.pop(job_id(assign.task, event.envelope.sender), None)
        return assigned(self, event, assign, now)

    patch.setattr(Worker, "assigned", forgetful)


def no_stop(patch: Patch) -> None:
    """The worker goes on for as long as it likes."""
    patch.setattr(job, "STOP_AT", 1000.0)


def forgets_results(patch: Patch) -> None:
    """The worker forgets a task as soon as it is done."""
    advance = Worker._advance

    def forgetful(self: Worker, before: Job, event: object, now: Instant) -> list[Effect]:
        deeds = advance(self, before, event, now)
        if self.jobs[before.id].state is JobState.DONE:
            del self.jobs[before.id]
        return deeds

    patch.setattr(Worker, "_advance", forgetful)


def assigns_unsaved(patch: Patch) -> None:
    """The owner sends an assignment whose number is not on its disk."""

    def careless(before: Task, event: object, now: Instant) -> tuple[Task, list[Effect]]:
        after, effects = course.advance(before, event, now)
        if after.state is State.ASSIGNED:
            effects = [effect for effect in effects if not isinstance(effect, Keep)]
        return after, effects

    patch.setattr(owner, "advance", careless)


def begins_ungranted(patch: Patch) -> None:
    """The worker begins at once with what may be done once only."""
    taken = job_course.taken

    def hasty(before: Job, assign: TaskAssign, **rest: Any) -> tuple[Job, list[Effect]]:
        return taken(before, _plain(assign), **rest)

    patch.setattr(worker, "taken", hasty)


def _plain(assign: TaskAssign) -> TaskAssign:
    return TaskAssign(
        task=assign.task, n=assign.n, type=assign.type, lease_ms=assign.lease_ms, until=assign.until, data=assign.data
    )


def reruns_once(patch: Patch) -> None:
    """The owner hands out again what may be done once only."""
    patch.setattr(Task, "begun_perhaps", property(lambda _: False))


WEAKENED: Mapping[str, tuple[Callable[[Patch], None], tuple[str, ...]]] = {
    "no fencing": (no_fencing, ("a result of a number that was fenced off", "somebody else's result")),
    "no dedupe": (no_dedupe, ("is run twice", "done again")),
    "no stop at 80 %": (no_stop, ("still at it",)),
    "forgets results": (forgets_results, ("done again", "is run twice")),
    "assigns unsaved": (assigns_unsaved, ("is run twice",)),
    "begins ungranted": (begins_ungranted, ("once only",)),
    "reruns once": (reruns_once, ("once only",)),
}
"""Each with what may be wrong then."""
