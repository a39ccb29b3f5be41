"""Orders whose author cannot tell everybody: who has nothing but mail, and who has no mailbox, hear of them here."""

from collections.abc import Callable, Iterable

from agent.domain.effects import Effect, Keep, WakeAt
from agent.domain.events import Arrived, Instant
from agent.domain.ledger import Ledger
from agent.hub.lists import Lists
from agent.routing.policy import MAIL

GATHER_S = 120.0
"""So long changes wait for company before they go as one mail; an author with a mailbox waits as long with each."""


class PassingOn:
    """Knows who spoke last by mail. What is lost of what it says stands in the list that each station asks for."""

    def __init__(self, lists: Lists, ledger: Callable[[], Ledger]) -> None:
        self._lists, self._ledger = lists, ledger
        self._by_mail: set[str] = set()
        self._waiting: dict[str, None] = {}
        self._at = 0.0

    def heard(self, station: str, link: str) -> None:
        """A station said something over a link."""
        (self._by_mail.add if link == MAIL else self._by_mail.discard)(station)

    def changed(self, event: Arrived, kept: Iterable[Effect], now: Instant) -> list[Effect]:
        """A station changed what `kept` keeps."""
        uuids = [effect.id for effect in kept if isinstance(effect, Keep)]
        author = self._ledger().member(event.envelope.sender)
        if author is None or not uuids:
            return []
        effects: list[Effect] = []
        if author.station in self._by_mail:
            others = [one.station for one in self._ledger().active() if not one.mail and one.station != author.station]
            effects += self._lists.tell(sorted(others), uuids)
        if not author.mail and self._by_mail:
            self._at = self._at if self._waiting else now.mono + GATHER_S
            self._waiting |= dict.fromkeys(uuids)
            effects.append(WakeAt(self._at))
        return effects

    def woke(self, now: Instant) -> list[Effect]:
        """Write to those who have nothing but mail what has gathered."""
        if not self._waiting or now.mono < self._at:
            return []
        uuids, self._waiting = list(self._waiting), {}
        active = {member.station for member in self._ledger().active()}
        return self._lists.tell(sorted(active & self._by_mail), uuids, over=MAIL)
