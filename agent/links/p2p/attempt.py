"""One connection being made, and whether what the other side says about it is acceptable."""

from dataclasses import dataclass

from agent.domain.signals import SignalAnswer, SignalIce, SignalOffer
from agent.wire.signals import DescriptionRefused, check_description, offer_hash

FORGET_S = 240.0
"""Names of connections are remembered longer than any signal about them counts."""
MOST_CANDIDATES = 32
MOST_KNOWN = 1024


@dataclass(slots=True)
class Attempt:
    """The connection `pc`; `at` is when the peer made the newest of its signals about it that counted, by its clock."""

    pc: str
    caller: bool
    at: int = 0
    offer: SignalOffer | None = None
    n: int = 0
    candidates: int = 0

    def refusal(self, answer: SignalAnswer) -> str:
        """Why this is not the answer to our offer, or nothing."""
        if answer.n != 0:
            return "order"
        if self.offer is None or answer.offer_hash != offer_hash(self.offer):
            return "offer"
        return refusal_of(answer)

    def takes(self, ice: SignalIce) -> bool:
        """Count a candidate; False if it is for another connection, out of order or one too many."""
        if ice.pc != self.pc or ice.n <= self.n or self.candidates >= MOST_CANDIDATES:
            return False
        self.n, self.candidates = ice.n, self.candidates + 1
        return True


def refusal_of(description: SignalOffer | SignalAnswer) -> str:
    """Why this may not begin a connection, or nothing."""
    if description.n != 0:
        return "order"
    try:
        check_description(description.fp, description.sdp)
    except DescriptionRefused as refused:
        return refused.code
    return ""


class Known:
    """Every connection that was named lately, so that none begins twice."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def __contains__(self, pc: str) -> bool:
        return pc in self._until

    def add(self, pc: str, now: float) -> None:
        """Remember this one; the oldest are forgotten."""
        self._until[pc] = now + FORGET_S
        while len(self._until) > MOST_KNOWN:
            del self._until[next(iter(self._until))]

    def forget_old(self, now: float) -> None:
        """Forget those that no signal can name any more."""
        self._until = {pc: until for pc, until in self._until.items() if until > now}
