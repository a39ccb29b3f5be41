"""The machines of both sides of tasks, with this station's store, ledger and links around them."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress

from agent.domain.asking import ASK
from agent.domain.effects import Effect, Refresh, Unnotify
from agent.domain.events import Instant
from agent.domain.keys import from_b64u, to_b64u
from agent.domain.ledger import Ledger, Member
from agent.domain.task import LoadKnown, Outcome, PutQuestion, RunTask, StopTask, TaskEnded, TaskEvent
from agent.routing import rows
from agent.routing.policy import MAIL
from agent.station.loading import value_of, values_of
from agent.station.reach import Reach
from agent.station.tasks.questions import Open, Questions
from agent.station.tasks.running import Running
from agent.system.config.schema import Config
from agent.system.ids import new_id
from agent.system.store import Store
from agent.system.task_types import allowed
from agent.tasking.choice import Verdict
from agent.tasking.core import Tasking
from agent.tasking.job import Job
from agent.tasking.owner import Owner
from agent.tasking.parts import KIND, read_back
from agent.tasking.task import Result, Task
from agent.tasking.worker import Rules, Worker
from agent.tasking.workers import Known, Workers
from agent.wire.keys import Identity

NEAR_S = 0.05
"""What a round trip over a fast link counts as where nobody measured it, seconds."""
LOAD_EVERY_S = 30.0


class Working:
    """`tell` hands an event to the agent, which asks `tasking` what to do about it; the others see TaskRoom."""

    def __init__(
        self,
        me: Identity,
        config: Config,
        address: str,
        store: Store,
        reach: Reach,
        ledger: Callable[[], Ledger],
        tell: Callable[[TaskEvent], None],
        show: Callable[[Effect], None],
        clock: Callable[[], Instant],
    ) -> None:
        self._ledger, self._reach, self._store, self._tell, self._show = ledger, reach, store, tell, show
        self._station, self._now, self.questions, now = me.station, clock, Questions(), clock()
        types = allowed(config.task, address) if config.worker.enabled else {}
        self._running, self._takes_tasks = Running(types, tell), config.worker.enabled
        self._load: asyncio.Task[None] | None = None
        skills = {name: one.at_once for name, one in types.items()} | {ASK: config.worker.at_once}
        rules = Rules(config.worker.at_once, skills if config.worker.enabled else {})
        workers = Workers(ledger, self._trip, new_id, values_of(store, "lease", Known).values(), now)
        owner = Owner(
            new_id=new_id, workers=workers, kept=values_of(store, "task", Task).values(), read=self._piece, now=now
        )
        worker = Worker(
            rules=rules,
            kid=to_b64u(me.kid),
            new_id=new_id,
            links=lambda: tuple(sorted(link.name for link in reach.links.values() if link.state == "up")),
            slow_s=lambda owner_: 0.0 if owner_ in reach.there else owner.trips.p95,
            kept=values_of(store, "job", Job).values(),
            read=self._piece,
            now=now,
        )
        self.tasking = Tasking(owner, worker, ledger)

    def start(self, now: Instant) -> list[Effect]:
        """Go on where the last run ended."""
        if self._takes_tasks and self._load is None:
            self._load = asyncio.create_task(self._watch_load(), name="load of this computer")
        return self.tasking.start(now)

    def run(self, task: RunTask) -> None:
        """Begin a task that is ours."""
        data = task.data if task.blob is None else read_back(task.job, "data", task.blob, self._piece)
        if data is None:
            self._tell(TaskEnded(task.job, task.run, Outcome(ok=False, code="data", why="its data are damaged")))
        elif task.type == ASK:
            self._put_before_the_person(task, data)
        else:
            self._running.begin(task, data)

    def stop(self, task: StopTask) -> None:
        """End it."""
        if self.questions.drop(task.job, task.run):
            self._taken_away(task.job)
        else:
            self._running.end(task)

    @property
    def me(self) -> Member | None:
        """This station as the ledger has it."""
        return self._ledger().member(self._station)

    def available(self) -> list[Known]:
        """The workers that have said that they are available."""
        return self.tasking.owner.workers.available(self._now())

    def choice(self, task: Task) -> Verdict:
        """Whom a task would go to now, and why."""
        return self.tasking.owner.choice(task, self._now())

    def answer(self, job: str, said: object) -> None:
        """A person answered a question; raises BadInput."""
        asked, outcome = self.questions.answer(job, said)
        self._taken_away(job)
        self._tell(TaskEnded(asked.job, asked.run, outcome))

    def result(self, task: str) -> bytes | None:
        """The result of a task of ours, as the worker's program wrote it; None if there is none."""
        found = value_of(self._store, "result", task, Result)
        if found is None:
            return None
        return from_b64u(found.data) if found.blob is None else read_back(task, "result", found.blob, self._piece)

    async def committed(self) -> None:
        """Return when everything that was decided so far is on the disk, or will not be."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def tell(_: object) -> None:
            if not done.done():
                done.set_result(None)

        self._store.submit(lambda _: None, tell, tell)
        await done

    async def settle(self) -> None:
        """End what runs."""
        if self._load is not None:
            self._load.cancel()
            with suppress(asyncio.CancelledError):
                await self._load
        await self._running.settle()

    def _put_before_the_person(self, task: RunTask, data: bytes) -> None:
        asked = self.questions.ask(task, data)
        if isinstance(asked, Open):
            self._show(PutQuestion(task.job, task.owner, asked.question.question, asked.question.choices))
            self._show(Refresh())
        else:
            self._tell(TaskEnded(task.job, task.run, asked))

    def _taken_away(self, job: str) -> None:
        self._show(Unnotify(job))
        self._show(Refresh())

    def _piece(self, key: str) -> bytes | None:
        found = self._store.read(rows.KEPT_ONE, (KIND, key))
        return bytes(found[0][0]) if found else None

    def _trip(self, station: str) -> float | None:
        """The round trip to a station over the best link that leads there; None without one."""
        if station in self._reach.there:
            return NEAR_S if self._reach.hub_rtt_ms is None else self._reach.hub_rtt_ms / 1000
        member, mail = self._ledger().member(station), self._reach.links.get(MAIL)
        by_mail = member is not None and member.mail and mail is not None and mail.state == "up"
        return self.tasking.owner.trips.p95 if by_mail else None

    async def _watch_load(self) -> None:
        """Know how busy this computer is, as a worker tells it."""
        if not hasattr(os, "getloadavg"):
            return  # Windows: every worker counts as equally busy
        while True:
            percent = round(100 * os.getloadavg()[0] / (os.cpu_count() or 1))
            self._tell(LoadKnown(min(100, percent)))
            await asyncio.sleep(LOAD_EVERY_S)
