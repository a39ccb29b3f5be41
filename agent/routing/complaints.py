"""At most one `error` an hour to each station that sends what this version cannot understand."""

from dataclasses import dataclass

from agent.domain.ledger import Ledger
from agent.links.base import Delivery
from agent.wire.frame import FrameRefused, UnknownType

HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Complaint:
    """Tell `station` with this code that we could not read it; `re` is its message, where that could be known."""

    station: str
    code: str
    re: str | None = None


class Complaints:
    """Who was told when; monotonic seconds."""

    def __init__(self) -> None:
        self._told: dict[str, float] = {}

    def about(self, refused: FrameRefused, delivery: Delivery, ledger: Ledger, now: float) -> Complaint | None:
        """Return what to say about a refusal, None if nothing.

        An unknown type is its signer's. A frame of another version cannot be verified: whom the link vouches for
        is told, if it is a member.
        """
        if isinstance(refused, UnknownType):
            found = Complaint(refused.envelope.sender, "unknown-type", refused.envelope.id)
        elif refused.code == "version" and delivery.sender is not None and ledger.member(delivery.sender) is not None:
            found = Complaint(delivery.sender, "unknown-version")
        else:
            return None
        if now - self._told.get(found.station, now - HOUR_S) < HOUR_S:
            return None
        self._told[found.station] = now
        return found
