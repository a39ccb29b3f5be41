"""Splits of the ledger that stations show to the hub: from then on it writes nothing, until IT has settled it."""

# kept "fork" "<seq, 12 digits>": JSON of Fork; once it is settled `at` says when. What was signed before that proves
# nothing any more: late mails and colleagues who show it again shall not begin it anew.

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from agent.domain.effects import Effect, Keep, Note, Reply
from agent.domain.events import Arrived, Instant
from agent.domain.heads import Fork, LedgerFork, short
from agent.domain.ledger import Ledger, frame_hash
from agent.routing.bucket import Buckets
from agent.wire.ledger import all_statements, signed_at

KIND = "fork"

SHOWN_PER_S, SHOWN_AT_ONCE = 0.1, 4
"""How often one station may show one: each time two signatures are checked."""


@dataclass(frozen=True, slots=True)
class SettleAsked:
    """IT says that the hub's own list is the right one."""

    ticket: int


class Forks:
    """Every fork that was proven here; `ledger` is the newest, `frames` its entries from the first."""

    def __init__(
        self, ledger: Callable[[], Ledger], frames: Callable[[], Sequence[bytes]], kept: Iterable[Fork] = ()
    ) -> None:
        self._ledger, self._frames = ledger, frames
        self._known = {fork.seq: fork for fork in kept}
        self._turns = Buckets(SHOWN_PER_S, SHOWN_AT_ONCE)

    @property
    def open(self) -> list[Fork]:
        """What nobody has settled; while there is one, the hub writes no entry."""
        return [fork for _, fork in sorted(self._known.items()) if not fork.resolved]

    def heard(self, event: Arrived, shown: LedgerFork, now: Instant) -> list[Effect]:
        """A station shows a fork; only two signatures of ours with different hashes for one entry prove it.

        One of them may be that of the entry we have ourselves.
        """
        sender, effects = event.envelope.sender, list[Effect]()
        if not self._turns.take("", sender, now.mono):
            return []
        frames, ours = self._frames(), set(self._frames())
        evidence = [text.encode() for text in shown.evidence]
        counted = [frame for frame in evidence if frame in ours or signed_at(frame) > self._settled_ms]
        for seq, hashes in sorted(all_statements(self._ledger(), counted).items()):
            own = short(frame_hash(frames[seq - 1])) if 0 < seq <= len(frames) else min(hashes)
            other = next(iter(sorted(hashes - {own})), "")
            before = self._known.get(seq)
            if other and (before is None or before.resolved):
                self._known[seq] = fork = Fork(seq, own, other, now.ms, sender)
                effects += [Keep(KIND, f"{seq:012d}", fork), Note("ledger fork", {"seq": seq, "station": sender})]
        return effects

    def settle(self, asked: SettleAsked, now: Instant) -> list[Effect]:
        """IT has looked: go on with the list as it is here."""
        kept: list[Effect] = []
        for fork in self.open:
            self._known[fork.seq] = settled = replace(fork, at=now.ms, resolved=True)
            kept.append(Keep(KIND, f"{fork.seq:012d}", settled))
        return [*kept, Reply(asked.ticket)]

    def alarms(self) -> list[str]:
        """Return a sentence for each."""
        return [
            f"{fork.by} has two entries number {fork.seq} of the list of members, both signed with this hub's key: "
            "nobody is invited, enrolled or revoked any more, and the stations change nothing. "
            "See docs/ledger.md, “A split list”"
            for fork in self.open
        ]

    @property
    def _settled_ms(self) -> int:
        """When IT last settled one."""
        return max((fork.at for fork in self._known.values() if fork.resolved), default=0)
