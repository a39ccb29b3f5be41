"""One router with a real store and a link that records, for tests of the routing room."""

import asyncio
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from agent.domain.audience import Audience
from agent.domain.effects import Effect, Post
from agent.domain.envelope import Envelope
from agent.domain.events import Arrived, Event, Instant
from agent.domain.messages import PageNew, Parameters, Receipt, ReceiptItem
from agent.links.base import Delivery, LinkDown
from agent.routing import rows
from agent.routing.admission import Admission
from agent.routing.bucket import Buckets
from agent.routing.router import Router
from agent.routing.signing import Signing
from agent.system.store import Store, commit
from agent.wire.frame import read_body, take_apart
from agent.wire.seal import open_sealed
from tests.walks.members import NOW_MS, Members


def members() -> Members:
    """Anna at the front pages the kitchen and the bar."""
    made = Members()
    made.add("front", "front-desk")
    made.add("kitchen", "kitchen")
    made.add("bar", "kitchen")
    return made


class Session:
    """A link that takes everything, once `held_up` is set if there is one, until `broken` says otherwise."""

    rtt = 0.001

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.channels: list[str] = []
        self.broken: Exception | None = None
        self.held_up: asyncio.Event | None = None

    async def send(self, to: str, sealed: bytes, channel: str = "") -> None:
        if self.held_up is not None:
            await self.held_up.wait()
        if self.broken is not None:
            raise self.broken
        self.sent.append((to, sealed))
        self.channels.append(channel)

    def received(self) -> object:
        raise LinkDown


@dataclass
class Disk:
    """Commits, unless it is full; `log` is shared with whoever wants to know the order of things."""

    full: bool = False
    log: list[str] = field(default_factory=list)

    def commit(self, connection: sqlite3.Connection) -> None:
        if self.full:
            connection.execute("ROLLBACK")
            raise sqlite3.OperationalError("database or disk is full")
        commit(connection)
        self.log.append("commit")


class Place:
    """A station's routing room. What the core would hear is in `events`, what it would do besides in `done`."""

    def __init__(self, folder: Path, people: Members, station: str = "front") -> None:
        self.people, self.station, self.me = people, station, people.people[station]
        self.folder = folder / station
        self.folder.mkdir(parents=True, exist_ok=True)
        self.disk, self.session = Disk(), Session()
        self.events: list[Event] = []
        self.done: list[Effect] = []
        self.anchored, self.skew_ms, self.skew_s = True, 0, 0.0
        self.least = 0
        self.on_event: Callable[[Event], None] = lambda _: None
        self.on_effect: Callable[[Effect], None] = lambda _: None
        self._ids = count(1)
        self.open()

    def open(self) -> None:
        """Begin a run on the folder, as after a crash."""
        self.store = Store(self.folder / "test.db", rows.MIGRATIONS, commit=self.disk.commit)
        self.router = Router(
            me=self.me,
            store=self.store,
            admission=Admission(self.me, Buckets(1e6, 1e6)),
            ledger=lambda: self.people.ledger,
            now=self.now,
            new_id=self.new_id,
            handle=self._handle,
            perform=self._perform,
        )

    def crash(self) -> None:
        """End the run; what was not committed is gone."""
        self.router.stop()
        self.store.close()

    def now(self) -> Instant:
        mono = time.monotonic() + self.skew_s
        return Instant(mono, NOW_MS + self.skew_ms + round((mono % 1000) * 1000), self.anchored, self.least)

    def new_id(self) -> str:
        return f"{next(self._ids):030x}{self.station.encode()[0]:02x}"

    def up(self, name: str = "mqtt") -> None:
        self.router.opened(name, self.session)  # type: ignore[arg-type]  # sends only

    def post(self, to: Iterable[str] = ("kitchen",), type_: str = "page.new", **changes: object) -> Post:
        plain: dict[str, object] = {"params": PageNew(note="please"), "want": 2}
        return Post(self.new_id(), Audience("role", "kitchen"), tuple(to), type=type_, **(plain | changes))  # type: ignore[arg-type]  # spoiled on purpose

    def arrive(self, sender: "Place", post: Post, accepted: Callable[[], None] = lambda: None) -> None:
        """Let a message of another place come over the link."""
        self.router.arrived(Delivery("mqtt", sender.station, sender.container(post, self.station), accepted))

    def container(self, post: Post, to: str) -> bytes:
        signing = Signing(self.me, lambda: self.people.ledger, self.now)
        sealed = signing.sealed(to, signing.sign(post).frame)
        assert sealed is not None
        return sealed

    def sent(self) -> list[tuple[str, Envelope, Parameters]]:
        """What the link took: (recipient, envelope, parameters)."""
        return [(to, *self._read(to, sealed)) for to, sealed in self.session.sent]

    def types(self) -> list[tuple[str, str]]:
        return [(to, envelope.type) for to, envelope, _ in self.sent()]

    def receipts(self) -> list[tuple[str, str, str]]:
        """All receipts that left: (recipient, id, stage)."""
        found = [(to, params) for to, _, params in self.sent() if isinstance(params, Receipt)]
        return [(to, item.id, item.stage) for to, params in found for item in params.items]

    def arrived(self) -> list[str]:
        return [event.envelope.id for event in self.events if isinstance(event, Arrived)]

    def handled(self) -> dict[str, bool]:
        return {id_: bool(done) for id_, done in self.store.read("SELECT id, handled FROM inbox")}

    def _read(self, to: str, sealed: bytes) -> tuple[Envelope, Parameters]:
        return read_body(take_apart(open_sealed(sealed, self.people.people[to])).body)

    def _handle(self, event: Event) -> None:
        self.events.append(event)
        self.on_event(event)

    def _perform(self, effect: Effect) -> None:
        self.done.append(effect)
        self.on_effect(effect)


def receipt(id_: str, stage: str = "stored", why: str = "") -> Receipt:
    return Receipt(items=(ReceiptItem(id_, stage, why, NOW_MS),))  # type: ignore[arg-type]  # the test names stages


def play(scene: Callable[[], Awaitable[None]]) -> None:
    """Run a scene; what a callback raises unseen fails it as well."""

    async def watched() -> list[dict[str, object]]:
        unseen: list[dict[str, object]] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: unseen.append(context))
        await scene()
        return unseen

    assert asyncio.run(watched()) == []


async def soon(condition: Callable[[], object], within: float = 20.0) -> None:
    """Wait until a condition holds; raises TimeoutError."""
    async with asyncio.timeout(within):
        while not condition():
            await asyncio.sleep(0.002)
