"""How far our pages get: receipts, answers, lateness, and an end for each, answered or not."""

from agent.domain.effects import Cancel, Effect, Keep, Refresh, Sound, Tell
from agent.domain.events import Arrived, GaveUp, Heard, Instant, Late, Sent
from agent.domain.messages import PageAnswer
from agent.domain.page import ON_DEVICE, SETTLED, Answer, OutPage, State, Target
from agent.station.desk import Desk
from agent.station.pages.lifetime import is_over
from agent.station.pages.paging import Paging, values

FACTS = {"stored": State.STORED, "presented": State.PRESENTED, "seen": State.SEEN}
REFUSED = {"missed": State.MISSED, "withdrawn": State.WITHDRAWN}
GIVEN_UP = {"expired": State.EXPIRED}
HEARD = frozenset({State.STORED, State.PRESENTED, State.SEEN, State.DECLINED})
"""Targets that had the page; where there is one, a page that ends was not answered rather than not delivered."""


class Tracking:
    """Moves the targets of the pages we sent up their ladders, and tells their sender."""

    def __init__(self, desk: Desk, paging: Paging) -> None:
        self._desk, self._pages = desk, paging.pages

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
        page, fact = self._pages[event.id], FACTS.get(event.stage) or REFUSED.get(event.why, State.UNDELIVERABLE)
        before = _standing(page)
        target.link = event.link
        if not target.hear(fact, event.at, why=event.why):
            return []
        return [Keep("out", event.id, page), Refresh(), *self._failed(page, *before)]

    def late(self, event: Late, _: Instant) -> list[Effect]:
        """Too long without a receipt: the sender sees red, once for the whole page."""
        page, target = self._pages.get(event.id), self._target(event.id, event.station)
        if page is None or target is None or target.state in ON_DEVICE:
            return []
        was_late = page.late
        target.late = True
        if was_late or not page.late:
            return [Refresh()]
        return [Tell("notice.page-late", values(page), key=page.id), Sound("late"), Refresh()]

    def gave_up(self, event: GaveUp, now: Instant) -> list[Effect]:
        """It will not be tried any more."""
        page, target = self._pages.get(event.id), self._target(event.id, event.station)
        if page is None or target is None:
            return []
        before = _standing(page)
        if not target.hear(GIVEN_UP.get(event.why, State.UNDELIVERABLE), now.ms, why=event.why):
            return []
        return [Keep("out", page.id, page), Refresh(), *self._failed(page, *before)]

    def woke(self, now: Instant) -> list[Effect]:
        """End what nobody answered in its time: its sender must not wait for ever."""
        over = [page for page in self._pages.values() if not page.settled and is_over(page, now)]
        return [effect for page in over for effect in self._end(page, now)]

    def _end(self, page: OutPage, now: Instant) -> list[Effect]:
        before = _standing(page)
        for target in page.targets.values():
            if target.state not in SETTLED:
                target.hear(State.EXPIRED, now.ms)
        return [Keep("out", page.id, page), Cancel(page.id), Refresh(), *self._failed(page, *before)]

    def _failed(self, page: OutPage, settled: bool, heard: bool) -> list[Effect]:  # noqa: FBT001 - _standing
        """Tell the sender when nobody is left who could come, once."""
        if settled or not page.settled:
            return []
        return [Tell("notice.page-unanswered" if heard else "notice.page-failed", values(page), key=page.id)]

    def answered(self, event: Arrived, params: PageAnswer) -> list[Effect]:
        """Somebody answered; the earliest acceptance is who comes."""
        page = self._pages.get(event.envelope.re or "")
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
        was_settled = page.settled
        for one in self._at_desks_of(answer, page, target):
            one.hear(State(params.answer), event.envelope.at, why=params.text if one is target else "")
        effects: list[Effect] = [Keep("out", page.id, page), Refresh()]
        if params.answer == "accepted":
            before, page.taken = page.taken, min(page.taken or answer, answer)
            return [*effects, Cancel(page.id), *([self._taken(page, answer)] if page.taken != before else [])]
        if page.settled and not was_settled:
            said = {**values(page), "person": answer.person, "text": answer.text}
            effects.append(Tell("notice.page-declined", said, key=page.id))
        return effects

    def _at_desks_of(self, answer: Answer, page: OutPage, target: Target) -> list[Target]:
        """Return the targets an answer speaks for: who declines does so for all the desks where they sit."""
        if answer.answer == "accepted":
            return [target]
        return [one for one in page.targets.values() if self._desk.person(one.station) == answer.person]

    def _taken(self, page: OutPage, answer: Answer) -> Effect:
        seconds = max(0, round((answer.at - page.at) / 1000))
        said = {**values(page), "person": answer.person, "seconds": str(seconds), "text": answer.text}
        return Tell("notice.page-taken", said, key=page.id)

    def _target(self, page_id: str, station: str) -> Target | None:
        page = self._pages.get(page_id)
        return page.targets.get(station) if page else None


def _standing(page: OutPage) -> tuple[bool, bool]:
    """Whether a page is settled, and whether anybody has had it."""
    return page.settled, any(target.state in HEARD for target in page.targets.values())
