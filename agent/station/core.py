"""The station's decisions: an event and the time go in, effects come out; nothing else happens here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.domain.effects import Effect, Refresh, Reply, WakeAt
from agent.domain.errors import BadInput
from agent.domain.events import (
    AnswerGiven,
    Arrived,
    Event,
    GaveUp,
    Heard,
    Instant,
    Late,
    LinkChanged,
    OrderChanged,
    OrderDropped,
    PageAsked,
    Presented,
    QuietAsked,
    Seen,
    Sent,
    StrangerHeard,
    WithdrawAsked,
    Woke,
)
from agent.domain.ledger import Ledger
from agent.domain.messages import (
    LedgerPart,
    OrderDelete,
    OrderPart,
    OrderPut,
    PageAnswer,
    PageNew,
    PageWithdraw,
    Probe,
)
from agent.domain.names import HUB
from agent.domain.order import Order, to_order
from agent.domain.page import InPage, OutPage
from agent.station.desk import Desk, Habits
from agent.station.membership import Membership
from agent.station.ordering import Ordering
from agent.station.paging import Paging
from agent.station.reach import Reach
from agent.station.ringing import Ringing


@dataclass(slots=True)
class Kept:
    """What the last run left on disk, by kind; see the Keep effects of the parts."""

    pages_out: Sequence[OutPage] = ()
    pages_in: Sequence[InPage] = ()
    ends: Mapping[str, str] = field(default_factory=dict)
    orders: Sequence[Order] = ()
    pending: Mapping[str, str] = field(default_factory=dict)
    since: int = 0


class Core:
    """One station. `handle` is the whole interface; the parts are there to be looked at."""

    def __init__(
        self,
        *,
        station: str,
        ledger: Ledger,
        pin: tuple[int, bytes] | None,
        kept: Kept,
        habits: Habits,
        new_id: Callable[[], str],
        now: Instant,
    ) -> None:
        self.desk = desk = Desk(ledger.site, station, new_id, ledger, habits)
        self.paging = Paging(desk, list(kept.pages_out))
        self.ringing = Ringing(desk, list(kept.pages_in), dict(kept.ends), now)
        self.ordering = Ordering(desk, list(kept.orders), dict(kept.pending), kept.since)
        self.membership = Membership(desk, pin)
        self.reach = Reach(desk)
        self._on: dict[type, Callable[[Any, Instant], list[Effect]]] = {
            Arrived: self._arrived,
            Heard: self._heard,
            Sent: self.paging.sent,
            Late: self.paging.late,
            GaveUp: self.paging.gave_up,
            PageAsked: self._page,
            AnswerGiven: self.ringing.answer,
            WithdrawAsked: self.paging.withdraw,
            Presented: self.ringing.presented,
            Seen: self.ringing.seen,
            OrderChanged: self._order_changed,
            OrderDropped: self._order_dropped,
            QuietAsked: self._quiet,
            LinkChanged: self._link,
            StrangerHeard: lambda _, now: self.membership.ask(now),
            Woke: lambda _, now: self._woke(now),
        }
        self._from_anybody: dict[type, Callable[[Arrived, Instant], list[Effect]]] = {
            PageNew: self._page_new,
            PageAnswer: self._page_answer,
            PageWithdraw: self.ringing.withdrawn,
            OrderPut: self._order_arrived,
            OrderDelete: self._order_arrived,
        }
        self._from_hub: dict[type, Callable[[Arrived, Instant], list[Effect]]] = {
            OrderPart: self._order_part,
            LedgerPart: self._ledger_part,
            Probe: self._probe,
        }

    def start(self, now: Instant) -> list[Effect]:
        """What to do first: ring what a crash interrupted, then keep time."""
        return [*self.ringing.restart(), *self._woke(now)]

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        """Decide."""
        return self._on[type(event)](event, now)

    def _arrived(self, event: Arrived, now: Instant) -> list[Effect]:
        """A message for us: by its type, some only when the hub says so, others without effect here."""
        kind, from_hub = type(event.params), event.envelope.sender == HUB
        self.reach.heard_from(event.envelope.sender)
        decide = self._from_anybody.get(kind) or (self._from_hub.get(kind) if from_hub else None)
        effects = self.membership.noticed(event.envelope, now)
        return [*effects, *(decide(event, now) if decide else [])]

    def _heard(self, event: Heard, now: Instant) -> list[Effect]:
        self.reach.heard_from(event.station)
        return [*self.paging.heard(event, now), *self.ordering.heard(event)]

    def _page_new(self, event: Arrived, now: Instant) -> list[Effect]:
        page: PageNew = event.params  # type: ignore[assignment]  # the table pairs types with their methods
        order = self.ordering.orders.get(page.order.uuid) if page.order else None
        return self.ringing.arrived(event, page, order, now)

    def _page_answer(self, event: Arrived, _: Instant) -> list[Effect]:
        answer: PageAnswer = event.params  # type: ignore[assignment]  # as above
        return [*self.paging.answered(event, answer), *self.ringing.answered(event, answer)]

    def _order_arrived(self, event: Arrived, now: Instant) -> list[Effect]:
        theirs = to_order(event.params)
        return [*self.ordering.arrived(event.envelope, theirs, now), *self._order_known(theirs.uuid, now)]

    def _order_part(self, event: Arrived, now: Instant) -> list[Effect]:
        part: OrderPart = event.params  # type: ignore[assignment]  # as above
        effects, brought = self.ordering.part(event.envelope, part, now)
        return [*effects, *(effect for order in brought for effect in self.ringing.order_known(order, now))]

    def _ledger_part(self, event: Arrived, now: Instant) -> list[Effect]:
        part: LedgerPart = event.params  # type: ignore[assignment]  # as above
        return self.membership.entries(part.entries, more=part.more, now=now)

    def _probe(self, event: Arrived, now: Instant) -> list[Effect]:
        return self.reach.answered(event.params, now)  # type: ignore[arg-type]  # as above

    def _page(self, event: PageAsked, now: Instant) -> list[Effect]:
        return self.paging.asked(event, self.ordering.orders.get(event.order or ""), now)

    def _order_changed(self, event: OrderChanged, now: Instant) -> list[Effect]:
        effects = self.ordering.changed(event, now)
        return [*effects, *(self._ended(event.uuid) if event.fields.get("done") else [])]

    def _order_dropped(self, event: OrderDropped, now: Instant) -> list[Effect]:
        return [*self.ordering.dropped(event, now), *self._ended(event.uuid)]

    def _order_known(self, uuid: str, now: Instant) -> list[Effect]:
        order = self.ordering.orders.get(uuid)
        if order is None:
            return []
        return [*self.ringing.order_known(order, now), *(self._ended(uuid) if order.done or not order.alive else [])]

    def _ended(self, uuid: str) -> list[Effect]:
        """A finished or deleted order withdraws its pages, if it really is."""
        order = self.ordering.orders.get(uuid)
        return self.paging.order_ended(uuid) if order is not None and (order.done or not order.alive) else []

    def _link(self, event: LinkChanged, now: Instant) -> list[Effect]:
        was = self.reach.connected
        effects = self.reach.link(event, now)
        if event.state == "up" and not was:
            effects += [*self.membership.ask(now), *self.ordering.connected(now)]
        return effects

    def _woke(self, now: Instant) -> list[Effect]:
        if self.desk.quiet_until is not None and not self.desk.quiet(now.mono):
            self.desk.quiet_until = None
        return [*self.ringing.woke(now), *self.ordering.woke(now), *self.reach.woke(now), Refresh()]

    def _quiet(self, event: QuietAsked, now: Instant) -> list[Effect]:
        most = self.desk.habits.quiet_most_minutes
        if not 0 <= event.minutes <= most:
            error = BadInput("Not that long", f"At most {most} minutes are allowed here", field="minutes")
            return [] if event.ticket is None else [Reply(event.ticket, error=error)]
        until = now.mono + event.minutes * 60
        self.desk.quiet_until = until if event.minutes else None
        done: list[Effect] = [] if event.ticket is None else [Reply(event.ticket)]
        return [*done, *([WakeAt(until)] if event.minutes else []), Refresh()]
