"""Data and results too large for one message: cut into pieces, asked for, checked one by one, put together again.

A piece of the content counts only when its hash stands in the list, and the list only when its own hash is the root
that the assignment or the result named; so a piece may come from anywhere, in any order, twice or damaged. Whoever
wants the pieces asks for what is missing. What was checked is kept at once, so after a restart only the rest travels.

    leaf = SHA-256(PAE("nmr1/piece", number, piece))         list = leaf | leaf | …
    root = SHA-256(PAE("nmr1/pieces", size, list))           numbers as 8 bytes, big endian
"""

from collections.abc import Callable, Iterable, Iterator
from hashlib import sha256

from agent.domain.effects import Effect, Keep
from agent.domain.keys import from_b64u, pae, to_b64u
from agent.domain.tasks import MOST_BYTES, PIECE_BYTES, Blob, Side, TaskGet, TaskPart

HASH_BYTES = 32
KIND = "piece"
"""The kind of the Keeps of pieces."""
RANGES = 64
WINDOW = 64
"""So many pieces are asked for at a time where answers come at once; by mail all that is missing."""

Read = Callable[[str], bytes | None]
"""Return a piece as it was kept, by its key."""


class TooMuch(ValueError):
    """More bytes than a task may have."""


def key_of(job: str, side: Side, i: int, *, of_list: bool = False) -> str:
    """Return under which id a piece is kept; `job` is a task's id, or at a worker that of the job."""
    return f"{job}/{side}/{'list' if of_list else 'part'}/{i:04d}"


def cut(data: bytes) -> tuple[Blob, list[bytes], list[bytes]]:
    """Return the name of these bytes, their pieces, and the pieces of their list; raises TooMuch."""
    if not 0 < len(data) <= MOST_BYTES:
        raise TooMuch(f"{len(data)} bytes, {MOST_BYTES} allowed")
    pieces = list(_slices(data))
    hashes = b"".join(_leaf(i, piece) for i, piece in enumerate(pieces))
    return Blob(len(data), to_b64u(_root(len(data), hashes))), pieces, list(_slices(hashes))


def keep_all(job: str, side: Side, data: bytes) -> tuple[Blob, list[Effect]]:
    """Return the name of these bytes and what keeps all their pieces; raises TooMuch."""
    blob, pieces, of_list = cut(data)
    kept: list[Effect] = [Keep(KIND, key_of(job, side, i), piece) for i, piece in enumerate(pieces)]
    kept += [Keep(KIND, key_of(job, side, i, of_list=True), piece) for i, piece in enumerate(of_list)]
    return blob, kept


def forget_all(job: str, side: Side, blob: Blob) -> list[Effect]:
    """Return what lets all pieces go."""
    keys = [key_of(job, side, i) for i in range(_count(blob.size))]
    keys += [key_of(job, side, i, of_list=True) for i in range(_lists(blob))]
    return [Keep(KIND, key, None) for key in keys]


def read_back(job: str, side: Side, blob: Blob, read: Read) -> bytes | None:
    """Return all the bytes, checked, or None where a piece is missing or damaged."""
    gathering = Gathering(job, side, blob, read)
    return b"".join(gathering.pieces()) if gathering.complete else None


def answers(job: str, get: TaskGet, blob: Blob, read: Read) -> Iterator[TaskPart]:
    """Return the parts that answer a question, the list first; what we do not have is left out."""
    for of_list, i in wanted(get, blob):
        piece = read(key_of(job, get.side, i, of_list=of_list))
        if piece is not None:
            yield TaskPart(task=get.task, side=get.side, list=of_list, i=i, part=to_b64u(piece))


def wanted(get: TaskGet, blob: Blob) -> list[tuple[bool, int]]:
    """Return the pieces a question asks for, each once, as (of the list, number)."""
    pieces = [(True, i) for i in range(_lists(blob))] if get.list else []
    count = _count(blob.size)
    pieces += [(False, i) for begin, end in get.parts for i in range(begin, min(end, count))]
    return list(dict.fromkeys(pieces))


