"""One computer in virtual time: a real core and a real outbox over a disk that outlives its crashes.

The router is stood in for by the few lines that its own tests prove: what is kept is committed before anything
behind it happens, rows are repeated until receipted, arrivals are stored once and receipted every time.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import TYPE_CHECKING

from msgspec import json
from msgspec.structs import replace

from agent.domain.effects import Acknowledge, Anchor, Cancel, Effect, Keep, Notify, Post, WakeAt
from agent.domain.envelope import LIFE_MS, URGENT, URGENT_LIFE_MS, WANT_STORED, Envelope
from agent.domain.events import Arrived, Event, GaveUp, Heard, Instant, Late, LinkChanged, Presented, Woke
from agent.domain.messages import Parameters, Receipt, ReceiptItem
from agent.domain.names import HUB
from agent.domain.order import Order, readable
from agent.hub.core import Core as HubCore
from agent.hub.core import Kept as HubKept
from agent.hub.history import Paged
from agent.hub.registry import Filed
from agent.routing import admission, rows
from agent.routing.outbox import Outbox, Row
from agent.routing.outgoing import BELIEVED_MS
from agent.routing.policy import LinkView
from agent.station.core import Core
from agent.station.desk import Habits
from agent.station.loading import kept_from
from agent.wire.frame import FrameRefused

if TYPE_CHECKING:
    from tests.walks.world import World

LINKS = (LinkView("memory", 0.0),)


class Crashed(Exception):
    """The computer lost its power at this very moment."""


@dataclass
class Disk:
    """What a crash leaves."""

    kept: dict[tuple[str, str], bytes] = field(default_factory=dict)
    frames: dict[str, tuple[Envelope, Parameters]] = field(default_factory=dict)
    outbox: dict[tuple[str, str], tuple[int, int, int]] = field(default_factory=dict)
    inbox: dict[str, tuple[str, str]] = field(default_factory=dict)
    unhandled: dict[str, tuple[Envelope, Parameters]] = field(default_factory=dict)

    def bodies(self, kind: str) -> Mapping[str, bytes]:
        return {id_: body for (kind_, id_), body in self.kept.items() if kind_ == kind}

    def open_at_hub(self) -> set[str]:
        return {id_ for id_, recipient in self.outbox if recipient == HUB}


class Node:
    """One station or the hub, with its disk; `core` and `outbox` are what a crash takes."""

    def __init__(self, world: "World", name: str) -> None:
        self.world, self.name, self.disk = world, name, Disk()
        self.online = False
        self.rings: Counter[str] = Counter()
        self.gaps: Counter[str] = Counter()
        self.skew_ms = self.runs = 0
        self._ids = count(1)
        self.boot()

    @property
    def is_hub(self) -> bool:
        return self.name == HUB

    @property
    def now(self) -> Instant:
        skew = 0 if self.anchored else self.skew_ms
        return Instant(self.world.mono, self.world.ms + skew, self.anchored)

    @property
    def hub_ms(self) -> int | None:
        """The hub's time, if we know it."""
        return self.now.ms if self.anchored else None

    def boot(self) -> None:
        """Begin a run."""
        self.crash_soon = False
        self.anchored = self.is_hub
        self.outbox = Outbox()
        self.todo: list[Event] = []
        self.wakes: list[float] = []
        self.gap: set[str] = set()
        self.unsure: set[str] = set()
        self.runs += 1
        for (id_, recipient), (prio, want, exp) in self.disk.outbox.items():
            self.outbox.add(Row(id_, recipient, prio, want, exp, posted=self.world.mono))
        self.core = self.make_core()
        self.run(self.core.start(self.now) if isinstance(self.core, Core) else [])
        for envelope, params in list(self.disk.unhandled.values()):
            expired = self.anchored and envelope.exp <= self.now.ms
            self.tell(Arrived(envelope, params, "memory", unverified=not self.anchored, expired=expired))
        if self.online:
            self.up()

    def make_core(self) -> Core | HubCore:
        members, now = self.world.members, self.now
        if self.is_hub:
            orders = [json.decode(body, type=Filed) for body in self.disk.bodies("order").values()]
            pages = [json.decode(body, type=Paged) for body in self.disk.bodies("page").values()]
            kept = HubKept(members.ledger, members.frames, orders, pages)
            return HubCore(kept=kept, new_id=self.new_id, now=now, chance=self.world.random.randbytes)
        return Core(
            station=self.name,
            ledger=members.ledger,
            pin=None,
            kept=kept_from(self.disk.bodies, self.disk.open_at_hub()),
            habits=Habits(per_minute=10_000),
            new_id=self.new_id,
            chance=Random(self.name).randbytes,
            now=now,
        )

    def crash(self, skew_ms: int = 0) -> None:
        """Lose the power and come back; a page that was shown and not yet reported may ring again."""
        self.gaps.update(self.gap)
        self.skew_ms = skew_ms
        self.boot()

    def up(self) -> None:
        self.online = True
        self.outbox.try_now(self.world.mono)
        self.tell(LinkChanged("memory", "up"))
        self.look()

    def down(self) -> None:
        self.online = False
        self.tell(LinkChanged("memory", "down"))

    def tell(self, event: Event) -> None:
        arrived = event.envelope.id if isinstance(event, Arrived) and rows.is_stored(event.envelope.type) else None
        try:
            self.run(self.core.handle(event, self.now), arrived)
        except Crashed:
            self.crash(self.skew_ms)

    def run(self, effects: Sequence[Effect], arrived: str | None = None) -> None:
        """What Router.run does, with a disk that commits at once, or a crash just before it does."""
        first = next((i for i, effect in enumerate(effects) if isinstance(effect, Keep)), len(effects))
        for effect in effects[:first]:
            if not _durable(effect):
                self.perform(effect)
        later = [effect for i, effect in enumerate(effects) if i >= first or _durable(effect)]
        if self.crash_soon and later:
            raise Crashed
        for effect in later:
            self.commit(effect)
        if arrived is not None and not self.rings_now(arrived, effects):
            self.disk.unhandled.pop(arrived, None)
        for effect in later:
            self.perform(effect)

    def rings_now(self, arrived: str, effects: Sequence[Effect]) -> bool:
        """Whether an arrival is a page that is being shown: it is handled when that was reported."""
        return any(isinstance(effect, Notify) and effect.page == arrived for effect in effects)

    def commit(self, effect: Effect) -> None:
        match effect:
            case Keep(kind, id_, None):
                self.disk.kept.pop((kind, id_), None)
            case Keep(kind, id_, value):
                self.disk.kept[kind, id_] = value if isinstance(value, bytes) else json.encode(value)
            case Acknowledge(id_, _, stage, why):
                self.disk.inbox[id_] = (stage, why)
                self.disk.unhandled.pop(id_, None)
            case Post(id_, want=want) if want:
                envelope = self.envelope(effect)
                self.disk.frames[id_] = (envelope, effect.params)
                for recipient in effect.recipients:
                    wants = min(want, WANT_STORED) if recipient == HUB else want
                    self.disk.outbox[id_, recipient] = (effect.prio, wants, envelope.exp)

    def perform(self, effect: Effect) -> None:
        match effect:
            case Post():
                self.post(effect)
            case Acknowledge(id_, sender, stage, why):
                self.receipt(sender, id_, stage, why)
            case Cancel(id_):
                self.close([(row.id, row.recipient) for row in self.outbox.drop(id_)])
            case Notify():
                self.notify(effect)
            case WakeAt(mono):
                self.wakes.append(mono)
            case Anchor():
                self.anchor()

    def post(self, post: Post) -> None:
        for recipient in post.recipients:
            if not post.want:
                self.world.send(self, recipient, self.envelope(post), post.params)
                continue
            prio, want, exp = self.disk.outbox[post.id, recipient]
            ends = self.world.mono + max(0, exp - self.now.ms) / 1000
            self.outbox.add(Row(post.id, recipient, prio, want, exp, posted=self.world.mono, ends=ends))
            if not self.anchored:
                self.unsure.add(post.id)
        self.look()

    def anchor(self) -> None:
        """The hub has told the time: what was signed by a clock that was wrong is signed again."""
        unsure, self.unsure = self.unsure, set()
        if self.anchored or abs(self.skew_ms) < BELIEVED_MS:
            unsure = set()
        self.anchored = True
        for id_ in unsure:
            envelope, params = self.disk.frames[id_]
            moved = replace(envelope, at=envelope.at - self.skew_ms, exp=envelope.exp - self.skew_ms)
            self.disk.frames[id_] = (moved, params)
            for (row, recipient), (prio, want, _) in list(self.disk.outbox.items()):
                if row == id_:
                    self.disk.outbox[id_, recipient] = (prio, want, moved.exp)
            self.outbox.move(id_, moved.exp, self.world.mono)

    def notify(self, effect: Notify) -> None:
        """Show a page if it is still open, and report that a moment later."""
        assert isinstance(self.core, Core)
        page = self.core.ringing.pages[effect.page]
        if page.open and not effect.again:
            self.rings[page.id] += 1
            self.gap.add(page.id)
        self.todo.append(Presented(page.id, ok=True, why="" if page.open else "over"))

    def receive(self, envelope: Envelope, params: Parameters) -> None:
        """What Incoming does."""
        now = self.now
        try:
            expired = admission._check_time(envelope, now)
        except FrameRefused:
            return
        arrived = Arrived(envelope, params, "memory", unverified=not now.anchored, expired=expired)
        if isinstance(params, Receipt):
            self.hear(params, envelope.sender)
        elif not rows.is_stored(envelope.type):
            self.tell(arrived)
        elif envelope.id in self.disk.inbox:
            self.receipt(envelope.sender, envelope.id, *self.disk.inbox[envelope.id])
        else:
            self.disk.inbox[envelope.id] = ("stored", "")
            self.disk.unhandled[envelope.id] = (envelope, params)
            self.receipt(envelope.sender, envelope.id, "stored", "")
            self.tell(arrived)

    def hear(self, receipt: Receipt, station: str) -> None:
        closed = [(item.id, station) for item in receipt.items if self.outbox.hear(item.id, station, item.stage)]
        for item in receipt.items:
            self.tell(Heard(item.id, station, item.stage, item.why, item.at, "memory"))
        self.close(closed)

    def receipt(self, to: str, id_: str, stage: str, why: str) -> None:
        params = Receipt(items=(ReceiptItem(id_, stage, why, self.now.ms),))  # type: ignore[arg-type]  # a stage
        envelope = self.envelope_of("receipt", self.new_id(), {"station": to}, self.now.ms, LIFE_MS["receipt"], None)
        self.world.send(self, to, envelope, params)

    def look(self) -> None:
        """What Outgoing._look does."""
        mono = self.world.mono
        for row in self.outbox.expired(mono, self.hub_ms or 0):
            self.tell(GaveUp(row.id, row.recipient, "expired"))
            self.close([(row.id, row.recipient)])
        for attempt in self.outbox.due(mono, LINKS if self.online else ()):
            self.world.send(self, attempt.row.recipient, *self.disk.frames[attempt.row.id])
        for row in self.outbox.newly_late(mono):
            self.tell(Late(row.id, row.recipient))

    def turn(self) -> None:
        """Do what is due at this moment."""
        self.look()
        todo, self.todo = self.todo, []
        run = self.runs
        for event in todo:
            self.tell(event)
            if self.runs != run:
                return  # it crashed; the next run has things of its own to do
            if isinstance(event, Presented):
                self.gap.discard(event.page)
        if any(at <= self.world.mono for at in self.wakes):
            self.wakes = [at for at in self.wakes if at > self.world.mono]
            self.tell(Woke())

    def next_turn(self) -> float:
        due = self.outbox.next_due()
        times = [*self.wakes, *([due] if due is not None else []), *([self.world.mono] if self.todo else [])]
        return max(min(times, default=1e18), self.world.mono)

    def close(self, pairs: Sequence[tuple[str, str]]) -> None:
        for pair in pairs:
            self.disk.outbox.pop(pair, None)

    def envelope(self, post: Post) -> Envelope:
        life = URGENT_LIFE_MS if post.prio == URGENT and post.type == "page.new" else LIFE_MS[post.type]
        at = self.now.ms if post.at is None else post.at
        return self.envelope_of(post.type, post.id, post.to.to_wire(), at, life, post)

    def envelope_of(
        self, type_: str, id_: str, to: dict[str, str | bool], at: int, life: int, post: Post | None
    ) -> Envelope:
        return Envelope(
            v=1,
            site="s1",
            id=id_,
            sender=self.name,
            to=to,
            type=type_,
            at=max(0, at),
            exp=max(0, at) + life,
            re=post.re if post else None,
            want=post.want if post else 0,
            prio=post.prio if post else 1,
            head=self.world.members.ledger.short_head(),
            p={},
        )

    def new_id(self) -> str:
        return f"{next(self._ids):024x}{self.name.encode().hex():0>8.8}"

    def orders(self) -> dict[str, Order]:
        """All orders that exist here, as a station shows them."""
        if isinstance(self.core, HubCore):
            return {uuid: readable(filed.order) for uuid, filed in self.core.registry._filed.items()}
        return dict(self.core.ordering.orders)


def _durable(effect: Effect) -> bool:
    return isinstance(effect, Keep | Acknowledge) or (isinstance(effect, Post) and effect.want != 0)
