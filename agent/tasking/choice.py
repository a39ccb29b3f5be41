"""Who gets a task: hard conditions first, then a score; every reason is kept, so that the choice can be told.

    score = 4 · free / capacity - 2 · load - log2(1 + round trip, s) - 3 · failure rate

Equal scores are settled by a hash of task and worker, so that equal workers get equal shares and two who look at the
same things see the same choice.
"""

from hashlib import sha256
from math import log2

from msgspec import Struct

from agent.domain.keys import pae

FREE, LOAD, DISTANCE, FAILURES = 4.0, 2.0, 1.0, 3.0
"""The weights."""

NO_MEMBER, NO_SKILL, NO_LEASE, NO_WAY, FULL = "no-member", "no-skill", "no-lease", "no-way", "full"
"""Why somebody cannot have a task; beside these, the reason for which they are shunned."""


class Candidate(Struct, frozen=True):
    """A worker as it stands now.

    `member` says that the ledger knows it as a worker of the role asked for, `load` is 0 to 1, `trip` the round trip
    in seconds or None where no link leads there. `shunned` says why this task does not go there for a while.
    """

    station: str
    skills: tuple[str, ...] = ()
    free: int = 0
    capacity: int = 1
    load: float = 0.0
    trip: float | None = None
    failures: float = 0.0
    member: bool = True
    leased: bool = True
    shunned: str = ""


class Judged(Struct, frozen=True):
    """What one worker was judged by: each part of the score as it counts, or why it was refused."""

    station: str
    refused: str = ""
    free: float = 0.0
    load: float = 0.0
    distance: float = 0.0
    failures: float = 0.0
    tie: int = 0

    @property
    def score(self) -> float:
        """The sum that decides."""
        return self.free - self.load - self.distance - self.failures


class Verdict(Struct, frozen=True):
    """Who was chosen, "" for nobody, and what everybody was judged by."""

    winner: str = ""
    judged: tuple[Judged, ...] = ()


def choose(task: str, type_: str, candidates: list[Candidate]) -> Verdict:
    """Return who gets the task, with all reasons, the best first."""
    judged = sorted((_judge(task, type_, one) for one in candidates), key=_rank)
    return Verdict(winner_of(judged), tuple(judged))


def winner_of(judged: list[Judged] | tuple[Judged, ...]) -> str:
    """Return who wins by these reasons alone, "" if nobody can."""
    fit = [one for one in judged if not one.refused]
    return min(fit, key=_rank).station if fit else ""


def _rank(one: Judged) -> tuple[bool, float, int, str]:
    return bool(one.refused), -one.score, -one.tie, one.station


def _judge(task: str, type_: str, one: Candidate) -> Judged:
    refused = _refusal(type_, one)
    if refused or one.trip is None:
        return Judged(one.station, refused)
    return Judged(
        one.station,
        free=round(FREE * one.free / one.capacity, 6),
        load=round(LOAD * one.load, 6),
        distance=round(DISTANCE * log2(1 + one.trip), 6),
        failures=round(FAILURES * one.failures, 6),
        tie=tie_of(task, one.station),
    )


def _refusal(type_: str, one: Candidate) -> str:
    conditions = (
        (one.member, NO_MEMBER),
        (one.leased, NO_LEASE),
        (type_ in one.skills, NO_SKILL),
        (one.trip is not None, NO_WAY),
        (one.free > 0 and one.capacity > 0, FULL),
        (not one.shunned, one.shunned),
    )
    return next((why for holds, why in conditions if not holds), "")


def tie_of(task: str, station: str) -> int:
    """Return the rendezvous hash of a task and a worker, 48 bits: the higher wins."""
    return int.from_bytes(sha256(pae("nmr1/choice", task, station)).digest()[:6], "big")
