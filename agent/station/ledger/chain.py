"""The chain of entries at this station: what follows is taken, what came too early waits, where we stood is pinned."""

from collections.abc import Mapping

from agent.domain.effects import Effect, Keep, LedgerGrew, Note
from agent.domain.heads import short
from agent.domain.ledger import Ledger, LedgerRefused, frame_hash
from agent.station.desk import Desk
from agent.wire.ledger import read_entry

MOST_EARLY = 256
"""So many entries of the publisher may wait for those before them: mail overtakes itself."""


class Chain:
    """Grows the desk's ledger; `hashes` are the short ones by number, `pin` the newest entry ever seen here."""

    def __init__(self, desk: Desk, pin: tuple[int, bytes] | None, hashes: Mapping[int, str]) -> None:
        self._desk, self.pin = desk, pin
        desk.pinned = pin[0] if pin else 0
        ours = {seq: hash_ for seq, hash_ in hashes.items() if seq < desk.ledger.seq}
        ours[desk.ledger.seq] = short(desk.ledger.head)
        seen = {pin[0]: short(pin[1])} if pin else {}  # a store that was lost knows that much of what will come
        self.hashes, self._known = seen | ours, set(ours.values())
        self._unusable = sorted(hashes.keys() - ours.keys())
        self._early: dict[int, bytes] = {}

    @property
    def broken(self) -> bool:
        """Whether the entry that is pinned is not the one that the disk kept."""
        return self.pin is not None and self.hashes.get(self.pin[0], short(self.pin[1])) != short(self.pin[1])

    def begin(self) -> list[Effect]:
        """Throw away what the disk kept behind an entry that it lost or spoiled; it is asked for again."""
        if not self._unusable:
            return []
        dropped: list[Effect] = [Keep("ledger", f"{seq:012d}", None) for seq in self._unusable]
        return [*dropped, Note("ledger damaged", {"first": self._desk.ledger.seq + 1})]

    def knows(self, frame: bytes) -> bool:
        """Whether we have this entry."""
        return short(frame_hash(frame)) in self._known

    def follow(self, frame: bytes) -> Ledger:
        """Return the ledger after one more entry; where we once stood, it must be the same history.

        Raises LedgerRefused or FrameRefused.
        """
        after = read_entry(self._desk.ledger, frame)
        if self.pin is not None and after.seq == self.pin[0] and after.head != self.pin[1]:
            raise LedgerRefused("fork", f"entry {after.seq} is not the one we have pinned")
        return after

    def take(self, frame: bytes, after: Ledger) -> Keep:
        """Go on to the ledger after this entry."""
        self._desk.ledger = after
        self.hashes[after.seq] = hash_ = short(after.head)
        self._known.add(hash_)
        return Keep("ledger", f"{after.seq:012d}", frame)

    def wait(self, seq: int, frame: bytes) -> bytes:
        """An entry came before those that it follows; returns the one that waits with this number, first come."""
        if len(self._early) < MOST_EARLY:
            self._early.setdefault(seq, frame)
        return self._early.get(seq, frame)

    def waited(self) -> bytes | None:
        """Return the entry that comes next, if it is there already; what came another way need not wait."""
        after = self._desk.ledger.seq
        self._early = {seq: frame for seq, frame in self._early.items() if seq > after}
        return self._early.pop(after + 1, None)

    def contradicted(self, said: Mapping[int, str]) -> tuple[int, str] | None:
        """Return the first number for which the publisher gave another hash than ours, and that hash."""
        return next(((seq, hash_) for seq, hash_ in said.items() if self.hashes.get(seq, hash_) != hash_), None)

    def pin_newest(self) -> list[Effect]:
        """Pin a newer entry; a store that was lost catches up with its pin first."""
        after = self._desk.ledger
        if self.pin is not None and after.seq <= self.pin[0]:
            return []
        self.pin, self._desk.pinned = (after.seq, after.head), after.seq
        return [LedgerGrew(after.seq, after.head)]
