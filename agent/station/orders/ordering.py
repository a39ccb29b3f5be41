"""The shared list of orders at this station: changed here, merged from everywhere, pending until the hub has it."""

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from agent.domain import order as orders
from agent.domain.audience import EVERYBODY
from agent.domain.effects import Effect, Keep, Post, Refresh, Reply, Sound
from agent.domain.envelope import DAY_MS, QUIET, Envelope
from agent.domain.errors import BadInput, NmrError, NotAllowed
from agent.domain.events import GaveUp, Heard, Instant, OrderChanged, OrderDropped
from agent.domain.messages import OrderDelete, OrderPart, OrderPut, Stamp
from agent.domain.names import HUB
from agent.domain.order import Clock, Order
from agent.station.desk import Desk
from agent.station.orders.fetching import Fetching, still_coming
from agent.station.orders.fields import checked

FUTURE_MS = 120_000
SOUND_S = 2.0
"""New orders sound at most this often: a hundred at once are one piece of news."""


class Ordering:
    """All orders by uuid; `pending` are the changes of ours, by message id, that the hub does not have yet."""

    def __init__(
        self, desk: Desk, kept: Iterable[Order], pending: Mapping[str, str], fetching: Fetching, now: Instant
    ) -> None:
        self._desk, self._fetching = desk, fetching
        self.orders: dict[str, Order] = {order.uuid: order for order in kept}
        self.pending = dict(pending)
        self._made: dict[str, tuple[Order | None, Order]] = {}
        self._sounded: float | None = None
        self._clock = Clock(desk.station)
        for order in self.orders.values():
            self._clock = self._clock.saw(order.newest(), now.ms)

    def ready(self, now: Instant) -> bool:
        """Whether existing orders may be changed and paged for."""
        return self._fetching.ready(now)

    def changed(self, event: OrderChanged, now: Instant) -> list[Effect]:
        """A person made or changed an order here."""
        try:
            fields = checked(event.fields, create=event.create)
            before = self._new(event.uuid) if event.create else self._changeable(event.uuid, now)
            self._may("order.put", "You may not change orders")
        except NmrError as error:
            return _refused(event.ticket, error)
        if event.create:
            fields = {**fields, orders.CREATED: now.ms, orders.BY: self._desk.person(self._desk.station)}
            before = replace(before, kind=event.kind)
        stamp = self._stamp(now)
        stamped = {name: (value, stamp) for name, value in fields.items()}
        put = OrderPut(uuid=before.uuid, kind=before.kind, fields=stamped)
        return self._spread(put, event.ticket)

    def dropped(self, event: OrderDropped, now: Instant) -> list[Effect]:
        """A person deleted an order here."""
        try:
            before = self._changeable(event.uuid, now)
            self._may("order.delete", "You may not delete orders")
        except NmrError as error:
            return _refused(event.ticket, error)
        return self._spread(OrderDelete(uuid=before.uuid, stamp=self._stamp(now)), event.ticket)

    def arrived(self, envelope: Envelope, theirs: Order, now: Instant) -> list[Effect]:
        """A change came from another station; a new order sounds once."""
        newest = theirs.newest()
        if newest is None or newest[0] > max(now.ms, envelope.at) + FUTURE_MS:
            return []
        before = self.orders.get(theirs.uuid)
        merged = self._merge(theirs, now)
        if merged == before:
            return []
        fresh = before is None and merged.alive and bool(merged.title)
        return [Keep("order", merged.uuid, merged), Refresh(), *(self._sound(now) if fresh else [])]

    def part(self, envelope: Envelope, part: OrderPart, now: Instant) -> tuple[list[Effect], list[Order]]:
        """A part of the hub's list; returns the effects and the orders it brought."""
        brought = [self._merge(orders.to_order(item), now) for item in part.items]
        kept: list[Effect] = [Keep("order", merged.uuid, merged) for merged in brought]
        fetched = self._fetching.part(envelope, part, now)
        if part.lost is not None and any(isinstance(effect, Keep) for effect in fetched):  # it is complete
            fetched += self._give_back(part.lost)
        return [*kept, *fetched, Refresh()], brought

    def heard(self, event: Heard) -> list[Effect]:
        """The hub has stored a change of ours: it is shared."""
        if event.station != HUB or event.id not in self.pending:
            return []
        return self._settle(event.id)

    def gave_up(self, event: GaveUp) -> list[Effect]:
        """A change of ours will not be tried any more.

        One that could not even be saved never was. One that the hub did not take in a week is told again, as the
        order is now. Of any other nothing more can be said.
        """
        if event.station != HUB or event.id not in self.pending:
            return []
        order, made = self.orders.get(self.pending[event.id]), self._made.get(event.id)
        settled = self._settle(event.id)
        if event.why == "store" and made is not None and order is made[1]:
            self._undo(*made)
        if event.why == "expired" and order is not None:
            return [*settled, *self._again(order)]
        return settled

    def forget_old(self, now: Instant) -> list[Effect]:
        """Drop tombstones after a week."""
        old = orders.forget_old(self.orders.values(), now.sure_ms)
        for uuid in old:
            del self.orders[uuid]
        return [Keep("order", uuid, None) for uuid in old]

    def alive(self) -> list[Order]:
        """Return the orders people see."""
        return [order for order in self.orders.values() if order.alive]

    def _merge(self, theirs: Order, now: Instant) -> Order:
        merged = orders.merge(self.orders.get(theirs.uuid), orders.readable(theirs))
        self.orders[merged.uuid] = merged
        self._clock = self._clock.saw(theirs.newest(), now.ms)
        return merged

    def _spread(self, change: OrderPut | OrderDelete, ticket: int | None) -> list[Effect]:
        """Merge a change of ours, keep it, and tell everybody."""
        before = self.orders.get(change.uuid)
        merged = self.orders[change.uuid] = orders.merge(before, orders.to_order(change))
        post, reply = self._post(change), [] if ticket is None else [Reply(ticket, {"order": change.uuid})]
        self._made[post.id] = before, merged
        return [Keep("order", merged.uuid, merged), Keep("pending", post.id, merged.uuid), post, *reply, Refresh()]

    def _undo(self, before: Order | None, made: Order) -> None:
        if before is None:
            del self.orders[made.uuid]
        else:
            self.orders[made.uuid] = before

    def _give_back(self, lost: int) -> list[Effect]:
        """Tell the hub, which was set back to `lost`, ms, the orders that we changed last since then.

        A change may have come to it late: a day of them more does no harm.
        """
        newest = ((order, order.newest()) for order in self.orders.values())
        ours = [one for one, stamp in newest if stamp and stamp[2] == self._desk.station and stamp[0] > lost - DAY_MS]
        return [effect for order in ours for effect in self._again(order, (HUB,))]

    def _again(self, order: Order, recipients: tuple[str, ...] | None = None) -> list[Effect]:
        """Tell everybody all of an order, stamps as they are: who knows it better keeps what is newer."""
        changes: list[OrderPut | OrderDelete] = []
        if order.fields:
            changes.append(OrderPut(uuid=order.uuid, kind=order.kind, fields=dict(order.fields)))
        if order.dead is not None:
            changes.append(OrderDelete(uuid=order.uuid, stamp=order.dead))
        posts = [self._post(change, recipients) for change in changes]
        return [effect for post in posts for effect in (Keep("pending", post.id, order.uuid), post)]

    def _post(self, change: OrderPut | OrderDelete, recipients: tuple[str, ...] | None = None) -> Post:
        type_ = "order.put" if isinstance(change, OrderPut) else "order.delete"
        to = self._desk.recipients(EVERYBODY) if recipients is None else recipients
        post = Post(self._desk.new_id(), EVERYBODY, to, type_, change, prio=QUIET)
        self.pending[post.id] = change.uuid
        return post

    def _settle(self, post_id: str) -> list[Effect]:
        del self.pending[post_id]
        self._made.pop(post_id, None)
        return [Keep("pending", post_id, None), Refresh()]

    def _sound(self, now: Instant) -> list[Effect]:
        recent = self._sounded is not None and now.mono < self._sounded + SOUND_S
        if recent or not self._desk.habits.order_sound or self._desk.quiet(now.mono):
            return []
        self._sounded = now.mono
        return [Sound("order")]

    def _stamp(self, now: Instant) -> Stamp:
        self._clock, stamp = self._clock.tick(now.ms)
        return stamp

    def _may(self, type_: str, title: str) -> None:
        if not self._desk.may(type_, EVERYBODY):
            raise NotAllowed(title, "Ask your lead for the right")

    def _new(self, uuid: str) -> Order:
        """Return an order that does not exist yet (requirement N-52)."""
        if uuid in self.orders:
            raise BadInput("That order exists", "Change it instead", code="order-exists", field="order")
        while not uuid or uuid in self.orders:
            uuid = self._desk.new_id()
        return Order(uuid, "order")

    def _changeable(self, uuid: str, now: Instant) -> Order:
        order = self.orders.get(uuid)
        if order is None or not order.alive:
            raise BadInput("No such order", "It was deleted meanwhile", code="no-such-order", field="order")
        if not self.ready(now):
            raise still_coming()
        return order


def _refused(ticket: int | None, error: NmrError) -> list[Effect]:
    return [] if ticket is None else [Reply(ticket, error=error)]
