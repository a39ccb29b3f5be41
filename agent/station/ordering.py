"""The shared list of orders at this station: changed here, merged from everywhere, fetched from the hub at start.

After a start the hub is asked for what we miss. Until its answer is complete, or for two minutes, creating is
allowed and changing what exists is not (requirement N-44); a later reconnection asks again without that.
"""

from collections.abc import Mapping

from agent.domain import order as orders
from agent.domain.audience import EVERYBODY, THE_HUB
from agent.domain.effects import Effect, Keep, Post, Refresh, Reply, Sound, Tell, WakeAt
from agent.domain.envelope import WANT_NOTHING, Envelope
from agent.domain.errors import BadInput, NmrError, NotAllowed, TryLater
from agent.domain.events import Heard, Instant, OrderChanged, OrderDropped
from agent.domain.messages import FieldValue, OrderDelete, OrderList, OrderPart, OrderPut, Stamp
from agent.domain.names import HUB
from agent.domain.order import Clock, Order
from agent.station.desk import Desk

WINDOW_S = 120.0
PARTS_AGAIN_S = 5.0
FUTURE_MS = 120_000
LENGTHS = {orders.TITLE: 120, orders.SUBTITLE: 120}
FLAGS = (orders.FLAG_A, orders.FLAG_B)


class Ordering:
    """All orders by uuid, and how far the hub's list has come."""

    def __init__(self, desk: Desk, kept: list[Order], pending: dict[str, str], since: int) -> None:
        self._desk = desk
        self.orders: dict[str, Order] = {order.uuid: order for order in kept}
        self.pending = pending
        self.complete = False
        self.since = since
        self._clock = Clock(desk.station)
        self._asked: str | None = None
        self._parts: set[int] = set()
        self._wanted: int | None = None
        self._again_at: float | None = None
        self._window_ends: float | None = None
        for order in kept:
            self._clock = self._clock.saw(order.newest(), 1 << 52)

    def ready(self, now: Instant) -> bool:
        """Whether existing orders may be changed and paged for."""
        return self.complete or (self._window_ends is not None and now.mono >= self._window_ends)

    def connected(self, now: Instant) -> list[Effect]:
        """A link is up: ask the hub for what we miss."""
        if self._window_ends is None:
            self._window_ends = now.mono + WINDOW_S
        self._asked, self._parts, self._wanted = self._desk.new_id(), set(), None
        self._again_at = now.mono + PARTS_AGAIN_S
        waking = [WakeAt(self._again_at), WakeAt(self._window_ends)]
        return [self._ask(OrderList(since=self.since)), *waking, Refresh()]

    def changed(self, event: OrderChanged, now: Instant) -> list[Effect]:
        """A person made or changed an order here."""
        try:
            fields = _checked(event.fields, create=event.create)
            before = self._changeable(event.uuid, now) if not event.create else None
        except NmrError as error:
            return _refused(event.ticket, error)
        uuid = event.uuid or self._desk.new_id()
        if event.create:
            fields = {**fields, orders.CREATED: now.ms, orders.BY: self._desk.person(self._desk.station)}
        stamp = self._stamp(now)
        put = OrderPut(
            uuid=uuid,
            kind=before.kind if before else event.kind,
            fields={name: (value, stamp) for name, value in fields.items()},
        )
        if not self._desk.may("order.put", EVERYBODY):
            return _refused(event.ticket, NotAllowed("You may not change orders", "Ask your lead for the right"))
        return self._spread(put.uuid, orders.to_order(put), "order.put", put, event.ticket)

    def dropped(self, event: OrderDropped, now: Instant) -> list[Effect]:
        """A person deleted an order here."""
        try:
            self._changeable(event.uuid, now)
        except NmrError as error:
            return _refused(event.ticket, error)
        if not self._desk.may("order.delete", EVERYBODY):
            return _refused(event.ticket, NotAllowed("You may not delete orders", "Ask your lead for the right"))
        delete = OrderDelete(uuid=event.uuid, stamp=self._stamp(now))
        return self._spread(event.uuid, orders.to_order(delete), "order.delete", delete, event.ticket)

    def arrived(self, envelope: Envelope, theirs: Order, now: Instant) -> list[Effect]:
        """A change came from another station; a new order sounds once."""
        newest = theirs.newest()
        if newest is not None and newest[0] > max(now.ms, envelope.at) + FUTURE_MS:
            return []
        fresh = theirs.uuid not in self.orders
        merged = self._merge(theirs, now)
        sound = fresh and merged.alive and bool(merged.title) and self._desk.habits.order_sound
        noisy = sound and not self._desk.quiet(now.mono)
        return [Keep("order", merged.uuid, merged), Refresh(), *([Sound("order")] if noisy else [])]

    def part(self, envelope: Envelope, part: OrderPart, now: Instant) -> tuple[list[Effect], list[Order]]:
        """A part of the hub's list; returns the effects and the orders it brought."""
        brought = [orders.to_order(item) for item in part.items]
        effects: list[Effect] = []
        for theirs in brought:
            merged = self._merge(theirs, now)
            effects.append(Keep("order", merged.uuid, merged))
        if envelope.re == self._asked and envelope.sender == HUB:
            self._parts.add(part.i)
            self._wanted = part.n
            self._again_at = now.mono + PARTS_AGAIN_S
            effects += self._progress(part)
        return [*effects, Refresh()], [self.orders[theirs.uuid] for theirs in brought]

    def heard(self, event: Heard) -> list[Effect]:
        """The hub has stored a change of ours: it is shared."""
        if event.station != HUB or event.id not in self.pending:
            return []
        del self.pending[event.id]
        return [Keep("pending", event.id, None), Refresh()]

    def woke(self, now: Instant) -> list[Effect]:
        """Ask again for missing parts; end the window."""
        if self._asked is None:
            return []
        effects: list[Effect] = []
        if self._again_at is not None and now.mono >= self._again_at:
            self._again_at = now.mono + PARTS_AGAIN_S
            missing = tuple(i for i in range(self._wanted or 0) if i not in self._parts)
            effects += [self._ask(OrderList(since=self.since, parts=missing[:256])), WakeAt(self._again_at)]
        if self._window_ends is not None and now.mono >= self._window_ends and not self.complete:
            self._asked = None
            empty = [] if self._parts else [Tell("notice.no-orders")]
            effects += [*empty, Refresh()]
        return effects

    def forget_old(self, now: Instant) -> list[Effect]:
        """Drop tombstones after a week."""
        old = orders.forget_old(self.orders.values(), now.ms)
        for uuid in old:
            del self.orders[uuid]
        return [Keep("order", uuid, None) for uuid in old]

    def alive(self) -> list[Order]:
        """Return the orders people see."""
        return [order for order in self.orders.values() if order.alive]

    def _progress(self, part: OrderPart) -> list[Effect]:
        if len(self._parts) < part.n:
            return []
        self.complete, self._asked, self._again_at = True, None, None
        self.since = part.upto
        return [Keep("since", "orders", part.upto)]

    def _ask(self, ask: OrderList) -> Post:
        return Post(self._asked or "", THE_HUB, (HUB,), "order.list", ask, want=WANT_NOTHING)

    def _merge(self, theirs: Order, now: Instant) -> Order:
        merged = orders.merge(self.orders.get(theirs.uuid), theirs)
        self.orders[merged.uuid] = merged
        self._clock = self._clock.saw(theirs.newest(), now.ms)
        return merged

    def _spread(
        self, uuid: str, change: Order, type_: str, params: OrderPut | OrderDelete, ticket: int | None
    ) -> list[Effect]:
        merged = self.orders[uuid] = orders.merge(self.orders.get(uuid), change)
        post_id = self._desk.new_id()
        self.pending[post_id] = uuid
        post = Post(post_id, EVERYBODY, self._desk.recipients(EVERYBODY), type_, params)
        reply: list[Effect] = [] if ticket is None else [Reply(ticket, {"order": uuid})]
        return [Keep("order", uuid, merged), Keep("pending", post_id, uuid), post, *reply, Refresh()]

    def _stamp(self, now: Instant) -> Stamp:
        self._clock, stamp = self._clock.tick(now.ms)
        return stamp

    def _changeable(self, uuid: str, now: Instant) -> Order:
        order = self.orders.get(uuid)
        if order is None or not order.alive:
            raise BadInput("No such order", "It was deleted meanwhile", code="no-such-order", field="order")
        if not self.ready(now):
            raise TryLater(
                "The list is still coming", "Until it is complete only new orders can be made", code="syncing"
            )
        return order


