"""The ledger as a file that anybody can verify: every frame as it was signed, one JSON object a line."""

# {"nmr": "ledger", "v": 1, "site": name, "hub": fingerprint}      first; fingerprint: what to compare with IT's paper
# {"seq": n, "hash": hex(64), "frame": text}                       one for each entry in order; hash = SHA-256(frame)
# {"head": text}                                                   last, if known: the hub's signed frame of ledger.head
#
# A frame is base64url(header) "." base64url(body) "." base64url(signature): JWS compact, Ed25519 over the ASCII text
# before the second dot. The key of the first frame stands in its own body (p.value.sign) and signs all others; each
# body says in p.prev the SHA-256 of the frame before it. So three things show that the file is whole: every signature,
# every hash, and that the first key has the fingerprint that the site's IT reads out. Only `frame` and `head` count;
# the other fields are there to find one's way.

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from agent.domain.heads import Head
from agent.domain.keys import fingerprint
from agent.domain.ledger import Ledger, LedgerRefused, frame_hash
from agent.domain.names import HUB
from agent.wire.frame import FrameRefused
from agent.wire.ledger import read_entry, read_head

FORMAT, VERSION = "ledger", 1


@dataclass(frozen=True, slots=True)
class Wrong:
    """The first thing that is wrong: at which entry, its code, and what it says in a sentence."""

    seq: int
    code: str
    why: str


@dataclass(frozen=True, slots=True)
class Walked:
    """A chain as far as it is good: the state after its last good entry, its entries' hashes, the hub's head if there
    is one, and the first thing that is wrong.
    """

    ledger: Ledger
    hashes: Mapping[int, bytes]
    head: Head | None = None
    wrong: Wrong | None = None


def walk(site: str, frames: Iterable[bytes], head: bytes = b"") -> Walked:
    """Walk the whole chain from the genesis on; stops at the first thing that is wrong."""
    ledger, hashes = Ledger(site), dict[int, bytes]()
    for seq, frame in enumerate(frames, 1):
        try:
            ledger = read_entry(ledger, frame)
        except (LedgerRefused, FrameRefused) as refused:
            return Walked(ledger, hashes, wrong=Wrong(seq, refused.code, str(refused)))
        hashes[seq] = frame_hash(frame)
    if not hashes:
        return Walked(ledger, hashes, wrong=Wrong(1, "empty", "there is no first entry"))
    return _with_head(ledger, hashes, head) if head else Walked(ledger, hashes)


def _with_head(ledger: Ledger, hashes: Mapping[int, bytes], frame: bytes) -> Walked:
    try:
        head = read_head(ledger, frame)
    except FrameRefused as refused:
        return Walked(ledger, hashes, wrong=Wrong(ledger.seq, "head", f"the hub's head cannot be read: {refused}"))
    if head.seq in hashes and hashes[head.seq] != head.hash:
        return Walked(ledger, hashes, head, Wrong(head.seq, "fork", "the hub's head names another entry"))
    return Walked(ledger, hashes, head)


def to_lines(site: str, frames: Sequence[bytes], head: bytes = b"") -> Iterator[str]:
    """Return the lines of the file; raises LedgerRefused or FrameRefused if the first frame is no genesis."""
    first = read_entry(Ledger(site), frames[0])
    yield _line({"nmr": FORMAT, "v": VERSION, "site": site, "hub": fingerprint(first.members[HUB].kid)})
    for seq, frame in enumerate(frames, 1):
        yield _line({"seq": seq, "hash": frame_hash(frame).hex(), "frame": frame.decode("ascii")})
    if head:
        yield _line({"head": head.decode("ascii")})


def from_lines(lines: Iterable[str]) -> tuple[str, list[bytes], bytes]:
    """Return site, frames and head of a file; raises ValueError saying which line cannot be read."""
    site, frames, head = "", list[bytes](), b""
    for number, line in enumerate(lines, 1):
        try:
            found = json.loads(line)
            if number == 1:
                site = _site_of(found)
            elif "head" in found:
                head = found["head"].encode("ascii")
            else:
                frames.append(found["frame"].encode("ascii"))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"line {number} cannot be read ({error})") from error
    return site, frames, head


def _site_of(first: Mapping[str, object]) -> str:
    if (first["nmr"], first["v"]) != (FORMAT, VERSION):
        raise ValueError("another kind of file")
    return str(first["site"])


def _line(value: Mapping[str, object]) -> str:
    return json.dumps(value, separators=(",", ":")) + "\n"
