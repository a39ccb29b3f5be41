"""Splits of the ledger that stations show to the hub: somebody signs with our key what we did not write."""

from collections.abc import Callable

from agent.domain.effects import Effect, Note
from agent.domain.events import Arrived, Instant
from agent.domain.heads import LedgerFork
from agent.domain.ledger import Ledger
from agent.routing.bucket import Buckets
from agent.wire.ledger import all_statements

SHOWN_PER_S, SHOWN_AT_ONCE = 0.1, 4
"""How often one station may show one: each time two signatures are checked."""


class Forks:
    """Who showed which, as long as this run lasts; the stations keep it for longer. `ledger` is the newest."""

    def __init__(self, ledger: Callable[[], Ledger]) -> None:
        self._ledger = ledger
        self._shown: dict[int, str] = {}
        self._turns = Buckets(SHOWN_PER_S, SHOWN_AT_ONCE)

    def heard(self, event: Arrived, fork: LedgerFork, now: Instant) -> list[Effect]:
        """A station shows a fork; only two signatures of ours with different hashes for one entry prove it."""
        sender = event.envelope.sender
        if not self._turns.take("", sender, now.mono):
            return []
        found = all_statements(self._ledger(), (text.encode() for text in fork.evidence))
        proven = [seq for seq, hashes in found.items() if len(hashes) > 1 and seq not in self._shown]
        self._shown.update(dict.fromkeys(proven, sender))
        return [Note("ledger fork", {"seq": seq, "station": sender}) for seq in proven]

    def alarms(self) -> list[str]:
        """Return a sentence for each."""
        return [
            f"{station} has two entries number {seq} of the list of members, both signed with this hub's key: members "
            "are frozen everywhere. See docs/ledger.md, “A split list”"
            for seq, station in sorted(self._shown.items())
        ]
