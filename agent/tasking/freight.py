"""Pieces on their way between two stations: questions and answers, again when nothing came, and what was taken."""

from collections.abc import Callable
from dataclasses import dataclass

from agent.domain.audience import Audience
from agent.domain.effects import Effect, Post, WakeAt
from agent.domain.envelope import QUIET, WANT_NOTHING
from agent.domain.events import Instant
from agent.domain.messages import Parameters
from agent.domain.tasks import MOST_PIECES, TYPE_OF, Blob, Side, TaskGet, TaskPart
from agent.tasking.parts import WINDOW, Gathering, Read, answers, forget_all

AGAIN_S = 3.0
"""After so many seconds without a piece it is asked again."""


@dataclass(slots=True)
class Load:
    """One blob that is fetched; `again` is when it is asked for again, monotonic."""

    gathering: Gathering
    task: str
    sender: str
    slow_s: float
    again: float
    left: int


class Freight:
    """What this station fetches and gives, by job."""

    def __init__(self, new_id: Callable[[], str], read: Read) -> None:
        self._new_id, self._read = new_id, read
        self._loads: dict[str, Load] = {}

    def give(self, job: str, to: str, get: TaskGet, blob: Blob) -> list[Effect]:
        """Answer a question."""
        return [self._post(to, part) for part in answers(job, get, blob, self._read)]

    def open(
        self, job: str, side: Side, blob: Blob, task: str, sender: str, slow_s: float, now: Instant
    ) -> list[Effect]:
        """Begin to fetch what is missing of a blob; `slow_s` is how long an answer may take where that is long."""
        self._loads[job] = Load(Gathering(job, side, blob, self._read), task, sender, slow_s, 0.0, 0)
        return self._ask(self._loads[job], now)

    def take(self, job: str, task: str, sender: str, part: TaskPart, slow_s: float, now: Instant) -> list[Effect]:
        """Take a piece in; nothing comes back for what does not fit."""
        load = self._loads.get(job)
        if load is None or load.task != task or load.sender != sender or load.gathering.side != part.side:
            return []
        load.slow_s = slow_s
        load.again = now.mono + max(AGAIN_S, slow_s)
        effects, load.left = load.gathering.take(part), load.left - 1
        if load.left <= 0 and not load.gathering.complete:
            effects += self._ask(load, now)
        return effects

    def complete(self, job: str) -> bool:
        """Whether everything is here."""
        load = self._loads.get(job)
        return load is not None and load.gathering.complete

    def close(self, job: str, *, keep: bool) -> list[Effect]:
        """Fetch no more; without `keep` what came is forgotten."""
        load = self._loads.pop(job, None)
        return [] if keep or load is None else forget_all(job, load.gathering.side, load.gathering.blob)

    def woke(self, now: Instant) -> list[Effect]:
        """Ask again where nothing came."""
        effects: list[Effect] = []
        for load in self._loads.values():
            if not load.gathering.complete:
                effects += self._ask(load, now) if load.again <= now.mono else [WakeAt(load.again)]
        return effects

    def _ask(self, load: Load, now: Instant) -> list[Effect]:
        get = load.gathering.ask(load.task, MOST_PIECES if load.slow_s else WINDOW)
        if get is None:
            return []
        load.left = sum(end - begin for begin, end in get.parts)
        load.again = now.mono + max(AGAIN_S, load.slow_s)
        return [self._post(load.sender, get), WakeAt(load.again)]

    def _post(self, to: str, params: Parameters) -> Effect:
        type_ = TYPE_OF[type(params)]
        return Post(self._new_id(), Audience("station", to), (to,), type_, params, want=WANT_NOTHING, prio=QUIET)
