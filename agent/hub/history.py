"""The pages of the site: who called whom and who answered; the last thousand are kept."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from agent.domain.effects import Effect, Keep
from agent.domain.envelope import URGENT
from agent.domain.events import Arrived
from agent.domain.messages import PageAnswer, PageNew
from agent.domain.page import Answer

MOST = 1000


@dataclass(slots=True)
class Paged:
    """One page; times are ms UTC. `sender` is empty while only an answer that overtook it has come."""

    id: str
    at: int
    sender: str = ""
    audience: str = ""
    exp: int = 0
    urgent: bool = False
    order: str | None = None
    order_title: str = ""
    note: str = ""
    answers: list[Answer] = field(default_factory=list)
    withdrawn: bool = False


class History:
    """The pages by id, oldest first."""

    def __init__(self, kept: Iterable[Paged]) -> None:
        self.pages = {page.id: page for page in sorted(kept, key=lambda page: page.at)}

    def asked(self, event: Arrived, params: PageNew) -> list[Effect]:
        """A station paged others."""
        envelope = event.envelope
        page = self._page(envelope.id, envelope.at)
        page.sender, page.audience, page.at = envelope.sender, str(envelope.audience), envelope.at
        page.exp, page.urgent, page.note = envelope.exp, envelope.prio == URGENT, params.note
        if params.order is not None:
            page.order, page.order_title = params.order.uuid, params.order.title
        return [Keep("page", page.id, page), *self._prune()]

    def answered(self, event: Arrived, params: PageAnswer) -> list[Effect]:
        """Somebody answered a page; said twice, it counts once."""
        envelope = event.envelope
        if envelope.re is None:
            return []
        page = self._page(envelope.re, envelope.at)
        answer = Answer(envelope.at, envelope.sender, params.person, params.answer, params.text)
        if answer in page.answers:
            return []
        page.answers.append(answer)
        return [Keep("page", page.id, page), *self._prune()]

    def withdrawn(self, event: Arrived) -> list[Effect]:
        """The sender needs nobody any more; nobody else can say so."""
        page = self.pages.get(event.envelope.re or "")
        if page is None or page.sender != event.envelope.sender:
            return []
        page.withdrawn = True
        return [Keep("page", page.id, page)]

    def _page(self, id_: str, at: int) -> Paged:
        return self.pages.setdefault(id_, Paged(id_, at))

    def _prune(self) -> list[Effect]:
        old = list(self.pages)[: max(0, len(self.pages) - MOST)]
        for id_ in old:
            del self.pages[id_]
        return [Keep("page", id_, None) for id_ in old]
