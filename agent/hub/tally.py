"""What is counted while the hub runs: pages, answers, proofs of keys and what could not be delivered; nobody's name."""

from collections import Counter
from collections.abc import Sequence

from agent.domain.effects import Effect, Keep, Post
from agent.domain.envelope import URGENT
from agent.domain.events import Arrived, GaveUp
from agent.domain.messages import AuthRefused, PageAnswer, PageNew
from agent.hub.exposition import Histogram
from agent.hub.history import History

ANSWERS = ("accepted", "declined", "later", "other")
REFUSED = ("expired", "replaced", "restored", "unknown", "invalid", "invalid-backup", "other")
SECONDS = (1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)


class Tally:
    """`watch` is told everything that happens at the hub and what its core decided."""

    def __init__(self, history: History) -> None:
        self._history = history
        self.pages: Counter[str] = Counter(no=0, yes=0)
        """By whether they were urgent."""
        self.answers: Counter[str] = Counter(dict.fromkeys(ANSWERS, 0))
        self.answer_seconds = Histogram(SECONDS)
        self.entered = 0
        self.refused: Counter[str] = Counter(dict.fromkeys(REFUSED, 0))
        self.renewed = 0
        self.undeliverable = 0

    def watch(self, happened: object, effects: Sequence[Effect]) -> None:
        """Count."""
        match happened:
            case Arrived(params=PageNew()) if _kept(effects):
                self.pages["yes" if happened.envelope.prio == URGENT else "no"] += 1
            case Arrived(params=PageAnswer() as said) if _kept(effects):
                self._answered(happened, said)
            case GaveUp():
                self.undeliverable += 1
        for effect in effects:
            if isinstance(effect, Post):
                self._said(effect)

    def _answered(self, event: Arrived, said: PageAnswer) -> None:
        self.answers[said.answer if said.answer in ANSWERS else "other"] += 1
        page = self._history.pages.get(event.envelope.re or "")
        if page is not None and page.sender and len(page.answers) == 1:
            self.answer_seconds.add(max(0, event.envelope.at - page.at) / 1000)

    def _said(self, post: Post) -> None:
        """What the hub says to whoever proves itself tells how that went."""
        match post.type:
            case "auth.ok":
                self.entered += 1
            case "psk.stored":
                self.renewed += 1
            case "auth.refused" if isinstance(post.params, AuthRefused):
                self.refused[post.params.code if post.params.code in REFUSED else "other"] += 1


def _kept(effects: Sequence[Effect]) -> bool:
    """Whether it was new to the history."""
    return any(isinstance(effect, Keep) and effect.kind == "page" and effect.value is not None for effect in effects)
