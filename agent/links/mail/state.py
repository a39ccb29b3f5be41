"""What we remember of a mailbox between two sessions: how far it is read, and what is under way."""

# {"mailbox": "9f86d081884c7d65", "validity": 1700000000, "last": 4711, "open": [4708, 4711], "accepted": [4708],
#  "swept": 1764000000.0}
#
# mailbox    whose numbers these are: many servers give all their folders the same few UIDVALIDITYs
# validity   UIDVALIDITY of the folder; with another one all other numbers mean nothing
# last       the highest UID that was looked at
# open       mails of ours up to `last` that are not put away
# accepted   those of them whose messages are all stored
# swept      when old mails were last removed, seconds UTC

import json
from dataclasses import dataclass, field
from pathlib import Path

from agent.system.files import write_atomically


@dataclass
class State:
    """The numbers of one mailbox; `save` writes them if they have changed."""

    file: Path
    validity: int = 0
    last: int = 0
    open: set[int] = field(default_factory=set)
    accepted: set[int] = field(default_factory=set)
    swept: float = 0.0
    mailbox: str = ""
    _written: bytes = b""

    @classmethod
    def load(cls, file: Path, mailbox: str = "") -> "State":
        """Read the file; where there is none, a damaged one or another mailbox's, all is read from the beginning."""
        state = cls(file, mailbox=mailbox)
        try:
            told = json.loads(file.read_bytes())
            state.validity, state.last = int(told["validity"]), int(told["last"])
            state.open, state.accepted = set(map(int, told["open"])), set(map(int, told["accepted"]))
            state.swept = float(told["swept"])
            known = told["mailbox"] == mailbox
        except (OSError, ValueError, TypeError, KeyError):
            known = False
        if not known:
            return cls(file, mailbox=mailbox)
        state._written = state._coded()
        return state

    def begin(self, validity: int, uid_next: int) -> bool:
        """Whether these numbers are still those of the folder; if not, forget them.

        `uid_next` is the number the next mail will get, 0 if the server does not say. A mailbox that was restored from
        an older copy may keep its UIDVALIDITY, but would give numbers again that we have seen.
        """
        if self.validity == validity and (not uid_next or uid_next > self.last):
            return True
        self.validity, self.last = validity, 0
        self.open, self.accepted = set(), set()
        return False

    def put_away(self, uids: set[int]) -> None:
        """Forget mails that are no longer there."""
        self.open -= uids
        self.accepted -= uids

    def save(self) -> None:
        """Write the file if that is news; raises NotWritten."""
        coded = self._coded()
        if coded != self._written:
            write_atomically(self.file, coded)
            self._written = coded

    def _coded(self) -> bytes:
        told = {
            "mailbox": self.mailbox,
            "validity": self.validity,
            "last": self.last,
            "open": sorted(self.open),
            "accepted": sorted(self.accepted),
            "swept": self.swept,
        }
        return json.dumps(told).encode()