class Gathering:
    """Pieces on their way to us. `read` finds those of the last run; what is taken is to be kept as `take` says.

    Pieces that come before their list is complete wait in memory, no more of them than there are.
    """

    def __init__(self, job: str, side: Side, blob: Blob, read: Read) -> None:
        self.job, self.side, self.blob, self._read = job, side, blob, read
        self._lists: dict[int, bytes] = {}
        self._early: dict[int, bytes] = {}
        self._hashes: list[bytes] = []
        self.have: set[int] = set()
        self.asked_at: float | None = None
        for i in range(_lists(blob)):
            piece = read(key_of(job, side, i, of_list=True))
            if piece is not None:
                self._lists[i] = piece
        self._finish_list()
        if self._hashes:
            self.have = {i for i in range(_count(blob.size)) if self._fits(i, read(key_of(job, side, i)))}

    @property
    def complete(self) -> bool:
        """Whether everything is here and checked."""
        return len(self.have) == _count(self.blob.size)

    def pieces(self) -> Iterator[bytes]:
        """Return the pieces in order; only when complete."""
        for i in range(_count(self.blob.size)):
            yield self._read(key_of(self.job, self.side, i)) or b""

    def ask(self, task: str, most: int = WINDOW) -> TaskGet | None:
        """Return the question for what is missing, at most so many pieces; None when nothing is."""
        if self.complete:
            return None
        missing = [i for i in range(_count(self.blob.size)) if i not in self.have and i not in self._early][:most]
        ranges = tuple(_ranges(missing))[:RANGES]
        return TaskGet(task=task, side=self.side, list=not self._hashes, parts=ranges)

    def take(self, part: TaskPart) -> list[Effect]:
        """Take a piece in; return what is to be kept of it. What does not fit is as if it had not come."""
        try:
            piece = from_b64u(part.part)
        except ValueError:
            return []
        return self._take_list(part.i, piece) if part.list else self._take(part.i, piece)

    def _take(self, i: int, piece: bytes) -> list[Effect]:
        if i >= _count(self.blob.size) or i in self.have:
            return []
        if not self._hashes:
            self._early[i] = piece
            return []
        if not self._fits(i, piece):
            return []
        self.have.add(i)
        return [Keep(KIND, key_of(self.job, self.side, i), piece)]

    def _take_list(self, i: int, piece: bytes) -> list[Effect]:
        if self._hashes or i >= _lists(self.blob):
            return []
        self._lists[i] = piece
        if not self._finish_list():
            return []
        kept: list[Effect] = [
            Keep(KIND, key_of(self.job, self.side, n, of_list=True), one) for n, one in self._lists.items()
        ]
        early, self._early = self._early, {}
        return [*kept, *(effect for n, one in early.items() for effect in self._take(n, one))]

    def _finish_list(self) -> bool:
        """Believe the list when it is complete and the right one; a wrong one is let go of, for it to come again."""
        if len(self._lists) < _lists(self.blob):
            return False
        hashes = b"".join(piece for _, piece in sorted(self._lists.items()))
        if to_b64u(_root(self.blob.size, hashes)) != self.blob.root:
            self._lists.clear()
            return False
        self._hashes = [hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES)]
        return True

    def _fits(self, i: int, piece: bytes | None) -> bool:
        return piece is not None and _leaf(i, piece) == self._hashes[i]


def _count(size: int) -> int:
    return -(-size // PIECE_BYTES)


def _lists(blob: Blob) -> int:
    return _count(_count(blob.size) * HASH_BYTES)


def _slices(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), PIECE_BYTES):
        yield data[at : at + PIECE_BYTES]


def _leaf(i: int, piece: bytes) -> bytes:
    return sha256(pae("nmr1/piece", i.to_bytes(8, "big"), piece)).digest()


def _root(size: int, hashes: bytes) -> bytes:
    return sha256(pae("nmr1/pieces", size.to_bytes(8, "big"), hashes)).digest()


def _ranges(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Return rising numbers as ranges, each end left out."""
    begin: int | None = None
    last = -1
    for number in numbers:
        if begin is not None and number == last + 1:
            last = number
            continue
        if begin is not None:
            yield begin, last + 1
        begin = last = number
    if begin is not None:
        yield begin, last + 1
