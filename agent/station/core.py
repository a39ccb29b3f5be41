"""The station's decisions: an event and the time go in, effects come out; nothing else happens here."""

from collections.abc import Callable
from typing import Any

from agent.domain.effects import Effect, NotBefore, Note, Refresh, Tell
from agent.domain.events import (
    AnswerGiven,
    Arrived,
    ChannelOpen,
    Event,
    GaveUp,
    Heard,
    Instant,
    KeysRead,
    KeysSaved,
    Late,
    LinkChanged,
    NotSaved,
    OrderChanged,
    OrderDropped,
    PageAsked,
    PeersReached,
    PingAsked,
    Presented,
    QuietAsked,
    ResolveAsked,
    Seen,
    Sent,
    StrangerHeard,
    WithdrawAsked,
    Woke,
)
from agent.domain.heads import LedgerFork
from agent.domain.ledger import Ledger
from agent.domain.mail import NOWHERE, Mailbox
from agent.domain.messages import (
    AuthConfirm,
    AuthHello,
    ErrorNote,
    LedgerEntry,
    LedgerGet,
    LedgerHead,
    LedgerPart,
    OrderDelete,
    OrderList,
    OrderPart,
    OrderPut,
    PageAnswer,
    PageNew,
    PageWithdraw,
    Presence,
    Probe,
    PskFailed,
    PskHello,
    PskOffer,
    PskRequest,
    PskUse,
    Receipt,
)
from agent.domain.names import HUB
from agent.domain.order import to_order
from agent.station.desk import Desk, Habits
from agent.station.kept import Kept
from agent.station.ledger.beginning import Beginning
from agent.station.ledger.membership import Membership
from agent.station.mailing import Mailing
from agent.station.orders.fetching import Fetching, still_coming
from agent.station.orders.ordering import Ordering
from agent.station.pages import quiet
from agent.station.pages.answering import Answering
from agent.station.pages.ends import Ends
from agent.station.pages.paging import Paging
from agent.station.pages.ringing import Ringing
from agent.station.pages.tracking import Tracking
from agent.station.proof.appointments import Chance
from agent.station.proof.conversation import PROOFS
from agent.station.proof.proving import Proving
from agent.station.reach import Reach

TO_THE_HUB = (AuthConfirm, AuthHello, PskFailed, PskHello, PskOffer, PskRequest, PskUse)
NOT_OURS = (LedgerEntry, OrderList, Presence, Receipt, *TO_THE_HUB)
"""What a station has no use for: questions to the hub, what comes inside other messages, what the router hears."""

