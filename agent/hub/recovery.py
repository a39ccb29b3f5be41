"""A hub that was put back from a backup: it publishes nothing before it has taken back all that it once published."""

# The stations have the newer entries of the ledger, each signed by this very hub and linked to the one before, so it
# needs to believe nobody: a station that hears an older head than its own gives back what follows it (ledger.part),
# and every message carries its sender's head. Appending before that would make a second history, which every station
# refuses. It is over when each station that has an account was heard and none knows a newer head, or when IT says so.
#
# kept "restored" "hub": JSON of Restored, as long as that lasts.

import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct

from agent.domain.effects import Effect, Keep
from agent.domain.errors import NmrError
from agent.domain.events import Arrived
from agent.domain.ledger import LedgerRefused
from agent.domain.messages import LedgerPart
from agent.hub.accounts import Accounts
from agent.hub.core import Core
from agent.hub.kept import write_kept
from agent.hub.publisher import Publisher
from agent.routing.bucket import Buckets
from agent.system.log import event
from agent.system.store import Store
from agent.wire.frame import FrameRefused

log = logging.getLogger(__name__)

KIND, ID = "restored", "hub"

GIVEN_PER_S, GIVEN_AT_ONCE = 0.5, 20
"""How often a station may give something back: each time up to 64 signatures are checked."""


class Restored(Struct, frozen=True, kw_only=True):
    """When the backup was made and put back, ms UTC, and the least that the ledger must reach, 0 if unknown."""

    made_ms: int
    at_ms: int
    least: int = 0


class Recovery:
    """`restored` is None for a hub that was not. `start` runs a coroutine to its end, whoever goes."""

    def __init__(
        self,
        restored: Restored | None,
        *,
        core: Core,
        publisher: Publisher,
        accounts: Accounts,
        store: Store,
        start: Callable[[Coroutine[Any, Any, None]], object],
    ) -> None:
        self._restored, self._core, self._publisher = restored, core, publisher
        self._accounts, self._store, self._start = accounts, store, start
        self._heads: dict[str, int] = {}
        self._turns = Buckets(GIVEN_PER_S, GIVEN_AT_ONCE)
        publisher.set_back = restored is not None

    def watch(self, happened: object, _: Sequence[Effect]) -> None:
        """A message came: whose head is newer, and what of the ledger does it bring?"""
        if not isinstance(happened, Arrived):
            return
        envelope = happened.envelope
        # Of any hub: one whose whole disk was set back knows nothing of it.
        if isinstance(happened.params, LedgerPart) and self._turns.take("", envelope.sender, time.monotonic()):
            self._start(self._take(envelope.sender, happened.params.entries))
        if self._restored is None:
            return
        if envelope.head is not None:
            self._heads[envelope.sender] = max(envelope.head[0], self._heads.get(envelope.sender, 0))
        if self._complete():
            self._start(self._end("complete"))

    @property
    def under_way(self) -> bool:
        """Whether it is not over."""
        return self._restored is not None

    def status(self) -> dict[str, Any] | None:
        """Return how far it is; None for a hub that knows all it ever said.

        {made_ms, at_ms, seq, newest (head that anybody knows), waiting: [station not heard yet]}
        """
        if self._restored is None:
            return None
        return {
            "made_ms": self._restored.made_ms,
            "at_ms": self._restored.at_ms,
            "seq": self._core.ledger.seq,
            "newest": self._newest(),
            "waiting": [station for station in self._with_account() if station not in self._heads],
        }

    def lost(self) -> list[str]:
        """Return the members that came after the backup: their accounts and keys are gone."""
        return sorted(one.station for one in self._core.ledger.active() if one.station not in self._accounts)

    def alarms(self) -> list[str]:
        """Return a sentence for each thing that somebody must know or do."""
        told = []
        if (found := self.status()) is not None:
            made = datetime.fromtimestamp(found["made_ms"] / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M")
            short = found["newest"] - found["seq"]
            missing = f"{short} entries of the list of members are missing. " if short > 0 else ""
            waiting = f"Not heard yet: {', '.join(found['waiting'])}. " if found["waiting"] else ""
            told.append(
                f"The hub was restored from the backup of {made} and invites, enrols and revokes nobody until it has "
                f"heard every station. {missing}{waiting}If they stay away: nmr hub settle"
            )
        told += [
            f"{station} joined after the backup that was restored: its account is gone. "
            f"Run: nmr hub revoke {station}; then invite it again"
            for station in self.lost()
        ]
        return told

    async def settle(self) -> None:
        """IT says that nothing newer will come; raises NmrError."""
        await self._end("settled")

    async def _take(self, station: str, entries: Sequence[str]) -> None:
        """Take back consecutive entries, as far as they follow; whoever was shown out by one is shown out again."""
        if self._core.forks.open:  # which of two histories it is, IT says
            return
        for entry in entries:
            try:
                after = await self._publisher.take_back(entry.encode(), self._gone)
            except (LedgerRefused, FrameRefused) as refused:
                if refused.code == "rollback":
                    continue
                event(log, "not-taken-back", logging.WARNING, station=station, code=refused.code)
                return
            except NmrError:
                log.exception("an entry of the ledger could not be taken back")
                return
            for revoked in [one.station for one in after.members.values() if one.revoked]:
                if revoked in self._accounts:
                    await self._accounts.drop(revoked)
        if self._complete():
            await self._end("complete")

    def _gone(self, station: str) -> list[Keep]:
        """What goes from the disk together with a member."""
        return [Accounts.keep_none(station), *self._core.proofs.drop(station)]

    def _with_account(self) -> list[str]:
        return sorted(one.station for one in self._core.ledger.active() if one.station in self._accounts)

    def _newest(self) -> int:
        assert self._restored is not None
        return max(self._restored.least, self._core.ledger.seq, *self._heads.values(), 0)

    def _complete(self) -> bool:
        if self._restored is None or self._newest() > self._core.ledger.seq:
            return False
        return all(station in self._heads for station in self._with_account())

    async def _end(self, why: str) -> None:
        if self._restored is None:
            return
        await write_kept(self._store, [Keep(KIND, ID, None)])
        self._restored, self._publisher.set_back = None, False
        event(log, "restored", why=why, seq=self._core.ledger.seq)
