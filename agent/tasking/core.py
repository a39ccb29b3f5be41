"""Both sides of tasks at one station: an event and the time go in, deeds come out; nothing else happens here."""

from collections.abc import Callable, Mapping
from typing import Any

from agent.domain.effects import Effect
from agent.domain.events import Arrived, GaveUp, Instant, Woke
from agent.domain.ledger import Ledger
from agent.domain.task import (
    Leaving,
    LoadKnown,
    TaskAgain,
    TaskAsked,
    TaskDropped,
    TaskEnded,
    TaskProgressed,
)
from agent.domain.tasks import (
    Lease,
    LeaseAsk,
    TaskAccept,
    TaskAssign,
    TaskCancel,
    TaskDecline,
    TaskGet,
    TaskGrant,
    TaskPart,
    TaskRenew,
    TaskResult,
    TaskSuperseded,
)
from agent.tasking.owner import Owner
from agent.tasking.worker import Worker

Decision = Callable[[Any, Instant], list[Effect]]
Heard = Callable[[Arrived, Any, Instant], list[Effect]]


class Tasking:
    """What a station asked for and what it does for others."""

    def __init__(self, owner: Owner, worker: Worker, ledger: Callable[[], Ledger]) -> None:
        self.owner, self.worker, self._ledger = owner, worker, ledger
        self._on: Mapping[type, Decision] = {
            Arrived: self._arrived,
            GaveUp: owner.gave_up,
            TaskAsked: owner.asked,
            TaskDropped: owner.dropped,
            TaskAgain: owner.again,
            TaskEnded: worker.ended,
            TaskProgressed: worker.progressed,
            Leaving: lambda _, now: worker.leave(now),
            LoadKnown: lambda event, _: worker.load(event),
            Woke: lambda _, now: [*owner.woke(now), *worker.woke(now)],
        }
        self._heard: Mapping[type, Heard] = {
            Lease: owner.leased,
            LeaseAsk: lambda event, _, now: worker.asked(event, now),
            TaskAssign: worker.assigned,
            TaskGrant: worker.granted,
            TaskCancel: worker.cancelled,
            TaskSuperseded: worker.cancelled,
            **dict.fromkeys((TaskAccept, TaskDecline, TaskRenew, TaskResult), owner.arrived),
            TaskGet: self._asked_for,
            TaskPart: self._part,
        }

    def start(self, now: Instant) -> list[Effect]:
        """What to do first: go on where the last run ended, and keep time."""
        return [*self.owner.restart(now), *self.worker.restart(now), *self.worker.woke(now)]

    def handle(self, event: object, now: Instant) -> list[Effect]:
        """Decide; what does not concern tasks has no effect."""
        decide = self._on.get(type(event))
        return [*decide(event, now)] if decide else []

    def ledger_grew(self, now: Instant) -> list[Effect]:
        """Members may have gone."""
        return [*self.owner.ledger_grew(now), *self.worker.ledger_grew(self._ledger().member, now)]

    def _arrived(self, event: Arrived, now: Instant) -> list[Effect]:
        heard = self._heard.get(type(event.params))
        return [*heard(event, event.params, now)] if heard else []

    def _asked_for(self, event: Arrived, get: TaskGet, now: Instant) -> list[Effect]:
        """A worker asks for data, an owner for a result."""
        return self.owner.asked_for(event, get, now) if get.side == "data" else self.worker.asked_for(event, get)

    def _part(self, event: Arrived, part: TaskPart, now: Instant) -> list[Effect]:
        return [*(self.worker if part.side == "data" else self.owner).part(event, part, now)]
