"""Pages we send: asked for, on their way, taken, late, withdrawn."""

from agent.domain.effects import Cancel, Effect, Keep, Post, Refresh, Reply, Sound, Tell
from agent.domain.envelope import LIFE_MS, PAGE, URGENT, URGENT_LIFE_MS, WANT_PRESENTED
from agent.domain.errors import BadInput, NmrError, NotAllowed
from agent.domain.events import Arrived, GaveUp, Heard, Instant, Late, PageAsked, Sent, WithdrawAsked
from agent.domain.messages import OrderRef, PageAnswer, PageNew, PageWithdraw
from agent.domain.names import HUB
from agent.domain.order import Order
from agent.domain.page import ON_DEVICE, Answer, OutPage, State, Target
from agent.station.desk import Desk

HISTORY = 200
BATCH = 50
NOTE_LENGTH = 500
FACTS = {"stored": State.STORED, "presented": State.PRESENTED, "seen": State.SEEN}
REFUSED = {"missed": State.MISSED, "withdrawn": State.WITHDRAWN}
GIVEN_UP = {"expired": State.EXPIRED}


class Paging:
    """The pages this station sent, newest last."""

    def __init__(self, desk: Desk, kept: list[OutPage]) -> None:
        self._desk = desk
        self.pages: dict[str, OutPage] = {page.id: page for page in kept}

    def asked(self, event: PageAsked, order: Order | None, now: Instant) -> list[Effect]:
        """A person wants somebody to come."""
        try:
            page = self._new_page(event, order, now)
        except NmrError as error:
            return _refuse(event.ticket, error)
        self.pages[page.id] = page
        reference = OrderRef(page.order, page.order_title) if page.order else None
        post = Post(
            page.id,
            page.audience,
            (*page.targets, HUB),
            "page.new",
            PageNew(order=reference, note=page.note),
            want=WANT_PRESENTED,
            prio=URGENT if page.urgent else PAGE,
        )
        return [Keep("out", page.id, page), post, *self._prune(), *_done(event.ticket, page=page.id), Refresh()]

    def _new_page(self, event: PageAsked, order: Order | None, now: Instant) -> OutPage:
        desk, audience = self._desk, event.audience
        if not desk.may("page.new", audience):
            raise NotAllowed("You may not page them", f"Your role does not allow a page to {audience}; ask your lead")
        if event.order is not None and (order is None or not order.alive):
            raise BadInput(
                "No such order", "The order is gone; choose another one", code="no-such-order", field="order"
            )
        if len(event.note) > NOTE_LENGTH:
            raise BadInput("The note is too long", "Write 500 characters at most", field="note")
        stations = [station for station in desk.recipients(audience) if station != HUB]
        if not stations:
            raise BadInput("Nobody to page", f"No other station belongs to {audience}", code="nobody", field="to")
        life = URGENT_LIFE_MS if event.urgent else LIFE_MS["page.new"]
        return OutPage(
            desk.new_id(),
            audience,
            now.ms,
            now.ms + life,
            event.order,
            order.title if order else "",
            event.note,
            event.urgent,
            {station: Target(station, at=now.ms) for station in stations},
        )

    def sent(self, event: Sent, now: Instant) -> list[Effect]:
        """A link took it: a hollow mark, worth nothing after a restart, so not kept."""
        target = self._target(event.id, event.station)
        if target is None or target.state not in (State.QUEUED, State.SENT):
            return []
        target.link = event.link
        target.hear(State.SENT, now.ms)
        return [Refresh()]

    def heard(self, event: Heard, _: Instant) -> list[Effect]:
        """A target's receipt."""
        target = self._target(event.id, event.station)
        if target is None:
            return []
        fact = FACTS.get(event.stage) or REFUSED.get(event.why, State.UNDELIVERABLE)
        target.link = event.link
        if not target.hear(fact, event.at, why=event.why):
            return []
        return [Keep("out", event.id, self.pages[event.id]), Refresh()]

    def late(self, event: Late, _: Instant) -> list[Effect]:
        """Too long without a receipt: the sender sees red, once for the whole page."""
        page, target = self.pages.get(event.id), self._target(event.id, event.station)
        if page is None or target is None or target.state in ON_DEVICE:
            return []
        was_late = page.late
        target.late = True
        if was_late or not page.late:
            return [Refresh()]
        return [Tell("notice.page-late", self._values(page), key=page.id), Sound("late"), Refresh()]

    def gave_up(self, event: GaveUp, now: Instant) -> list[Effect]:
        """It will not be tried any more."""
        page, target = self.pages.get(event.id), self._target(event.id, event.station)
        if page is None or target is None:
            return []
        if not target.hear(GIVEN_UP.get(event.why, State.UNDELIVERABLE), now.ms, why=event.why):
            return []
        effects: list[Effect] = [Keep("out", page.id, page), Refresh()]
        if page.settled and page.taken is None and not page.withdrawn:
            effects.append(Tell("notice.page-failed", self._values(page), key=page.id))
        return effects

    def answered(self, event: Arrived, params: PageAnswer) -> list[Effect]:
        """Somebody answered; the earliest acceptance is who comes."""
        page = self.pages.get(event.envelope.re or "")
        target = page.targets.get(event.envelope.sender) if page else None
        if page is None or target is None:
            return []
        answer = Answer(
            event.envelope.at,
            target.station,
            self._desk.person(target.station),
            params.answer,
            params.text,
        )
        target.hear(State(params.answer), event.envelope.at, why=params.text)
        effects: list[Effect] = [Keep("out", page.id, page), Refresh()]
        if params.answer == "accepted":
            first, page.taken = page.taken is None, min(page.taken or answer, answer)
            return [*effects, Cancel(page.id), *([self._taken(page, answer)] if first else [])]
        if page.settled and page.taken is None:
            values = {**self._values(page), "person": answer.person, "text": answer.text}
            effects.append(Tell("notice.page-declined", values, key=page.id))
        return effects

    def withdraw(self, event: WithdrawAsked, _: Instant) -> list[Effect]:
        """A person takes a page back."""
        page = self.pages.get(event.page)
        if page is None:
            return _refuse(
                event.ticket, BadInput("No such page", "It is not in the list any more", code="no-such-page")
            )
        return [*self._withdraw(page), *_done(event.ticket)]

    def order_ended(self, uuid: str) -> list[Effect]:
        """A finished or deleted order needs nobody any more."""
        pages = [page for page in self.pages.values() if page.order == uuid and not page.settled]
        return [effect for page in pages for effect in self._withdraw(page)]

    def _withdraw(self, page: OutPage) -> list[Effect]:
        if page.settled:
            return []
        page.withdrawn = True
        to = (*page.targets, HUB)
        post = Post(self._desk.new_id(), page.audience, to, "page.withdraw", PageWithdraw(), re=page.id)
        return [Keep("out", page.id, page), Cancel(page.id), post, Refresh()]

    def _taken(self, page: OutPage, answer: Answer) -> Effect:
        seconds = max(0, round((answer.at - page.at) / 1000))
        values = {**self._values(page), "person": answer.person, "seconds": str(seconds), "text": answer.text}
        return Tell("notice.page-taken", values, key=page.id)

    def _values(self, page: OutPage) -> dict[str, str]:
        return {"to": page.audience.name or page.audience.kind, "object": page.order_title or page.note}

    def _target(self, page_id: str, station: str) -> Target | None:
        page = self.pages.get(page_id)
        return page.targets.get(station) if page else None

    def _prune(self) -> list[Effect]:
        """Forget the oldest settled pages beyond the history."""
        over = len(self.pages) - HISTORY
        if over <= 0 or over % BATCH:
            return []
        old = [page.id for page in self.pages.values() if page.settled][:over]
        for page_id in old:
            del self.pages[page_id]
        return [Keep("out", page_id, None) for page_id in old]


def _refuse(ticket: int | None, error: NmrError) -> list[Effect]:
    if ticket is None:
        return [Tell("error", {"title": error.title, "message": error.message}, key="error")]
    return [Reply(ticket, error=error)]


def _done(ticket: int | None, **result: object) -> list[Effect]:
    return [] if ticket is None else [Reply(ticket, result)]
