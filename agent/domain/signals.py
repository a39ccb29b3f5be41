"""SIGNALS: what stations say beside all links, so that two of them find a direct way to each other."""

from typing import Annotated

from msgspec import Meta

from agent.domain.envelope import Id
from agent.domain.messages import Count, HashText, Parameters, Token

PcId = Id
"""One attempt of two stations to open a connection."""
Fingerprint = Annotated[str, Meta(pattern=r"\A([0-9A-F]{2}:){31}[0-9A-F]{2}\Z")]
"""SHA-256 of the certificate a station shows in one connection."""
SdpLines = Annotated[tuple[Annotated[str, Meta(pattern=r"\A[ -~]{1,512}\Z")], ...], Meta(min_length=1, max_length=256)]
"""A session description line by line, for no text on the wire has control characters in it."""


class SignalLogin(Parameters, frozen=True, kw_only=True):
    """Station to signaling server: I am the one who signed this, and you are who I dialled, `host`:port."""

    challenge: Token
    host: Annotated[str, Meta(pattern=r"\A[!-~]{1,261}\Z")]


class SignalOffer(Parameters, frozen=True, kw_only=True):
    """Let us open the connection `pc`; `fp` is the one fingerprint in `sdp`, whose line ends are left out."""

    pc: PcId
    n: Count
    fp: Fingerprint
    sdp: SdpLines


class SignalAnswer(Parameters, frozen=True, kw_only=True):
    """Yes, to exactly the offer with this hash."""

    pc: PcId
    n: Count
    fp: Fingerprint
    sdp: SdpLines
    offer_hash: HashText


class SignalIce(Parameters, frozen=True, kw_only=True):
    """One more address at which I might be reached."""

    pc: PcId
    n: Count
    candidate: Annotated[str, Meta(pattern=r"\A[ -~]{1,512}\Z")]


class SignalBye(Parameters, frozen=True, kw_only=True):
    """I have no part in the connection `pc`, or not any more."""

    pc: PcId
    why: Annotated[str, Meta(max_length=32)] = ""


SIGNALS: dict[str, type[Parameters]] = {
    "signal.login": SignalLogin,
    "signal.offer": SignalOffer,
    "signal.answer": SignalAnswer,
    "signal.ice": SignalIce,
    "signal.bye": SignalBye,
}
"""Every type of signal; they concern the link and the signaling server, and no core ever sees one."""

TYPE_OF = {schema: type_ for type_, schema in SIGNALS.items()}
"""The type of each kind of signal."""
