"""Pages we receive: rung once, rung again until somebody answers, silent as soon as anybody took them.

HELD     the order is not known here yet; at most 3 seconds, then it rings all the same
RINGING  stored, being put before the person (a crash here rings again: better twice than never)
RUNG     the notifier took it; sounds again every so often until answered
SILENT   answered or withdrawn before it could ring
MISSED   expired unanswered
"""

from agent.domain.audience import THE_HUB, Audience
from agent.domain.effects import Acknowledge, Effect, Hush, Keep, Notify, Post, Refresh, Reply, Tell, Unnotify, WakeAt
from agent.domain.envelope import URGENT, WANT_NOTHING
from agent.domain.errors import BadInput
from agent.domain.events import AnswerGiven, Arrived, Instant, Presented, Seen
from agent.domain.messages import OrderList, PageAnswer, PageNew
from agent.domain.names import HUB
from agent.domain.order import Order
from agent.domain.page import NOT_SHOWN, Answer, InPage, Ring
from agent.station.desk import Desk
from agent.station.storm import Storm

HISTORY = 200
BATCH = 50
HOLD_S = 3.0


class Ringing:
    """The pages for this station, oldest first, and the ends that overtook their pages."""

    def __init__(self, desk: Desk, kept: list[InPage], ends: dict[str, str], now: Instant) -> None:
        self._desk = desk
        self.pages: dict[str, InPage] = {page.id: page for page in kept}
        self._ends = ends
        self._storm = Storm()
        self._prune_at = HISTORY + BATCH
        for page in kept:
            wait = HOLD_S if page.ring is Ring.HELD else desk.habits.again_s
            page.ring_at = now.mono + wait if page.open else None

    def restart(self) -> list[Effect]:
        """Ring what a crash caught between storing and ringing."""
        ringing = [page.id for page in self.pages.values() if page.ring is Ring.RINGING and page.open]
        waiting = [effect for page in self.open_pages() for effect in _wake(page)]
        return [*(Notify(page_id) for page_id in ringing), *waiting]

    def arrived(self, event: Arrived, params: PageNew, order: Order | None, now: Instant) -> list[Effect]:
        """A page came for us, for the first time."""
        page = _page(event, params)
        self.pages[page.id] = page
        effects: list[Effect]
        if page.id in self._ends:
            effects = self._silent(page, "presented", self._ends[page.id])
        elif event.expired:
            page.ring = Ring.MISSED
            effects = [Keep("in", page.id, page), Acknowledge(page.id, page.sender, "refused", "missed"), Refresh()]
        elif page.order is not None and order is None:
            effects = self._hold(page, now)
        elif page.order is not None and order is not None and not order.alive:
            effects = self._silent(page, "refused", "order-deleted")
        else:
            effects = self._ring(page, now)
        return [*effects, *self._prune()]

    def order_known(self, order: Order, now: Instant) -> list[Effect]:
        """The order a held page is about arrived, or is known to be deleted."""
        held = [p for p in self.pages.values() if p.ring is Ring.HELD and p.order == order.uuid]
        return [
            e
            for p in held
            for e in (self._ring_held(p, now) if order.alive else self._silent(p, "refused", "order-deleted"))
        ]

    def presented(self, event: Presented, now: Instant) -> list[Effect]:
        """The notifier has had it: only now may the sender read "shown"."""
        page = self.pages.get(event.page)
        if page is None or not _is_news(page, event):
            return []
        if page.ring is Ring.RINGING:
            page.ring_at = now.mono + self._desk.habits.again_s if page.open else None
        page.ring, page.why = Ring.RUNG, event.why
        stage = "presented" if event.ok else "stored"
        return [
            Keep("in", page.id, page),
            Acknowledge(page.id, page.sender, stage, event.why),
            Refresh(),
            *_wake(page),
        ]

    def seen(self, event: Seen, _: Instant) -> list[Effect]:
        """A person looked at it."""
        page = self.pages.get(event.page)
        if page is None or page.seen or not page.open:
            return []
        page.seen = True
        return [Keep("in", page.id, page), Acknowledge(page.id, page.sender, "seen"), Refresh()]

    def answer(self, event: AnswerGiven, now: Instant) -> list[Effect]:
        """The person here answers; everybody who was paged hears it, so that they fall silent."""
        page = self.pages.get(event.page)
        if page is None:
            error = BadInput("No such page", "It is not in the list any more", code="no-such-page", field="page")
            return [Reply(event.ticket, error=error)] if event.ticket is not None else []
        done: list[Effect] = [] if event.ticket is None else [Reply(event.ticket)]
        if event.answer == "later":
            return [*self._later(page, now), *done]
        if not page.open:
            return [Unnotify(page.id), Refresh(), *done]
        me = self._desk.person(self._desk.station)
        page.answer = Answer(now.ms, self._desk.station, me, event.answer, event.text[:120])
        posts = self._spread(page, PageAnswer(answer=event.answer, person=me, text=page.answer.text))  # type: ignore[arg-type]  # AnswerGiven has checked words
        return [Unnotify(page.id), *self._hush(page), Keep("in", page.id, page), *posts, Refresh(), *done]

    def answered(self, event: Arrived, params: PageAnswer) -> list[Effect]:
        """Somebody else who was paged answered; two at once: the lowest (time, station) comes."""
        if params.answer != "accepted":
            return []
        person = self._desk.person(event.envelope.sender)
        answer = Answer(event.envelope.at, event.envelope.sender, person, params.answer, params.text)
        page = self.pages.get(event.envelope.re or "")
        if page is None:
            return self._end(event.envelope.re, "answered")
        mine = page.answer
        if mine is not None and mine.answer == "accepted" and mine < answer:
            return []
        page.answer = answer
        beaten = mine is not None and mine.answer == "accepted" and mine.station == self._desk.station
        values = {"person": answer.person, "object": page.order_title}
        told: list[Effect] = [Tell("notice.page-taken-by", values, key=page.id)] if beaten else []
        return [Unnotify(page.id), *self._hush(page), *told, Keep("in", page.id, page), Refresh()]

    def withdrawn(self, event: Arrived, _: Instant) -> list[Effect]:
        """The sender needs nobody any more."""
        page = self.pages.get(event.envelope.re or "")
        if page is None:
            return self._end(event.envelope.re, "withdrawn")
        if event.envelope.sender not in (page.sender, HUB) or not page.open:
            return []
        page.withdrawn = True
        return [Unnotify(page.id), *self._hush(page), Keep("in", page.id, page), Refresh()]

    def woke(self, now: Instant) -> list[Effect]:
        """Ring what is due again, stop waiting for orders, let go of what has expired."""
        effects: list[Effect] = []
        for page in self.open_pages():
            if page.exp <= now.ms:
                page.ring, page.ring_at = Ring.MISSED, None
                effects += [Unnotify(page.id), *self._hush(page), Keep("in", page.id, page), Refresh()]
            elif page.ring_at is not None and page.ring_at <= now.mono:
                effects += self._due(page, now, silent=any(isinstance(e, Notify) and e.sound for e in effects))
        return effects

    def open_pages(self) -> list[InPage]:
        """Return the pages that still want an answer."""
        return [page for page in self.pages.values() if page.open]

    def _spread(self, page: InPage, answer: PageAnswer) -> list[Effect]:
        """Tell the sender and the hub who comes, and everybody else who was paged, so that they fall silent."""
        others = tuple(to for to in self._desk.recipients(page.audience) if to not in (page.sender, HUB))
        told = [(Audience("station", page.sender), tuple({page.sender, HUB})), (page.audience, others)]
        new_id = self._desk.new_id
        return [Post(new_id(), to, whom, "page.answer", answer, re=page.id) for to, whom in told if whom]

    def _due(self, page: InPage, now: Instant, *, silent: bool) -> list[Effect]:
        """Ring a page again; of several at one moment only the first is heard."""
        if page.ring is Ring.HELD:
            page.unknown_order = True
            return self._ring_held(page, now)
        page.snoozed = False
        page.ring_at = now.mono + self._desk.habits.again_s
        return [Notify(page.id, sound=self._audible(page, now) and not silent, again=True), *_wake(page)]

    def _ring(self, page: InPage, now: Instant) -> list[Effect]:
        """Put it before the person at once; its row stays unhandled on disk until it was presented."""
        page.ring = Ring.RINGING
        rings = self._storm.ring(page.sender, now.mono)
        if rings > self._desk.habits.per_minute:
            return self._summary(page, rings, now)
        return [Notify(page.id, sound=self._audible(page, now)), Refresh()]

    def _ring_held(self, page: InPage, now: Instant) -> list[Effect]:
        """Ring a page that waited for its order; its row is handled, so the page itself is kept as ringing."""
        return [*self._ring(page, now), Keep("in", page.id, page)]

    def _summary(self, page: InPage, rings: int, now: Instant) -> list[Effect]:
        """The eleventh ring a minute from one sender: one notice for all of them instead, renewed now and then."""
        page.ring, page.why, page.ring_at = Ring.RUNG, "summary", now.mono + self._desk.habits.again_s
        values = {"sender": self._desk.person(page.sender), "count": str(rings)}
        tell = rings == self._desk.habits.per_minute + 1 or rings % BATCH == 0
        return [
            *([Tell("notice.page-storm", values, key=f"storm {page.sender}")] if tell else []),
            Keep("in", page.id, page),
            Acknowledge(page.id, page.sender, "presented", "summary"),
            Refresh(),
            *_wake(page),
        ]

    def _hold(self, page: InPage, now: Instant) -> list[Effect]:
        page.ring, page.ring_at = Ring.HELD, now.mono + HOLD_S
        ask = OrderList(only=(page.order or "",))
        post = Post(self._desk.new_id(), THE_HUB, (HUB,), "order.list", ask, want=WANT_NOTHING)
        return [post, Keep("in", page.id, page), Refresh(), *_wake(page)]

    def _silent(self, page: InPage, stage: str, why: str) -> list[Effect]:
        page.ring, page.why, page.ring_at = Ring.SILENT, why, None
        return [Keep("in", page.id, page), Acknowledge(page.id, page.sender, stage, why), Refresh()]

    def _end(self, page_id: str | None, why: str) -> list[Effect]:
        """An answer or withdrawal that overtook its page: remember it, so that the page stays silent."""
        if page_id is None:
            return []
        self._ends[page_id] = why
        return [Keep("end", page_id, why)]

    def _later(self, page: InPage, now: Instant) -> list[Effect]:
        if not page.open:
            return []
        page.snoozed, page.ring_at = True, now.mono + self._desk.habits.later_s
        return [*self.seen(Seen(page.id), now), Unnotify(page.id), *self._hush(page), Refresh(), *_wake(page)]

    def _hush(self, page: InPage) -> list[Effect]:
        """Silence, unless another page rings on."""
        page.ring_at = page.ring_at if page.snoozed and page.open else None
        others = any(p.open and p.id != page.id and not p.snoozed for p in self.pages.values())
        return [] if others else [Hush()]

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


def _is_news(page: InPage, event: Presented) -> bool:
    """A first showing, or the first that went well after one that did not: the notification daemon came back."""
    return page.ring is Ring.RINGING or (page.ring is Ring.RUNG and event.ok and page.why.startswith(NOT_SHOWN))


def _wake(page: InPage) -> list[Effect]:
    return [] if page.ring_at is None else [WakeAt(page.ring_at)]


def _page(event: Arrived, params: PageNew) -> InPage:
    envelope, order = event.envelope, params.order
    audience = envelope.audience
    if audience is None:
        raise ValueError("an admitted envelope has an audience")
    return InPage(
        envelope.id,
        envelope.sender,
        audience,
        envelope.at,
        envelope.exp,
        order.uuid if order else None,
        order.title if order else "",
        params.note,
        envelope.prio == URGENT,
        event.unverified,
    )
