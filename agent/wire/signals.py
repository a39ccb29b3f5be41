"""Descriptions of connections: which certificate they promise, and whether they promise nothing else."""

# signal.offer  {pc, n: 0, fp, sdp}                 caller to callee
# signal.answer {pc, n: 0, fp, sdp, offer_hash}     callee to caller; the hash of exactly this offer
# signal.ice    {pc, n: 1…, candidate}              either; n grows
# signal.bye    {pc, why}                           either
#
# sdp is a list of lines. Exactly one of them names a fingerprint, "a=fingerprint:sha-256 " and fp, and exactly one
# opens a medium, the data channel's. All is signed, so whoever carries it can refuse but not put himself in between;
# and the caller knows that the callee saw the offer it made.

import hashlib

from agent.domain.keys import pae, to_b64u
from agent.domain.signals import SignalOffer

_FINGERPRINT = "a=fingerprint:"
_OURS = "a=fingerprint:sha-256 "
_MEDIUM = "m=application "


class DescriptionRefused(ValueError):
    """A description promises not exactly one certificate, or more than a data channel; `code` says which."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def offer_hash(offer: SignalOffer) -> str:
    """What an answer must quote."""
    digest = hashlib.sha256(pae("nmr1/offer", offer.pc, str(offer.n), offer.fp, *offer.sdp)).digest()
    return to_b64u(digest)


def check_description(fp: str, sdp: tuple[str, ...]) -> None:
    """Raise DescriptionRefused("fingerprint" | "medium") unless `sdp` promises `fp` and a data channel only."""
    if [line for line in sdp if _names_a_key(line.strip().lower())] != [f"{_OURS}{fp}"]:
        raise DescriptionRefused("fingerprint")
    media = [line for line in sdp if line.strip().lower().startswith("m=")]
    if len(media) != 1 or not media[0].startswith(_MEDIUM):
        raise DescriptionRefused("medium")


def our_description(text: str) -> tuple[str, tuple[str, ...]]:
    """Fingerprint and lines of a description of our own, without the hashes nobody looks at."""
    lines = tuple(line for line in text.splitlines() if not line.startswith(_FINGERPRINT) or line.startswith(_OURS))
    fp = next(line.removeprefix(_OURS) for line in lines if line.startswith(_OURS))
    check_description(fp, lines)
    return fp, lines


def _names_a_key(low: str) -> bool:
    """Whether a line says by which key the other side is known; SDES and its like say it without a certificate."""
    return low.startswith(("a=fingerprint", "a=crypto", "a=identity", "k="))
