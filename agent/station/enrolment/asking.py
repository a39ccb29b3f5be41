"""One computer's enrolment, apart from the way it takes: what it writes, and how it reads what it is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from agent.domain.errors import Unavailable
from agent.domain.mail import NOWHERE, Mailbox
from agent.station.enrolment.https import NO_HUB
from agent.wire.enrolment import Fresh, Given, Welcome, read_answer, write_request
from agent.wire.invite import Card, Purpose
from agent.wire.keys import Identity

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks whom: the site's card, the invite's secret, our fresh keys and our nonce."""

    card: Card
    secret: bytes
    me: Identity
    nonce: bytes

    def write(self, name: str, purpose: Purpose = "request", mailbox: Mailbox = NOWHERE) -> bytes:
        """Return a sealed request; `name` is the one we would like, to confirm the one we got."""
        return write_request(self.card, self.secret, self.me, self.nonce, name, purpose, mailbox)

    def read(self, sealed: bytes, kind: type[Given]) -> Given:
        """Return what the hub says to us; raises EnrolRefused."""
        return read_answer(self.card, self.secret, self.me, self.nonce, sealed, kind)


class Way(Protocol):
    """How the hub is asked; what it refuses is a HubRefused, what cannot be believed an EnrolRefused."""

    def welcome(self, asking: Asking, wish: str) -> Welcome:
        """Return what the hub gives; raises Unavailable, NmrError, HubRefused, EnrolRefused."""

    def fresh(self, asking: Asking, station: str) -> Fresh:
        """Return the new keys of a station that is one already; raises as `welcome`."""

    def confirm(self, asking: Asking, station: str) -> None:
        """Return when the hub knows that all of it is on our disk; raises as `welcome`."""


def by_each(ways: Sequence[Way], deed: Callable[[Way], T]) -> T:
    """Do it by each way until one leads to the hub; the next goes on where the last one broke off."""
    *others, last = ways
    for way in others:
        try:
            return deed(way)
        except Unavailable as error:
            if error.code != NO_HUB:  # a hub that is there and cannot now will not by mail
                raise
    return deed(last)
