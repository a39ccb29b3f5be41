"""What people say to a page, here and elsewhere: the first answer silences everybody else who was paged."""

from agent.domain.audience import Audience
from agent.domain.effects import Acknowledge, Effect, Keep, Post, Refresh, Reply, Tell, Unnotify
from agent.domain.errors import BadInput, NmrError, NotAllowed
from agent.domain.events import AnswerGiven, Arrived, Instant, Seen
from agent.domain.messages import PageAnswer
from agent.domain.names import HUB
from agent.domain.page import Answer, InPage
from agent.domain.text import clean
from agent.station.desk import Desk
from agent.station.pages.ends import ANSWERED, WITHDRAWN
from agent.station.pages.received import wake
from agent.station.pages.ringing import Ringing

ACCEPTED, DECLINED, LATER = "accepted", "declined", "later"
MOST_TEXT = 120


class Answering:
    """Answers the pages that ring here."""

    def __init__(self, desk: Desk, ringing: Ringing) -> None:
        self._desk, self._ringing = desk, ringing

    def seen(self, event: Seen, _: Instant) -> list[Effect]:
        """A person looked at it."""
        page = self._ringing.pages.get(event.page)
        if page is None or page.seen or not page.open:
            return []
        page.seen = True
        return [Keep("in", page.id, page), Acknowledge(page.id, page.sender, "seen"), Refresh()]

    def answer(self, event: AnswerGiven, now: Instant) -> list[Effect]:
        """The person here answers; everybody who was paged hears it, so that they fall silent."""
        page = self._ringing.pages.get(event.page)
        if page is None:
            error = BadInput("No such page", "It is not in the list any more", code="no-such-page", field="page")
            return _refused(event, error)
        done: list[Effect] = [] if event.ticket is None else [Reply(event.ticket)]
        if event.answer == LATER:
            return [*self._later(page, now), *done]
        if not page.open:
            return [Unnotify(page.id), Refresh(), *done]
        if not self._desk.may("page.answer", page.audience):
            return _refused(event, NotAllowed("You may not answer", "This station only shows pages; ask IT"))
        me = self._desk.person(self._desk.station)
        page.answer = Answer(now.ms, self._desk.station, me, event.answer, clean(event.text)[:MOST_TEXT])
        posts = self._spread(page, page.answer)
        return [*self._ringing.take_away(page), Keep("in", page.id, page), *posts, Refresh(), *done]

    def answered(self, event: Arrived, params: PageAnswer) -> list[Effect]:
        """Somebody else who was paged answered; two at once: the lowest (time, station) comes.

        Who declines says so for all the desks where they sit, and for nobody else.
        """
        envelope, page = event.envelope, self._ringing.pages.get(event.envelope.re or "")
        if page is None:
            return self._ringing.ends.add(envelope, ANSWERED) if params.answer == ACCEPTED else []
        person = self._desk.person(envelope.sender)
        declined_here = page.open and person == self._desk.person(self._desk.station)
        if not self._desk.may_answer(page, envelope.sender) or (params.answer == DECLINED and not declined_here):
            return []
        answer = Answer(envelope.at, envelope.sender, person, params.answer, params.text)
        mine = page.answer if page.answer is not None and page.answer.answer == ACCEPTED else None
        if mine is not None and mine < answer:
            return []
        page.answer = answer
        beaten = mine is not None and mine.station == self._desk.station
        values = {"person": answer.person, "object": page.order_title}
        told: list[Effect] = [Tell("notice.page-taken-by", values, key=page.id)] if beaten else []
        return [*self._ringing.take_away(page), *told, Keep("in", page.id, page), Refresh()]

    def withdrawn(self, event: Arrived, _: Instant) -> list[Effect]:
        """The sender needs nobody any more."""
        page = self._ringing.pages.get(event.envelope.re or "")
        if page is None:
            return self._ringing.ends.add(event.envelope, WITHDRAWN)
        if event.envelope.sender not in (page.sender, HUB) or not page.open:
            return []
        page.withdrawn = True
        return [*self._ringing.take_away(page), Keep("in", page.id, page), Refresh()]

    def _spread(self, page: InPage, answer: Answer) -> list[Effect]:
        """Tell the sender and the hub who comes, and everybody else who was paged, so that they fall silent.

        All get the answer under the time we compare it by ourselves, or two who answer in one millisecond might
        each think to have won.
        """
        said = PageAnswer(answer=answer.answer, person=answer.person, text=answer.text)  # type: ignore[arg-type]  # from one of the buttons
        others = tuple(to for to in self._desk.recipients(page.audience) if to not in (page.sender, HUB))
        told = [(Audience("station", page.sender), tuple({page.sender, HUB})), (page.audience, others)]
        new_id = self._desk.new_id
        return [Post(new_id(), to, whom, "page.answer", said, re=page.id, at=answer.at) for to, whom in told if whom]

    def _later(self, page: InPage, now: Instant) -> list[Effect]:
        if not page.open:
            return []
        page.snoozed, page.ring_at = True, now.mono + self._desk.habits.later_s
        seen = self.seen(Seen(page.id), now)
        return [*seen, *self._ringing.take_away(page), Refresh(), *wake(page)]


def _refused(event: AnswerGiven, error: NmrError) -> list[Effect]:
    if event.ticket is None:
        return [Tell("error", {"title": error.title, "message": error.message}, key="error")]
    return [Reply(event.ticket, error=error)]
