"""The members of a site, read from the hub's database by another process."""

import sqlite3
from contextlib import closing
from pathlib import Path

from agent.domain.errors import NmrError, Unavailable
from agent.domain.ledger import Ledger, LedgerRefused
from agent.system.database import explained
from agent.system.pin import load_pin
from agent.wire.frame import FrameRefused
from agent.wire.ledger import read_entry

_NEWER = "SELECT body FROM kept WHERE kind = 'ledger' AND id > ? ORDER BY id"


class LedgerFile:
    """The ledger of the hub whose folder this is; only what is new is read, and each entry is verified.

    The file is opened anew each time, so that a hub may stop, start, or get a backup back in between.
    """

    def __init__(self, folder: Path, site: str) -> None:
        self._folder, self._file = folder, folder / "hub.sqlite3"
        self.ledger = Ledger(site)

    def read(self) -> bool:
        """Take up what was appended; whether that was anything.

        Raises Unavailable where there is no ledger yet, NmrError if it cannot be read or is not the newest.
        """
        before = self.ledger
        for frame in self._newer():
            try:
                self.ledger = read_entry(self.ledger, frame)
            except (LedgerRefused, FrameRefused) as refused:
                raise _unusable(f"Entry {self.ledger.seq + 1} cannot be read ({refused.code})") from refused
        if self.ledger.seq == 0:
            raise _no_hub(self._file)
        if before.seq == 0:
            self._hold_against_the_pin()
        return self.ledger is not before

    def _newer(self) -> list[bytes]:
        if not self._file.exists():
            raise _no_hub(self._file)
        try:
            with closing(sqlite3.connect(f"{self._file.as_uri()}?mode=ro", uri=True)) as connection:
                return [body for (body,) in connection.execute(_NEWER, (f"{self.ledger.seq:012d}",))]
        except sqlite3.Error as error:
            raise explained(error, self._file) from error

    def _hold_against_the_pin(self) -> None:
        """What was published once can never be taken back: an older file would bring the revoked back."""
        pin = load_pin(self._folder)
        if pin is not None and self.ledger.seq < pin.seq:
            raise _unusable(f"It ends with entry {self.ledger.seq}, entry {pin.seq} was published")


def _no_hub(file: Path) -> Unavailable:
    return Unavailable(
        "There is no site yet", f"{file} has no members' list. Start the hub once with: nmr hub run", code="no-hub"
    )


def _unusable(why: str) -> NmrError:
    return NmrError("The hub's list of members is not the newest", why, code="ledger")
