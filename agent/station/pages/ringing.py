"""Pages we receive: rung once, rung again until somebody answers, silent as soon as anybody took them.

HELD     waits at most 3 seconds, then it rings all the same: for its order, which is not known here yet, or for
         the hub's time, because by our own clock, which may be wrong, it is over; by mail the hub has longer to say so
RINGING  stored, being put before the person (a crash here rings again: better twice than never)
RUNG     the notifier took it; sounds again every so often until answered
SILENT   answered or withdrawn before it could ring
MISSED   expired unanswered; a line tells how many there were, once it is quiet
"""

from collections.abc import Callable, Iterable

from agent.domain.audience import THE_HUB
from agent.domain.effects import Acknowledge, Effect, Hush, Keep, Notify, Post, Refresh, Sound, Unnotify
from agent.domain.envelope import LIST_LIFE_MS, WANT_NOTHING
from agent.domain.events import Arrived, Instant, Presented
from agent.domain.messages import OrderList, PageNew
from agent.domain.names import HUB
from agent.domain.order import Order
from agent.domain.page import NO_TIME, SUMMARY, InPage, Ring
from agent.routing.policy import MAIL
from agent.station.desk import Desk
from agent.station.pages.ends import Ends
from agent.station.pages.lifetime import is_doubtful, is_over, life_s
from agent.station.pages.missed import Missed
from agent.station.pages.received import is_news, received, wake
from agent.station.pages.storm import Storm, summary

HISTORY = 200
BATCH = 50
HOLD_S = 3.0
HOLD_BY_MAIL_S = 30.0
"""So long a page of the night waits in the morning for the hub to write what time it is."""


