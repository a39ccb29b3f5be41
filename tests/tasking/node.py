"""One station of a simulated site: its disk outlives it, and it can be killed on either side of each commit."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec import json

from agent.domain.effects import Cancel, Keep, Post, WakeAt
from agent.domain.envelope import LIFE_MS
from agent.domain.events import Arrived, Instant, Woke
from agent.domain.keys import to_b64u
from agent.domain.task import RunTask, StopTask
from agent.tasking.core import Tasking
from agent.tasking.job import Job
from agent.tasking.owner import Owner
from agent.tasking.task import Task
from agent.tasking.worker import Rules, Worker
from agent.tasking.workers import Known, Workers

if TYPE_CHECKING:
    from tests.tasking.site import Site

START_MS = 1_800_000_000_000
T = TypeVar("T")
ANY = "*"
"""Any step at which something is committed."""


class Killed(Exception):
    """The station was killed where the test wanted it."""


@dataclass
class Disk:
    """What outlives a station: what it kept, what it still sends, which messages it knows and has not handled."""

    kept: dict[str, dict[str, bytes]] = field(default_factory=lambda: defaultdict(dict))
    outbox: dict[tuple[str, str], "Row"] = field(default_factory=dict)
    inbox: set[str] = field(default_factory=set)
    unhandled: dict[str, Arrived] = field(default_factory=dict)

    def values(self, kind: str, type_: type[T]) -> list[T]:
        """What was kept of a kind."""
        return [json.decode(body, type=type_) for body in self.kept[kind].values()]

    def keep(self, keep: Keep) -> None:
        """Write or delete."""
        if keep.value is None:
            self.kept[keep.kind].pop(keep.id, None)
        else:
            value = keep.value
            self.kept[keep.kind][keep.id] = value if isinstance(value, bytes) else json.encode(value)


@dataclass
class Row:
    """One message on its way to one station, until its receipt came."""

    post: Post
    at: float
    exp: float
    attempt: int = 0


@dataclass
class Running:
    """A program that runs on a worker."""

    run: int
    type: str
    ends: float
    data: bytes


class Node:
    """One station, alive or not."""

    def __init__(self, site: "Site", name: str, rules: Rules) -> None:
        self.site, self.name, self.rules = site, name, rules
        self.disk = Disk()
        self.up = False
        self.frozen: list[Callable[[], None]] | None = None
        self.frozen_at = 0.0
        self.offset = 0.0
        self.boots = 0
        self.running: dict[str, Running] = {}
        self.wake: float | None = None
        self.tasking: Tasking
        self.die_at: tuple[str, int] | None = None
        self.steps: list[str] = []

    @property
    def now(self) -> Instant:
        """The time here; the monotonic clock is another one after each start."""
        return Instant(self.site.time + self.offset, START_MS + round(self.site.time * 1000))

    def start(self) -> None:
        """Load what is on the disk and begin."""
        site, now = self.site, None
        self.boots += 1
        self.offset = site.random.uniform(0, 100_000)
        self.up, self.frozen, self.wake, self.running = True, None, None, {}
        now = self.now
        new_id, read = site.new_id, self.disk.kept["piece"].get
        workers = Workers(lambda: site.ledger, site.trip(self.name), new_id, self.disk.values("lease", Known), now)
        owner = Owner(new_id=new_id, workers=workers, kept=self.disk.values("task", Task), read=read, now=now)
        kid = to_b64u(site.ledger.members[self.name].kid)
        worker = Worker(
            rules=self.rules,
            kid=kid,
            new_id=new_id,
            links=lambda: (site.net[self.name].link,),
            slow_s=lambda _: 120.0 if site.net[self.name].link == "mail" else 0.0,
            kept=self.disk.values("job", Job),
            read=read,
            now=now,
        )
        self.tasking = Tasking(owner, worker, lambda: site.ledger)
        self.run(self.tasking.start(now), "start")
        for arrived in list(self.disk.unhandled.values()):
            if self.up:
                self.handle(arrived, arrived.envelope.id)
        for row in list(self.disk.outbox.values()):
            row.attempt = 0
            site.send(self, row)

    def kill(self) -> None:
        """End at once, with everything it runs."""
        self.up, self.wake, self.running, self.frozen = False, None, {}, None

    def freeze(self) -> None:
        """Stand still, as after SIGSTOP or a closed lid."""
        if self.up and self.frozen is None:
            self.frozen, self.frozen_at = [], self.site.time

    def thaw(self, *, asleep: bool) -> None:
        """Go on; a monotonic clock may have stood as well while the computer was `asleep`."""
        if self.frozen is None:
            return
        missed, self.frozen = self.frozen, None
        stood = self.site.time - self.frozen_at
        if asleep:
            self.offset -= stood
        for running in self.running.values():
            running.ends += stood
        for deed in missed:
            deed()
        if self.up:
            self.handle(Woke())

    def handle(self, event: object, arrived: str | None = None) -> None:
        """Decide and do, unless it is killed on the way."""
        if not self.up:
            return
        if self.frozen is not None:
            self.frozen.append(lambda: self.handle(event, arrived))
            return
        before = type(event.params if isinstance(event, Arrived) else event).__name__
        self.site.checker.handling(event)
        self.run(self.tasking.handle(event, self.now), before, arrived)

    def run(self, deeds: list[Any], step: str, arrived: str | None = None) -> None:
        """As the router does: at once what stands before the first Keep, the rest together with the commit."""
        try:
            self._run(deeds, step, arrived)
        except Killed:
            self.kill()

    def _run(self, deeds: list[Any], step: str, arrived: str | None) -> None:
        first = next((i for i, one in enumerate(deeds) if isinstance(one, Keep)), len(deeds))
        later = [one for i, one in enumerate(deeds) if i >= first or _is_durable(one)]
        writes = arrived is not None or any(map(_is_durable, later))
        if writes:
            self._step(f"{step}.before")
        for one in deeds[:first]:
            if not _is_durable(one):
                self._do(one)
        rows = self._commit(later, arrived)
        if writes:
            self._step(f"{step}.after")
        for one in later:
            if not _is_durable(one):
                self._do(one)
            for row in (row for row in rows if row.post is one):
                self.site.send(self, row)

    def _commit(self, deeds: list[Any], arrived: str | None) -> list[Row]:
        """Write all of it; the rows to be sent."""
        rows = []
        for one in deeds:
            if isinstance(one, Keep):
                self.site.checker.kept(one, self.name, self.site.time)
                self.disk.keep(one)
            elif _is_durable(one):
                rows.append(row := Row(one, self.site.time, self._ends(one)))
                self.disk.outbox |= {(one.id, to): row for to in one.recipients}
        if arrived:
            self.disk.unhandled.pop(arrived, None)
        return rows

    def _ends(self, post: Post) -> float:
        return self.site.time + min(post.life_ms or LIFE_MS[post.type], LIFE_MS[post.type]) / 1000

    def _step(self, step: str) -> None:
        self.steps.append(step)
        if self.die_at is not None and self.die_at[0] in (step, ANY):
            left = self.die_at[1] - 1
            self.die_at = (self.die_at[0], left) if left else None
            if not left:
                self.site.checker.died(self.name, self.site.time)
                raise Killed

    def _do(self, deed: Any) -> None:
        match deed:
            case Post():
                self.site.send(self, Row(deed, self.site.time, self._ends(deed)), once=True)
            case Cancel(id_):
                for key in [key for key in self.disk.outbox if key[0] == id_]:
                    del self.disk.outbox[key]
            case WakeAt(mono):
                self._wake_at(mono)
            case RunTask():
                self.site.begin(self, deed)
            case StopTask(job, run):
                if job in self.running and self.running[job].run == run:
                    del self.running[job]

    def _wake_at(self, mono: float) -> None:
        if self.wake is not None and self.wake <= mono:
            return
        self.wake, boot = mono, self.boots

        def woke() -> None:
            if self.boots == boot and self.wake == mono and self.up:
                self.wake = None
                self.handle(Woke())

        self.site.at(max(self.site.time, mono - self.offset) + 1e-6, woke)  # never a little too early, as a sum may be


def _is_durable(deed: object) -> bool:
    return isinstance(deed, Keep) or (isinstance(deed, Post) and deed.want > 0)
