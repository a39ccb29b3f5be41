"""The one way in: every check a sealed container passes before it counts, cheapest first.

    size, rate -> my kid, open -> frame grammar -> kid known and not revoked -> signature -> strict JSON -> schema
    -> site, sender owns the kid -> link and channel agree -> the audience is me -> time -> rights

Each refusal has a code of its own (REFUSALS), counted and logged with hash, length and a safe prefix.
"""

from dataclasses import dataclass

from agent.domain.audience import EVERYBODY, Audience
from agent.domain.envelope import LIFE_MS, MINUTE_MS, PROOF_TYPES, SEALED_BYTES, Envelope, channel_kinds
from agent.domain.events import Instant
from agent.domain.ledger import Ledger, Member, is_meant
from agent.domain.messages import Parameters
from agent.domain.rights import may
from agent.routing.bucket import Buckets
from agent.wire.frame import FrameRefused, UnknownType, read_body, take_apart, verify
from agent.wire.keys import Identity
from agent.wire.seal import open_sealed

AHEAD_MS = 2 * MINUTE_MS
TIMELESS = frozenset({"probe", "ledger.get", *PROOF_TYPES})

REFUSALS = (
    "size",
    "rate",
    "container",
    "not-mine",
    "seal",
    "frame",
    "version",
    "unknown-kid",
    "revoked",
    "signature",
    "json",
    "schema",
    "type",
    "site",
    "sender",
    "link",
    "channel",
    "audience",
    "life",
    "ahead",
    "expired",
    "rights",
)
"""Every code `admit` refuses with."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A message that counts, with the bytes its sender signed."""

    envelope: Envelope
    params: Parameters
    frame: bytes
    expired: bool
    unverified: bool


class Admission:
    """The checks, bound to who we are; whoever is revoked gets nothing any more."""

    def __init__(self, me: Identity, buckets: Buckets) -> None:
        self._me = me
        self._buckets = buckets

    def admit(
        self, link: str, peer: str | None, sealed: bytes, ledger: Ledger, now: Instant, channel: str = ""
    ) -> Admitted:
        """Return the message in `sealed`; raises FrameRefused with one of REFUSALS.

        `peer` is the station the link vouches for, or None where it knows none.
        """
        self.enter(link, peer, sealed, now)
        return self.check(peer, sealed, ledger, now, channel)

    def enter(self, link: str, peer: str | None, sealed: bytes, now: Instant) -> None:
        """The cheap half, which counts what a peer sends; raises FrameRefused("size" | "rate")."""
        if len(sealed) > SEALED_BYTES:
            raise FrameRefused("size")
        if not self._buckets.take(link, peer or "", now.mono):
            raise FrameRefused("rate")

    def check(self, peer: str | None, sealed: bytes, ledger: Ledger, now: Instant, channel: str = "") -> Admitted:
        """The costly half, which changes nothing and so may run in any thread."""
        frame = open_sealed(sealed, self._me)
        parts = take_apart(frame)
        owner = ledger.owner(parts.kid)
        if owner is None:
            raise FrameRefused("unknown-kid")
        if owner.revoked:
            raise FrameRefused("revoked")
        verify(parts, owner.sign)
        try:
            envelope, params = read_body(parts.body)
        except UnknownType as unknown:
            self._check_address(unknown.envelope, owner, peer, ledger)
            raise
        audience = self._check_address(envelope, owner, peer, ledger)
        _check_channel(envelope, params, channel)
        expired = _check_time(envelope, now)
        if not may(owner.roles, envelope.type, audience):
            raise FrameRefused("rights", f"{owner.station} may not send {envelope.type} to {audience}")
        return Admitted(envelope, params, frame, expired, not now.anchored)

    def _check_address(self, envelope: Envelope, owner: Member, peer: str | None, ledger: Ledger) -> Audience:
        if envelope.site != self._me.site:
            raise FrameRefused("site")
        if envelope.sender != owner.station or envelope.sender == self._me.station:
            raise FrameRefused("sender")
        if peer is not None and peer != envelope.sender:
            raise FrameRefused("link", f"{peer} carried a message of {envelope.sender}")
        audience = envelope.audience
        if audience is None or not self._is_meant(audience, ledger):
            raise FrameRefused("audience")
        return audience

    def _is_meant(self, audience: Audience, ledger: Ledger) -> bool:
        """A newcomer does not stand in its own ledger yet, and must hear the hub to get there."""
        mine = ledger.members.get(self._me.station)
        if mine is None:
            return audience in (EVERYBODY, Audience("station", self._me.station))
        return not mine.revoked and is_meant(mine, audience)


def _check_channel(envelope: Envelope, params: Parameters, channel: str) -> None:
    """Proofs of keys travel on their own channels, nothing else does, and a round's words only on its own."""
    kind, _, round_ = channel.partition("/")
    about = getattr(params, "about" if envelope.type == "auth.refused" else "round", None)
    if kind not in channel_kinds(envelope.type) or (round_ and round_ != about):
        raise FrameRefused("channel", f"{envelope.type} on {channel or 'the inbox'}")


def _check_time(envelope: Envelope, now: Instant) -> bool:
    """Return whether it has expired; an answer to nothing is refused, a page of the past is listed as missed.

    A probe is never refused for its time: it is what brings the time to a clock that is wrong, and its answer
    counts only for the probe it names. So it is with proofs of keys: their nonces say whether they are new. By mail no
    probe goes: there the first question is for the ledger, which anybody may have again. Where we have no time of the
    hub's, what it signed before says at least what is over.
    """
    life = envelope.exp - envelope.at
    if not 0 < life <= LIFE_MS[envelope.type]:
        raise FrameRefused("life")
    if envelope.type in TIMELESS:
        return False
    if now.anchored and envelope.at > now.ms + AHEAD_MS:
        raise FrameRefused("ahead")
    if envelope.exp > now.sure_ms:
        return False
    if envelope.type != "page.new":
        raise FrameRefused("expired")
    return True