class Ringing:
    """The pages for this station, oldest first, and the ends that overtook their pages.

    `order_of` finds an order by its uuid.
    """

    def __init__(
        self, desk: Desk, kept: Iterable[InPage], ends: Ends, order_of: Callable[[str], Order | None], now: Instant
    ) -> None:
        self._desk, self._order_of = desk, order_of
        self.pages: dict[str, InPage] = {page.id: page for page in sorted(kept, key=lambda page: page.at)}
        self.ends = ends
        self._storm, self._missed = Storm(), Missed()
        self._prune_at = HISTORY + BATCH
        for page in self.open_pages():
            self._take_up(page, now)

    def _take_up(self, page: InPage, now: Instant) -> None:
        """Set a kept page's times anew: monotonic seconds of another run mean nothing."""
        page.ends_at = now.mono + life_s(page)
        if page.ring is Ring.HELD:
            page.ring_at = now.mono + HOLD_S
        elif not is_doubtful(page, now):
            page.ring_at = now.mono + self._desk.habits.again_s
        elif page.ring is Ring.RINGING:
            page.ring, page.why, page.ring_at = Ring.HELD, NO_TIME, now.mono + HOLD_S
        else:
            page.ring_at = None  # it has rung; whether it may again the hub's time will tell

    def restart(self) -> list[Effect]:
        """Ring what a crash caught between storing and ringing."""
        ringing = [page.id for page in self.open_pages() if page.ring is Ring.RINGING]
        waiting = [effect for page in self.open_pages() for effect in wake(page)]
        return [*(Notify(page_id) for page_id in ringing), *waiting]

    def arrived(self, event: Arrived, params: PageNew, now: Instant) -> list[Effect]:
        """A page came for us; one we know already was handed on again after a crash."""
        if event.envelope.id in self.pages:
            return []
        page = self.pages[event.envelope.id] = received(event, params, now)
        effects: list[Effect]
        if why := self.ends.of(page, self._desk.may_answer):
            effects = self._silent(page, "presented", why)
        elif event.expired or is_over(page, now):
            effects = self._miss(page, now)
        elif is_doubtful(page, now):
            effects = self._hold(page, now, NO_TIME, HOLD_BY_MAIL_S if event.link == MAIL else HOLD_S)
        else:
            effects = self._admit(page, now)
        return [*effects, *self._prune()]

    def _admit(self, page: InPage, now: Instant, *, held: bool = False) -> list[Effect]:
        """Ring a page that is in time, unless it waits for its order."""
        order = self._order_of(page.order) if page.order is not None else None
        if page.order is None or (order is not None and order.alive):
            return self._ring_held(page, now) if held else self._ring(page, now)
        if order is not None:
            return self._silent(page, "refused", "order-deleted")
        ask = OrderList(only=(page.order,))
        post = Post(self._desk.new_id(), THE_HUB, (HUB,), "order.list", ask, want=WANT_NOTHING, life_ms=LIST_LIFE_MS)
        return [post, *self._hold(page, now, "")]

    def order_known(self, order: Order, now: Instant) -> list[Effect]:
        """The order a held page is about arrived, or is known to be deleted."""
        held = [p for p in self.pages.values() if p.ring is Ring.HELD and p.order == order.uuid and p.why != NO_TIME]
        return [
            e
            for p in held
            for e in (self._ring_held(p, now) if order.alive else self._silent(p, "refused", "order-deleted"))
        ]

    def presented(self, event: Presented, now: Instant) -> list[Effect]:
        """The notifier has had it: only now may the sender read "shown"."""
        page = self.pages.get(event.page)
        if page is None or not is_news(page, event):
            return []
        if page.ring is Ring.RINGING and not page.snoozed:
            page.ring_at = now.mono + self._desk.habits.again_s if page.open else None
        page.ring, page.why = Ring.RUNG, event.why
        stage = "presented" if event.ok else "stored"
        return [
            Keep("in", page.id, page),
            Acknowledge(page.id, page.sender, stage, event.why),
            Refresh(),
            *wake(page),
        ]

    def woke(self, now: Instant) -> list[Effect]:
        """Ring what is due again, stop waiting, let go of what has expired."""
        effects: list[Effect] = []
        for page in self.open_pages():
            if is_over(page, now):
                effects += self._miss(page, now)
            elif page.why == NO_TIME and now.anchored:
                page.why, page.unverified = "", False
                effects += self._admit(page, now, held=True)
            elif now.anchored and page.ring_at is None:
                page.ring_at = now.mono
            if page.open and page.ring_at is not None and page.ring_at <= now.mono:
                effects += self._due(page, now, silent=any(isinstance(e, Notify) and e.sound for e in effects))
        return [*effects, *self._missed.tell(now)]

    def open_pages(self) -> list[InPage]:
        """Return the pages that still want an answer."""
        return [page for page in self.pages.values() if page.open]

    def take_away(self, page: InPage) -> list[Effect]:
        """Take a page's notice away, and the sound unless another page rings on."""
        page.ring_at = page.ring_at if page.snoozed and page.open else None
        others = any(p.open and p.id != page.id and not p.snoozed for p in self.pages.values())
        return [Unnotify(page.id), *([] if others else [Hush()])]

    def _miss(self, page: InPage, now: Instant) -> list[Effect]:
        """It is over; its sender is told where nobody here can have heard it."""
        unheard = page.ring is Ring.HELD or (page.ring is Ring.RINGING and page.ring_at is None)
        told = [Acknowledge(page.id, page.sender, "refused", "missed")] if unheard else self.take_away(page)
        page.ring, page.ring_at = Ring.MISSED, None
        return [*told, Keep("in", page.id, page), Refresh(), *self._missed.count(now)]

    def _due(self, page: InPage, now: Instant, *, silent: bool) -> list[Effect]:
        """Ring a page again; of several at one moment only the first is heard."""
        if page.why == NO_TIME:
            page.why = ""
            return self._admit(page, now, held=True)
        if page.ring is Ring.HELD:
            page.unknown_order = True
            return self._ring_held(page, now)
        page.snoozed, page.ring_at = False, now.mono + self._desk.habits.again_s
        if page.why == SUMMARY:
            return self._summary_again(page, now, silent=silent)
        return [Notify(page.id, sound=self._audible(page, now) and not silent, again=True), *wake(page)]

    def _ring(self, page: InPage, now: Instant) -> list[Effect]:
        """Put it before the person at once; its row stays unhandled on disk until it was presented."""
        page.ring, page.ring_at = Ring.RINGING, now.mono + self._desk.habits.again_s
        rings = self._storm.ring(page.sender, now.mono)
        if rings > self._desk.habits.per_minute:
            return self._summary(page, rings)
        return [Notify(page.id, sound=self._audible(page, now)), Refresh(), *wake(page)]

    def _ring_held(self, page: InPage, now: Instant) -> list[Effect]:
        """Ring a page that waited; its row is handled, so the page itself is kept as ringing."""
        return [*self._ring(page, now), Keep("in", page.id, page)]

    def _summary(self, page: InPage, rings: int) -> list[Effect]:
        """The eleventh ring a minute from one sender: one notice for all of them instead, renewed now and then."""
        page.ring, page.why = Ring.RUNG, SUMMARY
        tell = rings == self._desk.habits.per_minute + 1 or rings % BATCH == 0
        return [
            *([summary(page.sender, self._desk.person(page.sender), rings)] if tell else []),
            Keep("in", page.id, page),
            Acknowledge(page.id, page.sender, "presented", SUMMARY),
            Refresh(),
            *wake(page),
        ]

    def _summary_again(self, first: InPage, now: Instant, *, silent: bool) -> list[Effect]:
        """What one notice stands for rings again as one, not each by itself."""
        waiting = [page for page in self.open_pages() if page.why == SUMMARY and page.sender == first.sender]
        for page in waiting:
            page.snoozed, page.ring_at = False, first.ring_at
        told = summary(first.sender, self._desk.person(first.sender), len(waiting))
        loud = not silent and any(self._audible(page, now) for page in waiting)
        return [told, *([Sound("page")] if loud else []), *wake(first)]

    def _hold(self, page: InPage, now: Instant, why: str, seconds: float = HOLD_S) -> list[Effect]:
        page.ring, page.why, page.ring_at = Ring.HELD, why, now.mono + seconds
        return [Keep("in", page.id, page), Refresh(), *wake(page)]

    def _silent(self, page: InPage, stage: str, why: str) -> list[Effect]:
        page.ring, page.why, page.ring_at = Ring.SILENT, why, None
        return [Keep("in", page.id, page), Acknowledge(page.id, page.sender, stage, why), Refresh()]

    def _audible(self, page: InPage, now: Instant) -> bool:
        habits = self._desk.habits
        broken = page.urgent and habits.urgent_breaks_quiet
        return habits.page_sound and (broken or not self._desk.quiet(now.mono))

    def _prune(self) -> list[Effect]:
        """Forget the oldest pages that are over; looked at in batches, because a flood makes many."""
        over = len(self.pages) - HISTORY
        if len(self.pages) < self._prune_at:
            return []
        self._prune_at = len(self.pages) + max(BATCH, len(self.pages) // 4)
        old = [page.id for page in self.pages.values() if not page.open][:over]
        for page_id in old:
            del self.pages[page_id]
        return [Keep("in", page_id, None) for page_id in old]
