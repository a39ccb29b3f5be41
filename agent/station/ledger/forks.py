"""Where the ledger was split in two: proven by two frames of the publisher, remembered until IT has resolved it.

A colleague's word that it knows another history freezes nobody: whoever has both halves of the proof does. So a
station that hears such a word shows its own half to whoever said it, and one that finds itself contradicted by a
frame of the publisher shows both to everybody.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from agent.domain.effects import Effect, Keep, Note, Refresh, ShowFork, Tell
from agent.domain.errors import NmrError, TryLater
from agent.domain.events import Instant
from agent.domain.heads import Fork, Head, LedgerFork
from agent.routing.bucket import Buckets
from agent.station.desk import Desk

DOUBT_PER_S, DOUBTS_AT_ONCE = 1 / 600, 2
"""How often one colleague is shown our half of a proof."""

UNSURE = 0
"""When a fork was resolved, as long as the hub's word by which that was done is about entries still to come."""


class Forks:
    """Every fork that was ever proven here; `heeded` is only off to show what it is for."""

    def __init__(self, desk: Desk, kept: Iterable[Fork] = (), *, heeded: bool = True) -> None:
        self._desk, self._heeded = desk, heeded
        self._known = {fork.seq: fork for fork in kept}
        self._doubts = Buckets(DOUBT_PER_S, DOUBTS_AT_ONCE)

    @property
    def open(self) -> Fork | None:
        """The first fork that nobody has resolved; while there is one, the list of members stays as it is."""
        return next((fork for _, fork in sorted(self._known.items()) if not fork.resolved), None)

    def restart(self) -> list[Effect]:
        """A fork is told again after every start."""
        return [_told(self.open)] if self.open is not None else []

    @property
    def resolved_ms(self) -> int:
        """The hub's word by which IT last resolved one was signed then, ms UTC."""
        return max((fork.at for fork in self._known.values() if fork.resolved), default=0)

    def found(self, fork: Fork, evidence: tuple[bytes, ...], signed_ms: float) -> list[Effect]:
        """The publisher contradicts itself: freeze, say so and show it to everybody, once.

        What it signed before IT resolved one opens none again: a history that was given up is still in late mails, and
        at the stations that followed it.
        """
        before = self._known.get(fork.seq)
        if not self._heeded or (before is not None and not before.resolved) or signed_ms <= self.resolved_ms:
            return []
        self._known[fork.seq] = fork
        shown = LedgerFork(
            seq=fork.seq, one=fork.one, other=fork.other, evidence=tuple(frame.decode("ascii") for frame in evidence)
        )
        everybody = tuple(sorted({m.station for m in self._desk.ledger.active()} - {self._desk.station}))
        note = Note("ledger fork", {"seq": fork.seq, "one": fork.one, "other": fork.other, "by": fork.by})
        kept = Keep("fork", f"{fork.seq:012d}", fork)
        return [kept, _told(fork), note, ShowFork(shown, (*everybody, "hub")), Refresh()]

    def confirmed(self, head: Head) -> list[Effect]:
        """The hub's word is about an entry that we have: by that, what was resolved is sure."""
        unsure = [fork for fork in self._known.values() if fork.resolved and fork.at == UNSURE]
        self._known |= {fork.seq: replace(fork, at=head.at) for fork in unsure}
        return [Keep("fork", f"{fork.seq:012d}", self._known[fork.seq]) for fork in unsure]

    def doubted(self, sender: str, seq: int, ours: str, theirs: str, now: Instant) -> list[Effect]:
        """A colleague says it knows another history: show it our half of the proof, now and then."""
        if not self._heeded or seq in self._known or not self._doubts.take("", sender, now.mono):
            return []
        note = Note("another ledger", {"station": sender, "seq": seq, "ours": ours, "theirs": theirs})
        return [note, ShowFork(LedgerFork(seq=seq, one=ours, other=theirs), (sender,))]

    def decided_by(self, head: Head) -> bool:
        """Whether this is the hub's word that can end the fork that is open, however far the other history went."""
        return self.open is not None and head.seq >= self.open.seq and head.at > self.open.at

    def resolve(self, head: Head | None, contrary: Head | None, reached: int) -> list[Effect]:
        """IT says it is over: what the hub signed since the fork decides. Raises NmrError while it does not.

        If that is about an entry behind the last one that we `reached`, it is not sure yet that it is of our history.
        """
        fork = self.open
        if fork is None:
            raise NmrError("There is nothing to resolve", "The list of members is in one piece", code="no-fork")
        decides = max((it for it in (head, contrary) if it is not None), key=lambda it: it.at, default=None)
        if decides is None or decides.at <= fork.at or decides.seq < fork.seq:
            raise TryLater(
                "The hub has not decided yet",
                "It signs the list of members every hour: when it has done so after its repair, run this again",
                code="undecided",
            )
        if decides is contrary:
            raise NmrError(
                "This station follows the history that the hub gave up",
                "On the hub: nmr hub revoke STATION, then invite it again; here: nmr enrol INVITE in a new profile",
                code="other-history",
            )
        effects: list[Effect] = []
        for seq, each in list(self._known.items()):
            self._known[seq] = replace(each, at=decides.at if decides.seq <= reached else UNSURE, resolved=True)
            effects.append(Keep("fork", f"{seq:012d}", self._known[seq]))
        return [*effects, Note("ledger fork resolved", {"head": decides.seq}), Refresh()]


def _told(fork: Fork | None) -> Tell:
    return Tell("notice.ledger-fork", {"seq": str(fork.seq if fork else 0)}, key="ledger")
