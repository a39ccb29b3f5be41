"""The members of a site, as the agents of this computer's profiles keep them."""

import logging
import sqlite3
import time
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from agent.domain.errors import NmrError
from agent.domain.ledger import Ledger, LedgerRefused, Member
from agent.wire.frame import FrameRefused
from agent.wire.ledger import read_entry

LOOK_S = 1.0
"""A revocation counts here so long after the agent of a profile wrote it down."""

_NEWER = "SELECT body FROM kept WHERE kind = 'ledger' AND id > ? ORDER BY id"

log = logging.getLogger(__name__)


class Members:
    """The ledger that begins with `genesis`, as far as any of the stores has it; each entry is verified.

    The stores are only read. A program that says nothing and hears nothing does not look.
    """

    def __init__(self, site: str, genesis: bytes, stores: Iterable[Path]) -> None:
        try:
            self._ledger = read_entry(Ledger(site), genesis)
        except (LedgerRefused, FrameRefused) as error:
            raise NmrError("The list of members is damaged", str(error), code="ledger-damaged") from error
        self._stores = tuple(stores)
        self._look_at = 0.0

    def ledger(self) -> Ledger:
        """The newest one, at most a second old."""
        if time.monotonic() >= self._look_at:
            self._look()
        return self._ledger

    def find(self, station: str) -> Member | None:
        """The active member of this name; one nobody has heard of is looked for at once."""
        found = self.ledger().member(station)
        if found is None:
            self._look()
            found = self._ledger.member(station)
        return found

    def _look(self) -> None:
        for store in self._stores:
            try:
                for frame in self._newer(store):
                    self._ledger = read_entry(self._ledger, frame)
            except (sqlite3.Error, LedgerRefused, FrameRefused) as error:
                log.warning("the list of members in %s cannot be used: %s", store, error)
        self._look_at = time.monotonic() + LOOK_S

    def _newer(self, store: Path) -> list[bytes]:
        if not store.exists():
            return []  # no agent has run here yet
        with closing(sqlite3.connect(f"{store.as_uri()}?mode=ro", uri=True)) as connection:
            return [body for (body,) in connection.execute(_NEWER, (f"{self._ledger.seq:012d}",))]
