"""A station's keys at work for this API: signs and seals what leaves, checks what comes, like all messages."""

import time

from agent.domain.audience import THE_HUB, Audience
from agent.domain.effects import Post
from agent.domain.envelope import QUIET, SIGNALING, WANT_NOTHING, WANT_STORED, Envelope
from agent.domain.events import Instant
from agent.domain.messages import Parameters
from agent.domain.signals import TYPE_OF, SignalLogin
from agent.domain.texts import Text
from agent.links.p2p.events import Signal
from agent.p2p_api.members import Members
from agent.routing.admission import Admission
from agent.routing.bucket import Buckets
from agent.routing.signing import Signing
from agent.system.ids import new_id
from agent.wire.keys import Identity

RATE, BURST = 5000.0, 10_000.0
"""More than one peer sends however it hurries."""


class Notary:
    """The notary of the link, and of the texts that travel over it.

    No hub tells the time here, so the age of what comes is not judged: a replay finds no connection that it fits to.
    """

    def __init__(self, me: Identity, members: Members) -> None:
        self._members = members
        self._admission = Admission(me, Buckets(RATE, BURST))
        self._signing = Signing(me, members.ledger, _now)

    def login(self, login: SignalLogin) -> bytes:
        """The signed frame of a login, to the hub."""
        return self._signing.sign(Post(new_id(), THE_HUB, (), "signal.login", login, want=WANT_NOTHING)).frame

    def seal(self, to: str, signal: Signal) -> bytes:
        """The sealed container of a signal for station `to`; raises LookupError if there is no such member."""
        return self._sealed(
            Post(new_id(), Audience("station", to), (to,), TYPE_OF[type(signal)], signal, want=WANT_NOTHING)
        )

    def text(self, to: str, text: Text) -> tuple[str, bytes]:
        """The id and the sealed container of a text; raises LookupError."""
        id_ = new_id()
        return id_, self.message(to, "text", text, id_, WANT_STORED)

    def message(self, to: str, type_: str, params: Parameters, id_: str, want: int = WANT_NOTHING) -> bytes:
        """The sealed container of any message for station `to`; raises LookupError."""
        return self._sealed(Post(id_, Audience("station", to), (to,), type_, params, want=want, prio=QUIET))

    def open(self, sender: str, sealed: bytes) -> tuple[Envelope, Parameters]:
        """The signal in a container from `sender`, for us, signed and allowed; raises FrameRefused."""
        return self._opened(sender, sealed, SIGNALING)

    def take(self, sender: str, sealed: bytes) -> tuple[Envelope, Parameters]:
        """The message that came from `sender` over a channel, in the same way; raises FrameRefused."""
        return self._opened(sender, sealed, "")

    def _opened(self, sender: str, sealed: bytes, channel: str) -> tuple[Envelope, Parameters]:
        admitted = self._admission.admit("p2p", sender, sealed, self._members.ledger(), _now(), channel)
        return admitted.envelope, admitted.params

    def _sealed(self, post: Post) -> bytes:
        (to,) = post.recipients
        self._members.find(to)
        sealed = self._signing.sealed(to, self._signing.sign(post).frame)
        if sealed is None:
            raise LookupError(f"{to} is no member")
        return sealed


def _now() -> Instant:
    return Instant(time.monotonic(), round(time.time() * 1000), anchored=False)
