"""One computer's enrolment, apart from the way it takes: what it writes, and how it reads what it is told."""

from dataclasses import dataclass
from typing import Protocol

from agent.domain.mail import NOWHERE, Mailbox
from agent.wire.enrolment import Given, Welcome, read_answer, write_request
from agent.wire.invite import Card, Purpose
from agent.wire.keys import Identity


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

    def confirm(self, asking: Asking, station: str) -> None:
        """Return when the hub knows that all of it is on our disk; raises as `welcome`."""
