"""The tasks this station asked for: each goes to the best worker, moves on when that one falls out, and ends.

Everything that decides about one task stands in the table of course.py; here are all of them together, the clock, the
choice of workers, and the check that a worker's word counts.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from agent.domain.effects import Effect, Keep, Refresh, Reply, Tell, Unnotify
from agent.domain.envelope import LIFE_MS
from agent.domain.errors import BadInput
from agent.domain.events import Arrived, GaveUp, Instant
from agent.domain.keys import to_b64u
from agent.domain.task import TaskAgain, TaskAsked, TaskDropped
from agent.domain.tasks import (
    INLINE_BYTES,
    MOST_BYTES,
    Lease,
    TaskAccept,
    TaskDecline,
    TaskGet,
    TaskMessage,
    TaskPart,
    TaskRenew,
    TaskResult,
)
from agent.tasking import course
from agent.tasking.book import Book
from agent.tasking.choice import Verdict, choose
from agent.tasking.course import advance
from agent.tasking.freight import Freight
from agent.tasking.paces import Paces
from agent.tasking.parts import Read, forget_all, keep_all, wanted
from agent.tasking.speech import assign_id, news, superseded
from agent.tasking.task import (
    WITH_WORKER,
    Again,
    Alive,
    Chosen,
    Collected,
    Dropped,
    Finished,
    Lapsed,
    Over,
    Refused,
    Returned,
    Spoilt,
    State,
    Task,
    Took,
)
from agent.tasking.trips import Trips
from agent.tasking.workers import Workers

MOST_LATE_S = 2 * 3600.0
"""A lease that seems to have been on its way for longer was written by a clock that is wrong."""
SHORT_ID = 8
"""So many letters of an id are enough for people; ids that were made at once begin alike."""
CALL_S, CALL_NOBODY_S = 20 * 60.0, 60.0
"""How often workers are asked how they stand while there are tasks, and while nobody can have one, seconds."""


class Owner:
    """The tasks by id. `read` finds a piece that was kept."""

    def __init__(
        self,
        *,
        new_id: Callable[[], str],
        workers: Workers,
        kept: Iterable[Task],
        read: Read,
        now: Instant,
        paces: Paces = Paces(),  # noqa: B008 - frozen
    ) -> None:
        self._new_id, self.workers, self._paces, self._read = new_id, workers, paces, read
        self.trips = Trips()
        self._book = Book(now)
        self._freight = Freight(new_id, read)
        for task in kept:
            self._book.put(self._taken_up(task, now))
        self._by_type: dict[type, Callable[[Task, Arrived, Any], object]] = {
            TaskAccept: lambda *_: Took(),
            TaskDecline: lambda _, __, decline: Refused(decline.why),
            TaskRenew: lambda _, __, renew: Alive(renew.k, renew.done, renew.text),
            TaskResult: lambda _, __, result: Finished(result),
        }

    @property
    def tasks(self) -> Mapping[str, Task]:
        """The tasks by id."""
        return self._book.tasks

    def _taken_up(self, task: Task, now: Instant) -> Task:
        """Set a kept task's times anew: monotonic seconds of another run mean nothing."""
        if task.state not in WITH_WORKER:
            return task
        accepted = task.state is not State.ASSIGNED
        lasts = task.lease_ms / 1000 if accepted else self._paces.answer_s(task.lease_ms, self.trips)
        return replace(task, deadline=now.mono + lasts, offered=now.mono)

    def restart(self, now: Instant) -> list[Effect]:
        """Go on where the last run ended."""
        return [
            *(effect for task in self._book.those(State.COLLECTING) for effect in self._collect(task, now)),
            *(_ask_a_person(task) for task in self._book.those(State.HELD)),
            *self.woke(now),
        ]

    def asked(self, event: TaskAsked, now: Instant) -> list[Effect]:
        """Take a task in; who does it is decided at once if anybody can."""
        if len(event.data) > MOST_BYTES:
            error = BadInput("Too much for a task", f"Data may have {MOST_BYTES} bytes", code="too-large", field="data")
            return [] if event.ticket is None else [Reply(event.ticket, error=error)]
        if event.id in self.tasks:
            return [] if event.ticket is None else [Reply(event.ticket, {"task": event.id})]
        id_, kept = event.id or self._new_id(), list[Effect]()
        life = min(event.life_ms, LIFE_MS["task.assign"])
        task = Task(id_, event.type, now.ms, now.ms + life, event.role, event.once, max(1, event.tries))
        if len(event.data) > INLINE_BYTES:
            blob, kept = keep_all(id_, "data", event.data)
            task = replace(task, blob=blob)
        else:
            task = replace(task, data=to_b64u(event.data))
        self._book.put(task)
        told: list[Effect] = [] if event.ticket is None else [Reply(event.ticket, {"task": id_})]
        first: list[Effect] = [*kept, Keep("task", id_, task), news(task), *told]
        return [*first, *self._offer(task, now), *self._call(now), Refresh(), *self._book.wakes(now)]

    def dropped(self, event: TaskDropped, now: Instant) -> list[Effect]:
        """Somebody here takes a task back."""
        return self._by_person(event.task, event.ticket, Dropped(), now)

    def again(self, event: TaskAgain, now: Instant) -> list[Effect]:
        """Somebody here wants a task done again that may have been begun."""
        return self._by_person(event.task, event.ticket, Again(), now)

    def _by_person(self, id_: str, ticket: int | None, event: object, now: Instant) -> list[Effect]:
        task, told = self.tasks.get(id_), list[Effect]()
        if task is None or task.ended:
            error = BadInput("No such task", "The task is over or was never there", code="no-such-task", field="task")
            return [] if ticket is None else [Reply(ticket, error=error)]
        if ticket is not None:
            told = [Reply(ticket)]
        return [*self._advance(task, event, now), *told, *self._book.wakes(now)]

    def leased(self, event: Arrived, lease: Lease, now: Instant) -> list[Effect]:
        """A worker says that it is available: what waits may go there."""
        if event.link == "mail":
            late_s = (now.ms - event.envelope.at) / 1000
            self.trips.at_least(2 * min(late_s, MOST_LATE_S))
        sender, before = event.envelope.sender, self.workers.available(now)
        effects = self.workers.heard(sender, lease, event.envelope.at, now)
        come = {known.station for known in self.workers.available(now)} - {known.station for known in before}
        for task in self._book.those(State.HELD):
            if task.worker in come:
                effects += self._advance(task, Returned(), now)
        return [*effects, *self._offer_all(now), *self._book.wakes(now)]

    def arrived(self, event: Arrived, message: TaskMessage, now: Instant) -> list[Effect]:
        """A worker's word about a task; only that of the one who has it, under its newest number, counts."""
        sender, task = event.envelope.sender, self.tasks.get(message.task)
        if event.link == "mail" and isinstance(message, TaskAccept):
            self.trips.answered(message.task, message.n, now.mono)
        if task is None or not course.is_current(task, sender, message.n):
            return self._too_late(task, sender, message)
        effects = self._advance(task, self._by_type[type(message)](task, event, message), now)
        return [*effects, *self._offer_all(now), *self._book.wakes(now)]

    def _too_late(self, task: Task | None, sender: str, message: TaskMessage) -> list[Effect]:
        """Nothing changes; whoever still works at it is told. The one whose result it is needs no word."""
        if isinstance(message, TaskDecline) or (task is not None and _won(task, sender, message.n)):
            return []
        return [superseded(message.task, sender, message.n)]

    def gave_up(self, event: GaveUp, now: Instant) -> list[Effect]:
        """An assignment could not be delivered: its number is as good as lost."""
        for task in self._book.those(State.ASSIGNED):
            if assign_id(task) == event.id and event.why != "expired":
                effects = self._advance(task, Lapsed("undeliverable"), now)
                return [*effects, *self._offer_all(now), *self._book.wakes(now)]
        return []

    def ledger_grew(self, now: Instant) -> list[Effect]:
        """Members may have gone: what they had goes to others at once."""
        gone = [task for task in self._book.with_worker() if not self.workers.is_worker(task.worker, task.role)]
        effects = [effect for task in gone for effect in self._advance(task, Lapsed("revoked"), now)]
        return [*effects, *self._offer_all(now), *self._book.wakes(now)]

    def asked_for(self, event: Arrived, get: TaskGet, now: Instant) -> list[Effect]:
        """Whoever has a task asks for pieces of its data; if one is not there any more, it can only fail."""
        task, sender = self.tasks.get(get.task), event.envelope.sender
        if task is None or task.blob is None or get.side != "data" or task.worker != sender or task.ended:
            return []
        given = self._freight.give(task.id, sender, get, task.blob)
        if len(given) == len(wanted(get, task.blob)):
            return given
        return [*self._advance(task, Spoilt(), now), *self._book.wakes(now)]

    def part(self, event: Arrived, part: TaskPart, now: Instant) -> list[Effect]:
        """A piece of a result came."""
        task = self.tasks.get(part.task)
        if task is None or task.state is not State.COLLECTING or event.envelope.sender != task.worker:
            return []
        effects = self._freight.take(
            task.id, task.id, task.worker, part, self._paces.slow_s(task.lease_ms, self.trips), now
        )
        if effects:
            task = replace(task, deadline=now.mono + task.lease_ms / 1000)
            self._book.put(task)
        if self._freight.complete(task.id):
            effects += self._advance(task, Collected(), now)
        return [*effects, *self._book.wakes(now)]

    def woke(self, now: Instant) -> list[Effect]:
        """Let go of workers that were not heard of in time, end what is over, offer what waits."""
        effects = self.workers.woke(now)
        for task in self._book.live():
            if task.until <= now.ms:
                effects += self._advance(task, Over(), now)
            elif task.deadline is not None and task.deadline <= now.mono:
                effects += self._advance(task, Lapsed(), now)
        effects += self._freight.woke(now)
        return [*effects, *self._offer_all(now), *self._book.prune(now), *self._book.wakes(now)]

    def _advance(self, task: Task, event: object, now: Instant) -> list[Effect]:
        after, effects = advance(task, event, now)
        self._book.put(after)
        if after.state is task.state:
            return [*effects, *([Refresh()] if after != task else [])]
        self._judge(task, after)
        if after.state is State.COLLECTING:
            effects += self._collect(after, now)
        elif task.state is State.COLLECTING:
            effects += self._freight.close(task.id, keep=after.state in (State.DONE, State.HELD))
        if after.ended and task.blob is not None:
            effects += forget_all(task.id, "data", task.blob)
        if task.state is State.HELD and task.result is not None and after.state not in (State.COLLECTING, State.DONE):
            effects += forget_all(task.id, "result", task.result)
        return [*effects, *_for_people(task, after), Refresh()]

    def _judge(self, before: Task, after: Task) -> None:
        """Remember how well a worker does."""
        if after.state is State.DONE:
            self.workers.settled(before.worker, ok=True)
        elif after.lost > before.lost or after.state is State.HELD:
            self.workers.settled(before.worker, ok=False)

    def _collect(self, task: Task, now: Instant) -> list[Effect]:
        """Ask for the pieces of a result; after a restart only for those that are missing."""
        assert task.result is not None
        slow_s = self._paces.slow_s(task.lease_ms, self.trips)
        effects = self._freight.open(task.id, "result", task.result, task.id, task.worker, slow_s, now)
        return [*effects, *(self._advance(task, Collected(), now) if self._freight.complete(task.id) else [])]

    def _offer_all(self, now: Instant) -> list[Effect]:
        """Hand out what waits, the oldest first, as long as anybody has room."""
        effects, in_vain = list[Effect](), set[tuple[str, str]]()
        for task in self._book.those(State.NEW):
            if not self.workers.room(self._book.taken, now):
                break
            if task.until > now.ms and (task.type, task.role) not in in_vain:
                effects += (offered := self._offer(task, now))
                if not offered and not task.shunned:
                    in_vain.add((task.type, task.role))
        return [*effects, *self._call(now)]

    def _call(self, now: Instant) -> list[Effect]:
        """Hear from the workers as long as there is something for them."""
        if not self._book.busy:
            return []
        again_s = CALL_NOBODY_S if self._book.those(State.NEW) else CALL_S
        return self.workers.call(now, again_s)

    def _offer(self, task: Task, now: Instant) -> list[Effect]:
        verdict = self.choice(task, now)
        if not verdict.winner:
            return []
        lease_ms = self._paces.lease_ms(self.workers.trip(verdict.winner), self.trips)
        if not self._paces.is_fast(lease_ms):
            self.trips.begin(task.id, task.n + 1, now.mono)
        return self._advance(task, Chosen(verdict, lease_ms, self._paces.answer_s(lease_ms, self.trips)), now)

    def choice(self, task: Task, now: Instant) -> Verdict:
        """Return who would get a task now, and why."""
        shunned = {station: shun.why for station, shun in task.shunned.items() if shun.until > now.ms}
        return choose(task.id, task.type, self.workers.candidates(task.role, self._book.taken, shunned, now))


def _for_people(before: Task, after: Task) -> list[Effect]:
    """Return what whoever sits here hears of it: perhaps nobody waits for the task, but none fails in silence."""
    effects: list[Effect] = [Unnotify(before.id)] if before.state is State.HELD else []
    if after.state is State.HELD:
        effects.append(_ask_a_person(after))
    if after.state is State.FAILED:
        text = f"nmr task explain {after.id[-SHORT_ID:]}"
        effects.append(Tell("notice.task-failed", {"type": after.type, "text": text}, key="task-failed"))
    return effects


def _ask_a_person(task: Task) -> Effect:
    return Tell("notice.task-held", {"type": task.type, "station": task.worker}, key=task.id)


def _won(task: Task, sender: str, n: int) -> bool:
    return task.state is State.DONE and task.worker == sender and task.n == n
