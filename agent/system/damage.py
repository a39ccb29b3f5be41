"""Whether a database file is still what we wrote, and where a damaged one goes.

SQLite notices a broken structure, nothing else: a flipped bit inside a row reads as if it had been written so, and a
write-ahead log (WAL) with a broken frame simply ends before it. Acknowledged rows would be gone in silence. So:

* closed in order: `NAME.sum` holds the SHA-256 of the file; every changed byte shows;
* not closed in order: the WAL's own checksums tell a torn end (a commit nobody was told of) from damage before it.

Not noticed, only after a crash: a bit flipped inside a row of the main file; a WAL that lost its end.
"""

import struct
from hashlib import file_digest
from pathlib import Path

from agent.system.files import swap_in, write_atomically

# The parts of the SQLite file format used here (sqlite.org/fileformat2.html):
#   database header    "SQLite format 3\0" | page size(2) | write version(1) | read version(1) …   versions 2 = WAL
#   WAL header(32)     magic(4; last bit = big-endian) format(4) page size(4) sequence(4) salt(8) checksum(8)
#   WAL frame(24+page) page number(4) pages after commit, else 0(4) salt(8) checksum(8) | page
_MAGIC = b"SQLite format 3\x00"
_WAL_VERSIONS = b"\x02\x02"
_WAL_MAGIC = 0x377F0682
_WAL_HEADER = 32
_FRAME_HEADER = 24
_MASK = 0xFFFFFFFF


def why_damaged(path: Path) -> str | None:
    """Say in a few words why the database at `path`, not open anywhere, is not what we wrote; None if it may be.

    Raises OSError where the files cannot be read.
    """
    wal = read_if_there(beside(path, "-wal"))
    if not path.exists():
        return "the log is there without its file" if wal else None
    with path.open("rb") as file:
        header = file.read(20)
        if header[:16] != _MAGIC or header[18:20] != _WAL_VERSIONS:
            return "the header is not ours"
        if wal:
            return "acknowledged rows are missing from the log" if wal_lost_commits(wal) else None
        file.seek(0)
        known = read_if_there(beside(path, ".sum"))
        if known and file_digest(file, "sha256").hexdigest().encode() != known:
            return "bytes changed while nobody had it open"
    return None


def keep_sum(path: Path) -> None:
    """Note what the database at `path` looks like, just closed by its last user. Raises OSError, NotWritten."""
    if path.exists() and not beside(path, "-wal").exists():
        with path.open("rb") as file:
            write_atomically(beside(path, ".sum"), file_digest(file, "sha256").hexdigest().encode())


def forget_sum(path: Path) -> None:
    """To be called before anything is written to the database at `path`."""
    beside(path, ".sum").unlink(missing_ok=True)


def put_aside(path: Path) -> Path:
    """Rename the database at `path` and what belongs to it to NAME.damaged-<n>…; returns the new name."""
    n = 1
    while any(path.parent.glob(f"{path.name}.damaged-{n}*")):
        n += 1
    aside = beside(path, f".damaged-{n}")
    for part in ("", "-wal", "-shm", ".sum"):  # the file first: a log without its file is known as damage
        if beside(path, part).exists():
            swap_in(beside(path, part), beside(aside, part))
    return aside


def beside(path: Path, suffix: str) -> Path:
    """The file that belongs to `path` by its name, such as NAME-wal."""
    return path.with_name(path.name + suffix)


def read_if_there(path: Path) -> bytes:
    """The content of `path`; empty where there is no such file."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def wal_lost_commits(wal: bytes) -> bool:
    """Whether SQLite would drop acknowledged commits when it recovers this write-ahead log.

    Each commit reaches the disk before the next one begins, so a crash can tear only the last one. A frame that does
    not check, followed by more than that one commit of the same generation (salt), is damage.
    """
    if len(wal) < _WAL_HEADER + _FRAME_HEADER:
        return False
    magic, _, page, _, *_, sum_1, sum_2 = struct.unpack(">8I", wal[:_WAL_HEADER])
    order = ">" if magic & 1 else "<"
    check = _checksum(wal[:24], order, (0, 0))
    if magic & ~1 != _WAL_MAGIC or check != (sum_1, sum_2):
        return True
    salt, sound, commits_after = wal[16:24], True, 0
    for start in range(_WAL_HEADER, len(wal) - _FRAME_HEADER - page + 1, _FRAME_HEADER + page):
        body = start + _FRAME_HEADER
        if sound:
            check = _checksum(wal[start : start + 8], order, check)
            check = _checksum(wal[body : body + page], order, check)
            sound = wal[start + 8 : body] == salt + struct.pack(">2I", *check)
        if not sound and wal[start + 8 : start + 16] == salt:
            commits_after += wal[start + 4 : start + 8] != bytes(4)
    return commits_after > 1


def _checksum(data: bytes, order: str, before: tuple[int, int]) -> tuple[int, int]:
    """SQLite's running sum over pairs of 32-bit words."""
    first, second = before
    for a, b in struct.iter_unpack(f"{order}2I", data):
        first = (first + a + second) & _MASK
        second = (second + b + first) & _MASK
    return first, second
