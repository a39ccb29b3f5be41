"""The tasks of this station by their ids: which are open, who has how many of them, when the next thing is due."""

from agent.domain.effects import Effect, Keep, WakeAt
from agent.domain.events import Instant
from agent.tasking.keeping import MOST_LARGE_BYTES, PRUNE_S, REMEMBER_MS, newest
from agent.tasking.parts import forget_all
from agent.tasking.task import ENDED, WITH_WORKER, State, Task

LIVE = tuple(state for state in State if state not in ENDED)


class Book:
    """Open tasks are few, those that have ended are many: nothing that happens often looks at all of them."""

    def __init__(self, now: Instant) -> None:
        self.tasks: dict[str, Task] = {}
        self._open: set[str] = set()
        self._pruned_at = now.mono

    def put(self, task: Task) -> None:
        """Take a task in as it is now."""
        self.tasks[task.id] = task
        (self._open.discard if task.ended else self._open.add)(task.id)

    @property
    def busy(self) -> bool:
        """Whether any task has not ended."""
        return bool(self._open)

    def those(self, *states: State) -> list[Task]:
        """Return the tasks in these states, which are no ends, the oldest first."""
        those = [task for id_ in self._open if (task := self.tasks[id_]).state in states]
        return sorted(those, key=lambda task: (task.at, task.id))

    def with_worker(self) -> list[Task]:
        """Return the tasks that somebody has."""
        return self.those(*WITH_WORKER)

    def live(self) -> list[Task]:
        """Return the tasks that have not ended."""
        return self.those(*LIVE)

    def taken(self, station: str, since: float) -> int:
        """Return how many open tasks were offered to a station since then, monotonic, and are there."""
        tasks = (self.tasks[id_] for id_ in self._open)
        return sum(1 for task in tasks if task.worker == station and task.offered >= since)

    def wakes(self, now: Instant) -> list[Effect]:
        """Ask to be woken when the next thing is due; ends in ms are waited for with what is left of them."""
        open_ = self.live()
        times = [task.deadline for task in open_ if task.deadline is not None]
        times += [now.mono + max(0, task.until - now.ms) / 1000 for task in open_]
        for task in open_:
            if task.state is State.NEW:
                ends = [shun.until for shun in task.shunned.values() if shun.until > now.ms]
                times += [now.mono + (end - now.ms) / 1000 for end in ends]
        return [WakeAt(min(times))] if times else []

    def prune(self, now: Instant) -> list[Effect]:
        """Forget what is long over, now and then."""
        if now.mono < self._pruned_at + PRUNE_S:
            return []
        self._pruned_at = now.mono
        ended = sorted((task for task in self.tasks.values() if task.ended), key=lambda task: task.until, reverse=True)
        stay = newest((task.result.size if task.result else 0 for task in ended), MOST_LARGE_BYTES)
        old = [task for i, task in enumerate(ended) if i >= stay or task.until + REMEMBER_MS < now.ms]
        return [effect for task in old for effect in self._forget(task)]

    def _forget(self, task: Task) -> list[Effect]:
        del self.tasks[task.id]
        gone: list[Effect] = [Keep("task", task.id, None), Keep("result", task.id, None)]
        return [*gone, *(forget_all(task.id, "result", task.result) if task.result else [])]
