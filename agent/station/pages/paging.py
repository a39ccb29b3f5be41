"""Pages we send: asked for by a person here, taken back by one, or because their order is done."""

from collections import Counter
from collections.abc import Iterable

from agent.domain.effects import Cancel, Effect, Keep, Post, Refresh, Reply, Tell, WakeAt
from agent.domain.envelope import LIFE_MS, PAGE, URGENT, URGENT_LIFE_MS, WANT_PRESENTED
from agent.domain.errors import BadInput, NmrError, NotAllowed
from agent.domain.events import Instant, PageAsked, WithdrawAsked
from agent.domain.messages import OrderRef, PageNew, PageWithdraw
from agent.domain.names import HUB
from agent.domain.order import Order
from agent.domain.page import OutPage, Target
from agent.domain.text import clean
from agent.station.desk import Desk
from agent.station.pages.lifetime import life_s

HISTORY = 200
BATCH = 50
OFTEN = 4
"""To so many stations a direct way is kept open."""
NOTE_LENGTH, TITLE_LENGTH = 500, 120


class Paging:
    """The pages this station sent, newest last. Each ends with its life, answered or not."""

    def __init__(self, desk: Desk, kept: Iterable[OutPage], now: Instant) -> None:
        self._desk = desk
        self.pages: dict[str, OutPage] = {page.id: page for page in sorted(kept, key=lambda page: page.at)}
        for page in self.pages.values():
            page.ends_at = now.mono + life_s(page)

    def restart(self) -> list[Effect]:
        """Keep time for the pages of the last run."""
        return [WakeAt(page.ends_at) for page in self.pages.values() if page.ends_at is not None and not page.settled]

    def often(self) -> list[str]:
        """The stations that are paged most from here."""
        paged = Counter(station for page in self.pages.values() for station in page.targets)
        return [station for station, _ in paged.most_common(OFTEN) if self._desk.ledger.member(station) is not None]

    def asked(self, event: PageAsked, order: Order | None, now: Instant) -> list[Effect]:
        """A person wants somebody to come."""
        try:
            page = self._new_page(event, order, now)
        except NmrError as error:
            return _refuse(event.ticket, error)
        self.pages[page.id] = page
        page.ends_at = now.mono + life_s(page)
        reference = OrderRef(page.order, page.order_title) if page.order else None
        post = Post(
            page.id,
            page.audience,
            (*page.targets, HUB),
            "page.new",
            PageNew(order=reference, note=page.note),
            want=WANT_PRESENTED,
            prio=URGENT if page.urgent else PAGE,
            at=page.at,
        )
        done = [*self._prune(), *_done(event.ticket, page=page.id), WakeAt(page.ends_at), Refresh()]
        return [Keep("out", page.id, page), post, *done]

    def _new_page(self, event: PageAsked, order: Order | None, now: Instant) -> OutPage:
        desk, audience = self._desk, event.audience
        if not desk.may("page.new", audience):
            raise NotAllowed("You may not page them", f"Your role does not allow a page to {audience}; ask your lead")
        if event.order is not None and (order is None or not order.alive):
            raise BadInput(
                "No such order", "The order is gone; choose another one", code="no-such-order", field="order"
            )
        note = clean(event.note, lines=True)
        if len(note) > NOTE_LENGTH:
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
            order.title[:TITLE_LENGTH] if order else "",
            note,
            event.urgent,
            {station: Target(station, at=now.ms) for station in stations},
        )

    def refuse(self, event: PageAsked, error: NmrError) -> list[Effect]:
        """Tell whoever asked why there will be no page."""
        return _refuse(event.ticket, error)

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

    def _prune(self) -> list[Effect]:
        """Forget the oldest settled pages beyond the history."""
        over = len(self.pages) - HISTORY
        if over <= 0 or over % BATCH:
            return []
        old = [page.id for page in self.pages.values() if page.settled][:over]
        for page_id in old:
            del self.pages[page_id]
        return [Keep("out", page_id, None) for page_id in old]


def values(page: OutPage) -> dict[str, str]:
    """What notices about a page of ours say of it."""
    return {"to": page.audience.name or page.audience.kind, "object": page.order_title or page.note}


def _refuse(ticket: int | None, error: NmrError) -> list[Effect]:
    if ticket is None:
        return [Tell("error", {"title": error.title, "message": error.message}, key="error")]
    return [Reply(ticket, error=error)]


def _done(ticket: int | None, **result: object) -> list[Effect]:
    return [] if ticket is None else [Reply(ticket, result)]
