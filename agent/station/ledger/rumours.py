"""Who says that the ledger goes further than we know: the hub is asked for it, then they, and then it is only told."""

from dataclasses import dataclass

from agent.domain.effects import Effect, Note, Refresh, Tell, WakeAt
from agent.domain.envelope import MINUTE_MS
from agent.domain.events import Instant
from agent.domain.names import HUB

FIRST_S, LONGEST_S = 5.0, 3600.0
"""How long the hub has before a colleague is asked, and the longest pause between two questions to one."""
REFUTED_S = 60.0
"""How long a claim may stand after the hub said that its ledger is shorter."""
SKEW_MS = 2 * MINUTE_MS
"""What two clocks may differ."""
PATIENCE_S = 6 * 3600.0
"""How long a claim may stand where nobody answers: mail takes its time."""


@dataclass(slots=True)
class Claim:
    """Somebody's head: `seq`, `at` when it was said (ms UTC), since when we know of it, when to ask next, whether the
    hub says otherwise.
    """

    seq: int
    at: int
    since: float
    ask_at: float
    pause: float = FIRST_S
    refuted: bool = False
    told: bool = False


class Rumours:
    """The open claims by station; `heeded` is only off to show what it is for."""

    def __init__(self, *, heeded: bool = True) -> None:
        self._claims: dict[str, Claim] = {}
        self._heeded = heeded

    def heard(self, station: str, seq: int, at: int, now: Instant) -> bool:
        """Remember a claim; False for one that people were told of and that nobody asks about any more."""
        claim = self._claims.get(station)
        if claim is None:
            self._claims[station] = Claim(seq, at, now.mono, now.mono + FIRST_S)
            return True
        if seq > claim.seq:
            claim.seq, claim.at = seq, at
        return not claim.told

    def refuted(self, seq: int, at: int) -> None:
        """The hub said `at` that its ledger ends at `seq`: that counts against what was claimed before."""
        for claim in self._claims.values():
            claim.refuted |= claim.seq > seq and at > claim.at + SKEW_MS

    def reached(self, seq: int) -> None:
        """We know the ledger up to `seq`: what was claimed was true."""
        self._claims = {station: claim for station, claim in self._claims.items() if claim.seq > seq}

    def hurry(self, station: str, at: float) -> list[Effect]:
        """A colleague has more for us; ask at this monotonic time."""
        claim = self._claims.get(station)
        if claim is None or claim.told:
            return []
        claim.ask_at, claim.pause = at, FIRST_S
        return [WakeAt(at)]

    def due(self, now: Instant) -> list[str]:
        """Return whom to ask now, the hub among them; each is asked less and less often."""
        due = [
            (station, claim) for station, claim in self._claims.items() if not claim.told and claim.ask_at <= now.mono
        ]
        for _, claim in due:
            claim.pause = min(2 * claim.pause, LONGEST_S)
            claim.ask_at = now.mono + claim.pause
        return [station for station, _ in due]

    def woke(self, now: Instant) -> list[Effect]:
        """Tell of what nobody could show, and wake for the next question."""
        effects: list[Effect] = []
        for station, claim in self._claims.items():
            if claim.told:
                continue
            if now.mono >= claim.since + (REFUTED_S if claim.refuted else PATIENCE_S):
                claim.told = True
                effects += _told(station, claim.seq) if self._heeded else []
            else:
                effects.append(WakeAt(min(claim.ask_at, claim.since + REFUTED_S) if claim.refuted else claim.ask_at))
        return effects


def _told(station: str, seq: int) -> list[Effect]:
    who = "the hub" if station == HUB else station
    values = {"station": who, "seq": str(seq)}
    return [Note("ledger ahead", values), Tell("notice.ledger-ahead", values, key="ledger"), Refresh()]
