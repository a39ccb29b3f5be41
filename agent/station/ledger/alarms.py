"""What is wrong with the ledger is said aloud, once for each thing."""

from math import inf

from agent.domain.effects import Effect, Note, Refresh, Tell
from agent.domain.events import Instant
from agent.domain.heads import Fork, Head
from agent.station.ledger.chain import Chain
from agent.station.ledger.forks import Forks


class Alarms:
    """`code` is what is wrong now, "" if nothing is."""

    def __init__(self, chain: Chain, forks: Forks) -> None:
        self._chain, self._forks = chain, forks
        self.code = ""

    def refused(self, code: str) -> list[Effect]:
        """What the hub said cannot be; a gap is no alarm, the entries between are under way."""
        if code in ("gap", self.code):
            return []
        self.code = code
        told = Tell("notice.ledger-alarm", {"code": code}, key="ledger")
        return [Note("ledger refused", {"code": code}), told, Refresh()]

    def forked(
        self,
        seq: int,
        other: str,
        evidence: tuple[bytes, ...],
        by: str,
        now: Instant,
        *,
        ours: str = "",
        signed_ms: float = inf,
    ) -> list[Effect]:
        """Entry `seq` has two hashes, the other one signed at `signed_ms`; see Forks.found."""
        fork = Fork(seq, ours or self._chain.hashes.get(seq, ""), other, now.ms, by)
        effects = self._forks.found(fork, evidence, signed_ms)
        self.code = "fork" if effects else self.code
        return effects

    def decided_by(self, head: Head) -> bool:
        """See Forks."""
        return self._forks.decided_by(head)

    def confirmed(self, head: Head) -> list[Effect]:
        """See Forks."""
        return self._forks.confirmed(head)

    def over(self, code: str) -> None:
        """This is not wrong any more."""
        if self.code == code:
            self.code = ""
