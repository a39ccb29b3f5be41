"""Writes the site's ledger: an entry is on disk and pinned before anybody hears of it."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from agent.domain.effects import Keep
from agent.domain.errors import NmrError, TryLater
from agent.domain.events import Instant
from agent.domain.ledger import Ledger, LedgerRefused
from agent.domain.names import HUB
from agent.hub.core import Appended
from agent.hub.entries import genesis_value, make_entry
from agent.hub.kept import write_kept
from agent.system.log import event
from agent.system.pin import Pin, save_pin
from agent.system.store import Store
from agent.wire.keys import Identity
from agent.wire.ledger import read_entry

log = logging.getLogger(__name__)


class Publisher:
    """The only one who appends; one entry after the other.

    `ledger` is the state now, `appended` is told the state after each entry, `split` says whether there is a second
    history with our signature. Whoever calls must not be cancelled
    on the way: an entry on disk that the core does not know would be written a second time, and that is a fork.
    """

    def __init__(
        self,
        *,
        me: Identity,
        store: Store,
        folder: Path,
        ledger: Callable[[], Ledger],
        now: Callable[[], Instant],
        new_id: Callable[[], str],
        appended: Callable[[Appended], None],
        split: Callable[[], object] = lambda: False,
    ) -> None:
        self._me, self._store, self._folder, self._ledger = me, store, folder, ledger
        self._now, self._new_id, self._appended, self._split = now, new_id, appended, split
        self._writing = asyncio.Lock()
        self.set_back = False
        """Whether newer entries than ours may have been published: then none is appended."""

    def refuse_if_stopped(self) -> None:
        """Raise while appending would split the site in two, or go on splitting it: TryLater, NmrError."""
        if self._split():
            raise NmrError(
                "The list of members is split in two",
                "Somebody has entries with this hub's signature that are not in its list: find out which list is right "
                "(docs/ledger.md, “A split list”). If it is this hub's: nmr hub settle",
                code="split",
            )
        if self.set_back:
            raise TryLater(
                "The hub was restored from a backup and waits for its stations",
                "They give back what it published since. Look at: nmr hub status; who stays away is not waited for "
                "after: nmr hub settle",
                code="restored",
            )

    async def begin(self) -> None:
        """Write the first entry of a new site, and pin what is there."""
        ledger = self._ledger()
        if ledger.seq == 0:
            await self.append("genesis", HUB, genesis_value(self._me))
        else:
            self._pin(ledger)

    async def append(self, op: str, subject: str, value: Mapping[str, object], also: Sequence[Keep] = ()) -> None:
        """Append an entry and commit `also` with it; raises NmrError if it may not follow or cannot be saved."""
        async with self._writing:
            self.refuse_if_stopped()
            before = self._ledger()
            frame = make_entry(before, self._me, op, subject, value, id_=self._new_id(), at=self._now().ms)
            try:
                after = read_entry(before, frame)
            except LedgerRefused as refused:
                raise NmrError("The list of members cannot be changed so", str(refused), code="ledger") from refused
            await self._write(frame, after, also)
            event(log, "ledger", seq=after.seq, op=op, subject=subject)

    async def take_back(self, frame: bytes, gone: Callable[[str], Sequence[Keep]]) -> Ledger:
        """Take an entry that we published and forgot; `gone` is committed with it for each member that it revokes.

        Returns the ledger after it. Raises LedgerRefused, FrameRefused, NmrError.
        """
        async with self._writing:
            before = self._ledger()
            after = read_entry(before, frame)
            revoked = [one.station for one in before.active() if after.member(one.station) is None]
            await self._write(frame, after, [keep for station in revoked for keep in gone(station)])
            event(log, "ledger-taken-back", seq=after.seq)
            return after

    async def _write(self, frame: bytes, after: Ledger, also: Sequence[Keep]) -> None:
        """Commit an entry and what belongs to it, pin it, then let it be known."""
        await write_kept(self._store, [Keep("ledger", f"{after.seq:012d}", frame), *also])
        self._pin(after)
        self._appended(Appended(frame, after))

    def _pin(self, ledger: Ledger) -> None:
        """The store is right without the pin; the next entry pins again."""
        try:
            save_pin(self._folder, Pin(ledger.seq, ledger.head))
        except NmrError as error:
            log.error("the ledger's head cannot be pinned: %s", error)  # noqa: TRY400 - the words say where
