"""A site in one process: owner, workers and a network that loses, doubles, reorders and delays, on a clock of its own.

As in the router, what a decision keeps, what it sends with a receipt, and that the message it answers is handled are
committed together, or not at all. Everything that happens is told to the `Checker`.
"""

import heapq
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import count
from random import Random

from msgspec import to_builtins

from agent.domain.envelope import Envelope
from agent.domain.events import Arrived
from agent.domain.ledger import Ledger
from agent.domain.names import HUB
from agent.domain.task import Outcome, RunTask, TaskAsked, TaskEnded
from agent.domain.tasks import TaskPart
from agent.tasking.task import Task
from agent.tasking.worker import Rules
from agent.wire.frame import read_body
from agent.wire.strict_json import encode
from tests.tasking.checker import Checker, Wrong
from tests.tasking.node import START_MS, Node, Row, Running
from tests.walks.members import SITE, Members

REPEATS = (3.0, 10.0, 25.0, 55.0)


@dataclass
class Net:
    """How the network is: seconds of delay from `fast` to `slow`, the chances of loss and doubling."""

    fast: float = 0.005
    slow: float = 0.05
    loss: float = 0.0
    double: float = 0.0
    link: str = "mqtt"


class Site:
    """One owner "office", some workers and a hub that says nothing."""

    def __init__(
        self,
        seed: int = 0,
        workers: Mapping[str, Rules] | None = None,
        net: Net | None = None,
        seconds: tuple[float, float] = (0.5, 40.0),
        *,
        fails: float = 0.0,
        size: int = 40,
    ) -> None:
        self.random, self.time, self.fails, self.size = Random(seed), 0.0, fails, size
        self.seconds = seconds
        self._queue: list[tuple[float, int, Callable[[], None]]] = []
        self._count, self._ids = count(), count(1)
        workers = workers if workers is not None else dict.fromkeys(("ant", "bee"), Rules(2, {"print": 2}))
        self.ledger = ledger_of("office", *workers)
        self.net = {name: net or Net() for name in ("office", *workers)}
        self.cut: set[str] = set()
        self.checker = Checker(self)
        self.nodes = {"office": Node(self, "office", Rules(0, {}))}
        self.nodes |= {name: Node(self, name, rules) for name, rules in workers.items()}
        for node in self.nodes.values():
            node.start()

    @property
    def office(self) -> Node:
        """The station that asks for tasks."""
        return self.nodes["office"]

    @property
    def tasks(self) -> Mapping[str, Task]:
        """The tasks by id."""
        return self.office.tasking.owner.tasks

    def ask(self, **values: object) -> str:
        """Ask for a task at the office; its id."""
        before = set(self.tasks)
        self.office.handle(TaskAsked("print", **values))  # type: ignore[arg-type]  # names of its fields
        return next(iter(set(self.tasks) - before), "")

    def new_id(self) -> str:
        """The next id."""
        return f"{next(self._ids):032x}"

    def trip(self, name: str) -> Callable[[str], float | None]:
        """What this station knows of its ways."""
        return lambda other: {"mqtt": 0.01, "mail": 30.0}[
            "mail" if "mail" in (self.net[name].link, self.net[other].link) else "mqtt"
        ]

    def at(self, time: float, deed: Callable[[], None]) -> None:
        """Do this then."""
        heapq.heappush(self._queue, (time, next(self._count), deed))

    def after(self, seconds: float, deed: Callable[[], None]) -> None:
        """Do this later."""
        self.at(self.time + seconds, deed)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.time + seconds
        while self._queue and self._queue[0][0] <= end:
            self.time, _, deed = heapq.heappop(self._queue)
            deed()
            self.checker.look()
        self.time = end

    def until(self, holds: Callable[[], bool], seconds: float = 7200.0) -> float:
        """Let time pass until it holds; return how long that took. It is wrong if it never does."""
        begun, end = self.time, self.time + seconds
        while not holds():
            if not self._queue or self._queue[0][0] > end:
                raise Wrong("it never happened")
            self.time, _, deed = heapq.heappop(self._queue)
            deed()
            self.checker.look()
        return self.time - begun

    def send(self, node: Node, row: Row, *, once: bool = False) -> None:
        """Put a message on its way, and again until its receipt came."""
        boot = node.boots
        for to in row.post.recipients if once else [key[1] for key, one in node.disk.outbox.items() if one is row]:
            if to != HUB:
                self._carry(node.name, to, lambda to=to: self._deliver(node.name, to, row))  # type: ignore[misc]
            elif not once:
                node.disk.outbox.pop((row.post.id, HUB), None)
        if once:
            return
        pause = REPEATS[min(row.attempt, len(REPEATS) - 1)]
        row.attempt += 1

        def again() -> None:
            if node.up and node.boots == boot and row in node.disk.outbox.values():
                if row.exp <= self.time:
                    for key in [key for key, one in node.disk.outbox.items() if one is row]:
                        del node.disk.outbox[key]
                else:
                    self.send(node, row)

        self.after(pause if not self._mail(node.name, row.post.recipients[0]) else 300.0, again)

    def _mail(self, one: str, other: str) -> bool:
        return other != HUB and "mail" in (self.net[one].link, self.net[other].link)

    def _carry(self, sender: str, to: str, deliver: Callable[[], None]) -> None:
        mail = self._mail(sender, to)
        net = self.net[sender] if not mail or self.net[sender].link == "mail" else self.net[to]
        if not mail and (sender in self.cut or to in self.cut or self.random.random() < net.loss):
            return
        for _ in range(2 if self.random.random() < net.double else 1):
            self.after(self.random.uniform(net.fast, net.slow), lambda: self._hand_over(to, deliver, mail=mail))

    def _hand_over(self, to: str, deliver: Callable[[], None], *, mail: bool) -> None:
        node = self.nodes[to]
        if mail and (not node.up or to in self.cut):
            self.after(20.0, lambda: self._hand_over(to, deliver, mail=mail))
        elif node.up and node.frozen is not None:
            node.frozen.append(deliver)
        elif node.up:
            deliver()

    def _deliver(self, sender: str, to: str, row: Row) -> None:
        node, post = self.nodes[to], row.post
        if not node.up:
            return
        arrived = self._arrival(sender, to, row)
        if arrived is None:
            return
        if not post.want:
            node.handle(arrived)
            return
        self._carry(to, sender, lambda: self._receipt(sender, post.id, to))
        if post.id in node.disk.inbox:
            return
        node.disk.inbox.add(post.id)
        node.disk.unhandled[post.id] = arrived
        node.handle(arrived, post.id)
        if self.random.random() < self.net[to].double:
            node.handle(arrived)

    def _arrival(self, sender: str, to: str, row: Row) -> Arrived | None:
        """The message as its receiver reads it: written and read by the real schema."""
        post, now_ms = row.post, START_MS + round(self.time * 1000)
        exp = START_MS + round(row.exp * 1000)
        if exp <= now_ms:
            return None
        envelope = Envelope(
            v=1,
            site=SITE,
            id=post.id,
            sender=sender,
            to=post.to.to_wire(),
            type=post.type,
            at=START_MS + round(row.at * 1000),
            exp=exp,
            re=post.re,
            want=post.want,
            prio=post.prio,
            head=None,
            p={} if isinstance(post.params, TaskPart) else to_builtins(post.params),
        )
        link = "mail" if self._mail(sender, to) else "mqtt"
        if isinstance(post.params, TaskPart):
            return Arrived(envelope, post.params, link)  # there are many, and they are large
        read, params = read_body(encode(to_builtins(envelope)))
        return Arrived(read, params, link)

    def _receipt(self, sender: str, id_: str, to: str) -> None:
        self.nodes[sender].disk.outbox.pop((id_, to), None)

    def begin(self, node: Node, deed: RunTask) -> None:
        """Start a program."""
        self.checker.begun(node.name, deed, self.time)
        seconds = self.random.uniform(*self.seconds)
        running = Running(deed.run, deed.type, self.time + seconds, deed.data)
        node.running[deed.job] = running
        boot = node.boots

        def look() -> None:
            if node.boots != boot or node.running.get(deed.job) is not running:
                return
            if node.frozen is not None or running.ends > self.time:
                self.after(max(0.5, running.ends - self.time), look)
                return
            del node.running[deed.job]
            node.handle(TaskEnded(deed.job, deed.run, self.outcome(node.name, deed)))

        self.at(running.ends, look)

    def outcome(self, station: str, deed: RunTask) -> Outcome:
        """What a program brings: who it was, so that a result shows whose it is."""
        if self.random.random() < self.fails:
            return Outcome(ok=False, code="exit", why="it\tdid not")
        return Outcome(ok=True, data=f"{deed.job} {deed.run} {station} ".encode().ljust(self.size, b"."))


def running(site: Site, **values: object) -> tuple[str, str]:
    """A task that runs, and where."""
    id_ = site.ask(**{"data": b"x", **values})
    site.until(lambda: any(f"{id_}@office" in node.running for node in site.nodes.values()))
    site.run(1.0)
    return id_, site.tasks[id_].worker


_ledgers: dict[tuple[str, ...], Ledger] = {}


def ledger_of(owner: str, *workers: str) -> Ledger:
    """A real ledger: the owner is a lead, the others are workers."""
    if (owner, *workers) not in _ledgers:
        made = Members()
        made.add(owner, "lead")
        for worker in workers:
            made.add(worker, "worker")
        _ledgers[owner, *workers] = made.ledger
    return _ledgers[owner, *workers]
