"""A station's word for the peer-to-peer link: it signs what we signal and checks what it hears like any message."""

from collections.abc import Callable

from agent.domain.audience import THE_HUB, Audience
from agent.domain.effects import Post
from agent.domain.envelope import SIGNALING, WANT_NOTHING, Envelope
from agent.domain.events import Instant
from agent.domain.ledger import Ledger
from agent.domain.messages import Parameters
from agent.domain.names import HUB
from agent.domain.signals import TYPE_OF, SignalLogin
from agent.routing.admission import Admission
from agent.routing.signing import Signing
from agent.wire.keys import Identity

LINK = "signal"
"""Signals are counted for themselves, beside what a station sends over the links."""


class StationNotary:
    """The keys of station `me`, used; see Notary in links/p2p/settings."""

    def __init__(
        self,
        me: Identity,
        admission: Admission,
        ledger: Callable[[], Ledger],
        now: Callable[[], Instant],
        new_id: Callable[[], str],
    ) -> None:
        self._admission, self._ledger, self._now, self._new_id = admission, ledger, now, new_id
        self._signing = Signing(me, ledger, now)

    def login(self, login: SignalLogin) -> bytes:
        """The signed frame of a login."""
        return self._sign(THE_HUB, HUB, login)

    def seal(self, to: str, signal: Parameters) -> bytes:
        """The sealed container of a signal; raises LookupError if there is no such member."""
        sealed = self._signing.sealed(to, self._sign(Audience("station", to), to, signal))
        if sealed is None:
            raise LookupError(to)
        return sealed

    def open(self, sender: str, sealed: bytes) -> tuple[Envelope, Parameters]:
        """What is in a container from `sender`; raises FrameRefused."""
        admitted = self._admission.admit(LINK, sender, sealed, self._ledger(), self._now(), SIGNALING)
        return admitted.envelope, admitted.params

    def _sign(self, to: Audience, recipient: str, params: Parameters) -> bytes:
        post = Post(self._new_id(), to, (recipient,), TYPE_OF[type(params)], params, want=WANT_NOTHING)
        return self._signing.sign(post).frame
