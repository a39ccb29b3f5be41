"""Why a task came to nothing: each error has a code for programs and words for people.

TaskFailed          it has ended without a result
├── TaskCancelled   somebody took it back
TaskHeld            it may be done once only and was begun, perhaps: a person has to decide
TaskOpen            its result was not there in time; it goes on
AgentAway           the agent does not run, or did not come back
"""

from agent.domain.errors import NmrError, TryLater, Unavailable


class AgentAway(Unavailable):
    """The agent does not run, or went away and did not come back."""

    default_code = "agent-away"


class TaskFailed(NmrError):
    """The task has ended without a result: `code` says how, `why` is what the program at the worker said."""

    def __init__(self, task: str, type_: str, code: str, why: str = "") -> None:
        super().__init__(f"The task {type_} came to nothing ({code})", why, code=code)
        self.task, self.why = task, why


class TaskCancelled(TaskFailed):
    """Somebody took the task back."""


class TaskHeld(NmrError):
    """It may have been begun and may be done once only: `Task.again()` or `Task.cancel()`, or a result that is late."""

    exit_code = 75
    default_code = "held"

    def __init__(self, task: str, type_: str, worker: str) -> None:
        super().__init__(
            f"The task {type_} may have been begun by {worker}",
            f"It may be done once only, so decide: nmr task again {task}, or nmr task cancel {task}",
        )
        self.task, self.worker = task, worker


class TaskOpen(TryLater, TimeoutError):
    """The result was not there in time. The task goes on; `tasks.find(error.task)` waits for it again."""

    default_code = "task-open"

    def __init__(self, task: str, type_: str) -> None:
        super().__init__(f"The task {type_} has no result yet", f"It goes on: nmr task show {task}")
        self.task = task
