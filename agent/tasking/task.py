"""A task as the station keeps it that asked for it, and what can happen to it."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from agent.domain.tasks import Blob, TaskResult
from agent.tasking.choice import Verdict


class State(StrEnum):
    """Where a task is."""

    NEW = "new"
    ASSIGNED = "assigned"
    ACCEPTED = "accepted"
    RUNNING = "running"
    COLLECTING = "collecting"
    HELD = "held"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({State.DONE, State.FAILED, State.CANCELLED})
WITH_WORKER = frozenset({State.ASSIGNED, State.ACCEPTED, State.RUNNING, State.COLLECTING})
"""States in which a deadline runs."""


class Shun(Struct, frozen=True):
    """Why a task does not go to a station, until when, ms UTC."""

    why: str
    until: int


class Task(Struct, frozen=True):
    """What was asked for and how far it is.

    `at` and `until` are ms UTC, `deadline` and `offered` monotonic seconds of this run; `lost` counts the workers that
    failed at it, `done` is of 1000.
    """

    id: str
    type: str
    at: int
    until: int
    role: str = ""
    once: bool = False
    tries: int = 3
    data: str = ""
    blob: Blob | None = None
    state: State = State.NEW
    n: int = 0
    worker: str = ""
    lease_ms: int = 0
    lost: int = 0
    shunned: Mapping[str, Shun] = field(default_factory=dict)
    choices: tuple[Verdict, ...] = ()
    code: str = ""
    why: str = ""
    result: Blob | None = None
    done: int = 0
    text: str = ""
    deadline: float | None = None
    offered: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether nothing more is expected."""
        return self.state in ENDED

    @property
    def begun_perhaps(self) -> bool:
        """Whether somebody may have begun a task that may be done once only."""
        return self.once and self.state is not State.ASSIGNED


class Result(Struct, frozen=True):
    """What a worker brought, kept once for each task, under its id; large ones as pieces named by `blob`."""

    task: str
    n: int
    worker: str
    data: str = ""
    blob: Blob | None = None


class Chosen(Struct, frozen=True):
    """A worker was chosen; it has `accept_s` seconds to answer and then the task for a lease."""

    verdict: Verdict
    lease_ms: int
    accept_s: float


class Took(Struct, frozen=True):
    """The worker has accepted."""


class Refused(Struct, frozen=True):
    """The worker has not begun and will not."""

    why: str


class Alive(Struct, frozen=True):
    """The worker's renewal number `k`."""

    k: int
    done: int
    text: str


class Finished(Struct, frozen=True):
    """The worker's result."""

    result: TaskResult


class Collected(Struct, frozen=True):
    """All pieces of the result are here."""


class Lapsed(Struct, frozen=True):
    """The deadline has passed, or the worker is no member any more."""

    why: str = "lost"


class Spoilt(Struct, frozen=True):
    """Its data are not whole on our own disk."""


class Returned(Struct, frozen=True):
    """The worker whose result was on its way is available again."""


class Over(Struct, frozen=True):
    """The task's own time is over."""


class Dropped(Struct, frozen=True):
    """Whoever asked for it takes it back."""


class Again(Struct, frozen=True):
    """A person decided that it shall be done again."""