def _checked(fields: Mapping[str, FieldValue], *, create: bool) -> dict[str, FieldValue]:
    """Return clean fields; raises BadInput that names the field (requirements N-50, N-51)."""
    unknown = set(fields) - {*LENGTHS, *FLAGS, orders.DONE}
    if unknown:
        raise BadInput("Unknown field", f"An order has no {', '.join(sorted(unknown))}", field=min(unknown))
    clean: dict[str, FieldValue] = {}
    for name, value in fields.items():
        clean[name] = _text(name, value) if name in LENGTHS else bool(value)
    if (create or orders.TITLE in fields) and not clean.get(orders.TITLE):
        raise BadInput("The title is missing", "Write what the order is called", code="title-missing", field="title")
    return clean


def _text(name: str, value: FieldValue) -> str:
    text = " ".join(str(value or "").split())
    if len(text) > LENGTHS[name]:
        raise BadInput("Too long", f"Write {LENGTHS[name]} characters at most", code=f"{name}-long", field=name)
    if not text.isprintable():
        raise BadInput("Unreadable characters", "Use letters, digits and signs", code=f"{name}-bad", field=name)
    return text


def _refused(ticket: int | None, error: NmrError) -> list[Effect]:
    return [] if ticket is None else [Reply(ticket, error=error)]
