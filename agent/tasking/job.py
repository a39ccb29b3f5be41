"""A task as the worker keeps it that does it, and what can happen to it.

WAITING    taken, and not begun: its data are on their way, or its owner has to grant it first
RUNNING    begun
DONE       the result is kept for 30 days, and is the answer if the task is assigned again
FAILED     it came to nothing here; assigned again, with a higher n, it is done anew
DECLINED   not taken, or given back before it was begun
CANCELLED  its owner wants no more of it; n and what is below it is over
"""

from enum import StrEnum

from msgspec import Struct, field

from agent.domain.events import Instant
from agent.domain.tasks import Blob, TaskAssign

STOP_AT = 0.8
"""The share of its lease after which a worker that was not granted another one stops."""


class State(StrEnum):
    """Where a job is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    DECLINED = "declined"
    CANCELLED = "cancelled"


ACTIVE = frozenset({State.WAITING, State.RUNNING})


class Moment(Struct, frozen=True):
    """When it was, by both clocks: one may stand while the computer sleeps, the other may be set."""

    mono: float
    ms: int

    def passed(self, now: Instant) -> float:
        """Return the seconds since then, by the clock that says more."""
        return max(now.mono - self.mono, (now.ms - self.ms) / 1000)


class Job(Struct, frozen=True):
    """One task of one owner. `run` is the n under which it was begun, `fenced` the highest n that was cancelled.

    `at` is when it was taken or done, `until` how long its owner wants it, ms UTC.

    `news` says that its owner does not know yet how far it is.

    `lent` is when we said what was granted last; `sent` holds when we said what may be granted still, by k.
    """

    id: str
    task: str
    owner: str
    n: int
    type: str
    at: int
    state: State = State.WAITING
    once: bool = False
    data: str = ""
    blob: Blob | None = None
    lease_ms: int = 1000
    until: int = 0
    run: int = 0
    fenced: int = 0
    granted: bool = False
    ready: bool = True
    ok: bool = False
    code: str = ""
    why: str = ""
    result: str = ""
    result_blob: Blob | None = None
    k: int = 0
    done: int = 0
    text: str = ""
    news: bool = False
    lent: Moment = Moment(0.0, 0)
    sent: dict[int, Moment] = field(default_factory=dict)

    @property
    def active(self) -> bool:
        """Whether it takes room here."""
        return self.state in ACTIVE

    @property
    def stop_s(self) -> float:
        """How many seconds after `lent` it is over."""
        return self.lease_ms / 1000 * STOP_AT


class Assigned(Struct, frozen=True):
    """The owner assigned the task to us, with a higher n than before."""

    assign: TaskAssign
    ready: bool


class Granted(Struct, frozen=True):
    """The owner has answered our word number k."""

    k: int


class Ready(Struct, frozen=True):
    """All its data are here."""


class Due(Struct, frozen=True):
    """It is time to renew."""


class Stale(Struct, frozen=True):
    """Too long without a grant."""


class Ended(Struct, frozen=True):
    """What ran has come to an end; a large result is kept as pieces already."""

    ok: bool
    code: str = ""
    why: str = ""
    data: str = ""
    blob: Blob | None = None


class Cancelled(Struct, frozen=True):
    """The owner wants this n no more."""

    n: int


class Interrupted(Struct, frozen=True):
    """This station was switched off, or is about to be; `code` says which."""

    code: str
