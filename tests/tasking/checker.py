"""What must hold whatever happens to a site, looked at after everything that happens."""

from collections import defaultdict
from typing import TYPE_CHECKING

from agent.domain.effects import Keep
from agent.domain.events import Arrived
from agent.domain.keys import from_b64u
from agent.domain.task import RunTask, TaskAgain
from agent.domain.tasks import TaskResult
from agent.tasking.job import Job
from agent.tasking.job import State as JobState
from agent.tasking.parts import read_back
from agent.tasking.task import Result, State, Task

if TYPE_CHECKING:
    from tests.tasking.site import Site


class Wrong(AssertionError):
    """A promise was broken."""


class Checker:
    """Watches one site.

    one result   a task has at most one stored result, and one that is done has exactly one, which stays
    fencing      what is stored came from the one who has the task, under the newest number
    one number   no number of a task is run twice, by nobody
    once         what may be done once only is begun once, and again only when a person says so
    no zombie    when the owner lets go of a worker that had taken a task, that worker has stopped
    memory       who has done a task does not do it again
    """

    def __init__(self, site: "Site") -> None:
        self._site = site
        self.starts: dict[str, list[tuple[int, str, float]]] = defaultdict(list)
        self.stored: dict[str, Result] = {}
        self.assigned: dict[str, list[tuple[int, str, float]]] = defaultdict(list)
        self.deaths: list[tuple[str, float]] = []
        self.again: dict[str, int] = defaultdict(int)
        self._done: set[tuple[str, str]] = set()
        self._before: dict[str, Task] = {}
        self._event: object = None

    def handling(self, event: object) -> None:
        """Remember what is answered now."""
        self._event = event
        if isinstance(event, TaskAgain):
            task = self._site.tasks.get(event.task)
            self.again[event.task] += task is not None and task.state is State.HELD

    def begun(self, station: str, deed: RunTask, time: float) -> None:
        """A program begins."""
        id_ = deed.job.partition("@")[0]
        task = self._before[id_]
        if any(run == deed.run for run, _, _ in self.starts[id_]):
            raise Wrong(f"number {deed.run} is run twice")
        if (id_, station) in self._done:
            raise Wrong("done again by who has done it")
        if task.once and len(self.starts[id_]) > self.again[id_]:
            raise Wrong("begun again though it may be done once only")
        self.starts[id_].append((deed.run, station, time))

    def died(self, station: str, time: float) -> None:
        """A station was killed."""
        self.deaths.append((station, time))

    def kept(self, keep: Keep, station: str, time: float) -> None:
        """Something is committed."""
        if keep.kind == "task" and isinstance(keep.value, Task):
            self._task(keep.value, time)
        elif keep.kind == "result" and isinstance(keep.value, Result):
            self._result(keep.value)
        elif keep.kind == "job" and isinstance(keep.value, Job) and keep.value.state is JobState.DONE:
            self._done.add((keep.value.task, station))

    def _task(self, task: Task, time: float) -> None:
        before = self._before.get(task.id)
        self._before[task.id] = task
        if before is None:
            return
        if before.ended and task != before:
            raise Wrong("a task that is over has changed")
        if task.n < before.n:
            raise Wrong("a number went back")
        if task.n > before.n:
            self.assigned[task.id].append((task.n, task.worker, time))
        if task.worker != before.worker or task.n > before.n:
            self._let_go(before)

    def _let_go(self, task: Task) -> None:
        """Of a task whose acceptance the owner knew, nothing may run there any more.

        A computer asleep runs nothing, and who was shown out of the site hears nothing.
        """
        node = self._site.nodes.get(task.worker)
        if task.state not in (State.ACCEPTED, State.RUNNING) or node is None or node.frozen is not None:
            return
        if f"{task.id}@office" in node.running and self._site.ledger.member(task.worker) is not None:
            raise Wrong("the worker it was taken from is still at it")

    def _result(self, result: Result) -> None:
        if result.task in self.stored:
            raise Wrong("two results")
        self.stored[result.task] = result
        task, event = self._before[result.task], self._event
        if isinstance(event, Arrived) and isinstance(event.params, TaskResult):
            newest = self.assigned[result.task][-1]
            if (event.params.n, event.envelope.sender) != newest[:2]:
                raise Wrong("a result of a number that was fenced off")
        kept = self._site.office.disk.kept["piece"]
        data = from_b64u(result.data) if result.blob is None else read_back(task.id, "result", result.blob, kept.get)
        if data is None:
            raise Wrong("a result with a hole in it")
        job, run, station = data.split(b" ")[:3]
        if (job.decode().partition("@")[0], station.decode()) != (task.id, result.worker):
            raise Wrong("somebody else's result")
        if (int(run), station.decode()) not in {(n, who) for n, who, _ in self.starts[result.task]}:
            raise Wrong("a result of nothing that ran")

    def look(self) -> None:
        """What holds at every moment."""
        for task in self._site.tasks.values() if self._site.office.up else ():
            if task.state is State.DONE and task.id not in self.stored:
                raise Wrong("done without a result")

    def settled(self) -> None:
        """Hold when everything has come to rest: each task has ended, or a person has to decide."""
        for task in self._site.tasks.values():
            if not task.ended and not (task.once and task.state is State.HELD):
                raise Wrong(f"left {task.state}")
            if (task.state is State.DONE) != (task.id in self.stored):
                raise Wrong("a result without an end, or an end without a result")

    def reassigned(self, task: str, death: float) -> float:
        """Return how long after a death somebody else had the task."""
        return min(time for _, _, time in self.assigned[task] if time > death) - death