SAVING_S = 60.0
"""How often people are told that nothing can be saved, seconds."""


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
        chance: Chance,
        now: Instant,
        mailbox: Mailbox = NOWHERE,
        kid: bytes | None = None,
    ) -> None:
        self.desk = desk = Desk(ledger.site, station, new_id, ledger, habits, kid=kid)
        self.paging = Paging(desk, kept.pages_out, now)
        self.tracking = Tracking(desk, self.paging)
        self.fetching = Fetching(new_id, kept.since)
        self.ordering = Ordering(desk, kept.orders, kept.pending, self.fetching, now)
        self.ringing = Ringing(desk, kept.pages_in, Ends(kept.ends), self.ordering.orders.get, now)
        self.answering = Answering(desk, self.ringing)
        self.membership = Membership(desk, pin, kept.ledger)
        self.beginning = Beginning(desk, self.membership.ask)
        self.reach = Reach(desk)
        self.proving = Proving(desk, chance)
        self.mailing = Mailing(desk, mailbox)
        self._told_unsaved: float | None = None
        self._on: dict[type, Callable[[Any, Instant], list[Effect]]] = {
            Arrived: self._arrived,
            Heard: self._heard,
            Sent: lambda event, now: [*self.tracking.sent(event, now), *self.mailing.sent(event)],
            Late: self.tracking.late,
            GaveUp: self._gave_up,
            NotSaved: self._not_saved,
            PageAsked: self._page,
            AnswerGiven: self.answering.answer,
            WithdrawAsked: self.paging.withdraw,
            Presented: self.ringing.presented,
            Seen: self.answering.seen,
            OrderChanged: self._order_changed,
            OrderDropped: self._order_dropped,
            QuietAsked: lambda event, now: quiet.asked(desk, event, now),
            LinkChanged: self._link,
            PeersReached: lambda event, _: self.reach.reached(event),
            PingAsked: lambda event, _: self.reach.ping(event),
            KeysRead: self.proving.keys_read,
            KeysSaved: self.proving.keys_saved,
            ChannelOpen: self.proving.channel_open,
            ResolveAsked: self.membership.resolve,
            StrangerHeard: lambda _, now: self.membership.ask(now),
            Woke: lambda _, now: self._woke(now),
        }
        self._from_anybody: dict[type, Callable[[Arrived, Instant], list[Effect]]] = {
            PageNew: self._page_new,
            PageAnswer: self._page_answer,
            PageWithdraw: self._page_withdraw,
            OrderPut: self._order_arrived,
            OrderDelete: self._order_arrived,
            ErrorNote: self._not_understood,
            LedgerGet: self._ledger_get,
            LedgerPart: self._ledger_part,
            LedgerFork: lambda event, now: self.membership.forked(event, event.params, now),  # type: ignore[arg-type]  # the table pairs types with their methods
            **dict.fromkeys(NOT_OURS, lambda _, __: []),
        }
        self._from_hub: dict[type, Callable[[Arrived, Instant], list[Effect]]] = {
            OrderPart: self._order_part,
            LedgerHead: lambda event, now: self.membership.head(event.frame, HUB, now) if event.frame else [],
            Probe: self._probe,
            **dict.fromkeys(PROOFS, self._proof),
        }
        self._from_station: dict[type, Callable[[Arrived, Instant], list[Effect]]] = {Probe: self._pinged}

    def start(self, now: Instant) -> list[Effect]:
        """What to do first: know what is over, ring what a crash interrupted, then keep time."""
        head = self.membership.freshness.head
        known = [NotBefore(head.at)] if head is not None else []
        return [*known, *self.membership.start(now), *self.ringing.restart(), *self.paging.restart(), *self._woke(now)]

    def handle(self, event: Event, now: Instant) -> list[Effect]:
        """Decide."""
        return self.reach.asking(self._on[type(event)](event, now), now)

    def _arrived(self, event: Arrived, now: Instant) -> list[Effect]:
        """A message for us: by its type, some only when the hub says so, others without effect here."""
        kind, from_hub = type(event.params), event.envelope.sender == HUB
        self.reach.heard_from(event.envelope.sender, event.link, now)
        dated = self.reach.dated(event, now) if from_hub and not event.channel else []
        decide = self._from_anybody.get(kind) or (self._from_hub if from_hub else self._from_station).get(kind)
        effects = [] if event.channel else self.membership.noticed(event, now)
        return [*dated, *effects, *(decide(event, now) if decide else [])]

    def _heard(self, event: Heard, now: Instant) -> list[Effect]:
        self.reach.heard_from(event.station, event.link, now)
        return [*self.tracking.heard(event, now), *self.ordering.heard(event)]

    def _gave_up(self, event: GaveUp, now: Instant) -> list[Effect]:
        return [*self.tracking.gave_up(event, now), *self.ordering.gave_up(event)]

    def _not_saved(self, event: NotSaved, now: Instant) -> list[Effect]:
        """Tell the person here, now and then, that the disk takes nothing."""
        if self._told_unsaved is not None and now.mono < self._told_unsaved + SAVING_S:
            return []
        self._told_unsaved = now.mono
        return [Tell("error", {"title": event.title, "message": event.message}, key="not-saved")]

    def _not_understood(self, event: Arrived, _: Instant) -> list[Effect]:
        error: ErrorNote = event.params  # type: ignore[assignment]  # the table pairs types with their methods
        return [Note("not understood", {"station": event.envelope.sender, "code": error.code, "id": event.envelope.re})]

    def _page_new(self, event: Arrived, now: Instant) -> list[Effect]:
        return self.ringing.arrived(event, event.params, now)  # type: ignore[arg-type]  # as above

    def _page_answer(self, event: Arrived, _: Instant) -> list[Effect]:
        """An answer to a page of ours, or to one that rings here as well."""
        answer: PageAnswer = event.params  # type: ignore[assignment]  # as above
        if event.envelope.re in self.paging.pages:
            return self.tracking.answered(event, answer)
        return self.answering.answered(event, answer)

    def _page_withdraw(self, event: Arrived, now: Instant) -> list[Effect]:
        return [] if event.envelope.re in self.paging.pages else self.answering.withdrawn(event, now)

    def _order_arrived(self, event: Arrived, now: Instant) -> list[Effect]:
        theirs = to_order(event.params)
        return [*self.ordering.arrived(event.envelope, theirs, now), *self._order_known(theirs.uuid, now)]

    def _order_part(self, event: Arrived, now: Instant) -> list[Effect]:
        part: OrderPart = event.params  # type: ignore[assignment]  # as above
        effects, brought = self.ordering.part(event.envelope, part, now)
        return [*effects, *(effect for order in brought for effect in self._order_known(order.uuid, now))]

    def _ledger_part(self, event: Arrived, now: Instant) -> list[Effect]:
        part: LedgerPart = event.params  # type: ignore[assignment]  # as above
        return [*self.membership.part(event, part, now), *self.mailing.woke(now)]

    def _ledger_get(self, event: Arrived, now: Instant) -> list[Effect]:
        return self.membership.asked(event, event.params, now)  # type: ignore[arg-type]  # as above

    def _proof(self, event: Arrived, now: Instant) -> list[Effect]:
        return self.proving.arrived(event.params, now)

    def _probe(self, event: Arrived, now: Instant) -> list[Effect]:
        """The hub answered a probe of ours: it is there, so a list that it owes us is asked for again."""
        asked = self.reach.asked(event.envelope.re)
        if asked is None:
            return []
        effects = self.membership.confirmed(event.envelope, asked.seq)
        self.membership.there(self.reach.there, now)
        effects += self.reach.answered(event.params, asked, now)  # type: ignore[arg-type]  # as above
        return [*effects, *(self.fetching.begin(now) if self.fetching.overdue else [])]

    def _pinged(self, event: Arrived, _: Instant) -> list[Effect]:
        return self.reach.pinged(event, event.params)  # type: ignore[arg-type]  # as above

    def _page(self, event: PageAsked, now: Instant) -> list[Effect]:
        order = self.ordering.orders.get(event.order or "")
        if order is not None and not self.ordering.ready(now):
            return self.paging.refuse(event, still_coming())
        return self.paging.asked(event, order, now)

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
        reach = self.reach
        was, was_near = reach.connected, reach.near
        effects = [*self.proving.link(event, now), *reach.link(event, now)]
        if reach.near and not was_near:
            return [*effects, *self.membership.ask(now), *self.fetching.begin(now)]
        if not reach.connected:
            self.fetching.cut_off()
        elif not was:
            effects += [*self.membership.ask(now), *self.beginning.asked(now)]
        if reach.connected and not reach.near and (was_near or not was):
            effects += self.fetching.spare(now, hopeful=reach.hopeful)
        return effects

    def _woke(self, now: Instant) -> list[Effect]:
        quiet.woke(self.desk, now)
        parts = (self.ringing, self.tracking, self.fetching, self.reach, self.proving, self.mailing, self.membership)
        ours = [effect for part in parts for effect in part.woke(now)]
        return [*ours, *self.beginning.woke(now), Refresh()]
