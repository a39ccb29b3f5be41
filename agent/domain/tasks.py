"""TASKS: what the station that asked for a task and the worker that does it say to each other, and a worker's lease."""

# W worker, O owner (who asked for the task), H hub. n is the fencing number: it grows with each assignment of a task,
# and what carries an old one changes nothing any more.
#
# W→O lease           {kid, skills, free, capacity, load, until, n, links}    I am available; the highest n counts
# O→W lease.ask       {}                    I may need a worker within the next hour: tell me how you stand
# O→W task.assign     {task, n, type, data | blob, once, lease_ms, until}
# W→O task.accept     {task, n}             or task.decline {task, n, why}: it has not begun
# O→W task.grant      {task, n, k}          k = 0 answers the accept, k > 0 the renewal k: go on
# W→O task.renew      {task, n, k, done, text}           each third of the lease
# W→O task.result     {task, n, ok, data | blob, code, why}
# O→W task.cancel     {task, n}             stop; n and whatever is below it is over
# O→W task.superseded {task, n}             your n is over, somebody else has it or the task has ended
# O→H task.news       {task, n, type, state, worker, code}      what is new, what has ended and how
#
# Data and results are bytes, base64url, for nobody between two programs shall read or reform them. What is larger
# than INLINE_BYTES is a blob: cut into pieces of PIECE_BYTES with a list of their hashes, itself cut the same way.
#
# task.get  {task, side, list, parts: [[from, to], …]}   either to the other: send me these pieces, and the list or not
# task.part {task, side, list, i, part}                  one piece of the content, or of the list

from typing import Annotated, Literal

from msgspec import Meta, Struct

from agent.domain.envelope import Id, Millis, Name
from agent.domain.messages import Count, HashText, Parameters, RefusalCode, ShortText

MIB = 1024 * 1024
INLINE_BYTES = 10_800
PIECE_BYTES = 10_800
"""Bytes that fit into one message, with room for the envelope around them."""
MOST_BYTES = 12 * MIB
"""The largest data or result of a task."""
MOST_PIECES = -(-MOST_BYTES // PIECE_BYTES)
MOST_LEASE_MS = 6 * 60 * 60_000

Fence = Annotated[int, Meta(ge=1, le=1_000_000)]
Encoded = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]*\Z", max_length=INLINE_BYTES * 4 // 3)]
LeaseMs = Annotated[int, Meta(ge=1000, le=MOST_LEASE_MS)]
Room = Annotated[int, Meta(ge=0, le=1000)]
Kid = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]{22}\Z")]
Code = Annotated[str, Meta(pattern=r"\A[a-z-]{0,32}\Z")]
PieceNumber = Annotated[int, Meta(ge=0, lt=MOST_PIECES)]
Side = Literal["data", "result"]


class Blob(Struct, frozen=True, forbid_unknown_fields=True):
    """Bytes that travel in pieces: how many, and the hash over the list of the hashes of the pieces."""

    size: Annotated[int, Meta(ge=1, le=MOST_BYTES)]
    root: HashText


class Lease(Parameters, frozen=True, kw_only=True):
    """A worker is available for tasks of the types `skills` until `until`, ms UTC; with `free` 0 it is not now.

    `load` is the computer's, percent; `kid` names the worker's key, which has to be the one in the ledger.
    """

    kid: Kid
    skills: Annotated[tuple[Name, ...], Meta(max_length=64)]
    free: Room
    capacity: Room
    load: Annotated[int, Meta(ge=0, le=100)]
    until: Millis
    n: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    links: Annotated[tuple[Name, ...], Meta(max_length=8)] = ()


class LeaseAsk(Parameters, frozen=True, kw_only=True):
    """Whoever hands tasks out asks a worker how it stands, and wants to know for the next hour."""


class TaskMessage(Parameters, frozen=True, kw_only=True):
    """What is about one assignment of one task."""

    task: Id
    n: Fence


class TaskAssign(TaskMessage, frozen=True, kw_only=True):
    """Do this until `until`, ms UTC; you have it for `lease_ms`, and again for as long with each grant.

    One that may be done `once` only begins with the first grant, any other with the accept.
    """

    type: Name
    lease_ms: LeaseMs
    until: Millis
    once: bool = False
    data: Encoded = ""
    blob: Blob | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for what would be two things at once."""
        if self.data and self.blob is not None:
            raise ValueError("either data or a blob")


class TaskAccept(TaskMessage, frozen=True, kw_only=True):
    """I shall do it."""


class TaskDecline(TaskMessage, frozen=True, kw_only=True):
    """I shall not, and have not begun."""

    why: RefusalCode


class TaskGrant(TaskMessage, frozen=True, kw_only=True):
    """It is yours for another lease, counted from when you sent what this answers."""

    k: Count


class TaskRenew(TaskMessage, frozen=True, kw_only=True):
    """I am still at it; `done` of 1000."""

    k: Annotated[int, Meta(ge=1, le=2**53 - 1)]
    done: Annotated[int, Meta(ge=0, le=1000)] = 0
    text: ShortText = ""


class TaskResult(TaskMessage, frozen=True, kw_only=True):
    """What came of it; `code` and `why` say why it failed, `why` in words of the program that ran."""

    ok: bool
    code: Code = ""
    why: Annotated[str, Meta(max_length=500)] = ""
    data: Encoded = ""
    blob: Blob | None = None

    def __post_init__(self) -> None:
        """Raise ValueError for what would be two things at once."""
        if self.data and self.blob is not None:
            raise ValueError("either data or a blob")


class TaskCancel(TaskMessage, frozen=True, kw_only=True):
    """Stop it; this n is over."""


class TaskSuperseded(TaskMessage, frozen=True, kw_only=True):
    """Too late: this n is over, or the task is."""


class TaskGet(Parameters, frozen=True, kw_only=True):
    """Send me pieces of the data or of the result; each of `parts` is a range, its end left out."""

    task: Id
    side: Side
    list: bool = False
    parts: Annotated[
        tuple[tuple[PieceNumber, Annotated[int, Meta(ge=1, le=MOST_PIECES)]], ...], Meta(max_length=64)
    ] = ()


class TaskPart(Parameters, frozen=True, kw_only=True):
    """One piece of the content or, with `list`, of the list of hashes."""

    task: Id
    side: Side
    list: bool = False
    i: PieceNumber
    part: Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_-]+\Z", max_length=PIECE_BYTES * 4 // 3)]


class TaskNews(Parameters, frozen=True, kw_only=True):
    """The hub's copy: a task is new, or has come to an end; nothing of what is in it."""

    task: Id
    n: Annotated[int, Meta(ge=0, le=1_000_000)]
    type: Name
    state: Literal["new", "held", "done", "failed", "cancelled"]
    worker: Annotated[str, Meta(max_length=32)] = ""
    code: Code = ""


TASKS: dict[str, type[Parameters]] = {
    "lease": Lease,
    "lease.ask": LeaseAsk,
    "task.assign": TaskAssign,
    "task.accept": TaskAccept,
    "task.decline": TaskDecline,
    "task.grant": TaskGrant,
    "task.renew": TaskRenew,
    "task.result": TaskResult,
    "task.cancel": TaskCancel,
    "task.superseded": TaskSuperseded,
    "task.get": TaskGet,
    "task.part": TaskPart,
    "task.news": TaskNews,
}
"""Every type of them."""

TYPE_OF = {schema: type_ for type_, schema in TASKS.items()}
"""The type of each kind of message about tasks."""
