"""The ledger's entries on the wire: each is an ordinary signed frame, kept and hashed as it was transmitted."""

# Who says what of the ledger (every arrow is an ordinary sealed envelope; protocol 11):
#
#   station -> hub          ledger.get  {after}                 at every connection, and on news of a newer head
#   hub     -> station      ledger.head {seq, hash}             with every answer, with every entry, and every hour
#   hub     -> station      ledger.part {entries, more}         entries are frames of ledger.entry, as first transmitted
#   station -> station      ledger.get, ledger.part             the same from a colleague; `head` is the hub's frame
#   anybody -> everybody    ledger.fork {seq, one, other, evidence}
#   anybody -> anybody      every envelope's `head`             [seq, first 16 bytes of the hash] that its sender knows
#
# Entries and heads are signed by the publisher whoever hands them over; the bare `head` of a colleague is only a
# reason to ask. What proves a fork are two frames of the publisher with different hashes for one entry.

from collections.abc import Iterable, Sequence

from agent.domain.envelope import LIFE_MS, PART_BYTES, Envelope
from agent.domain.heads import Head, short
from agent.domain.keys import from_b64u
from agent.domain.ledger import PUBLIC_KEY_BYTES, Ledger, follow, frame_hash
from agent.domain.messages import LedgerEntry, LedgerHead, LedgerPart, Parameters
from agent.domain.names import HUB
from agent.wire.frame import FrameRefused, read_body, take_apart, verify

MOST_ENTRIES = 64
_ROOM = PART_BYTES - 2048
"""What an envelope and the head beside them leave for the entries, bytes."""

SHOWABLE = frozenset({"ledger.head", "probe"})
"""What the hub says besides entries that may be shown to everybody as evidence: nothing else is in it."""


def read_entry(ledger: Ledger, frame: bytes) -> Ledger:
    """Return the ledger after the entry in `frame`; raises FrameRefused or LedgerRefused.

    The genesis is signed by the very key it names; whoever trusts it must have pinned that key at enrolment.
    """
    parts = take_apart(frame)
    envelope, entry = read_body(parts.body)
    if not isinstance(entry, LedgerEntry) or envelope.site != ledger.site:
        raise FrameRefused("schema", "no ledger entry of this site")
    signer = ledger.owner(parts.kid)
    if entry.op == "genesis":
        verify(parts, _genesis_key(entry))
    elif signer is None:
        raise FrameRefused("unknown-kid")
    else:
        verify(parts, signer.sign)
    return follow(ledger, entry, frame, parts.kid)


def part_after(frames: Sequence[bytes], after: int) -> LedgerPart:
    """Return as many entries from seq `after` + 1 on as fit into one message; frames[0] is entry 1."""
    taken: list[str] = []
    size = 0
    for frame in frames[after : after + MOST_ENTRIES]:
        size += len(frame) + len('"",')
        if taken and size > _ROOM:
            break
        taken.append(frame.decode("ascii"))
    return LedgerPart(entries=tuple(taken), more=after + len(taken) < len(frames))


def read_head(ledger: Ledger, frame: bytes) -> Head:
    """Return the head that the publisher signed; raises FrameRefused. Whether it is still valid, its times say."""
    envelope, params = _hub_says(ledger, frame)
    if not isinstance(params, LedgerHead):
        raise FrameRefused("schema", "no head of the ledger")
    if not 0 < envelope.exp - envelope.at <= LIFE_MS["ledger.head"]:
        raise FrameRefused("life")
    try:
        return Head(params.seq, from_b64u(params.hash), envelope.at, envelope.exp, frame)
    except ValueError as error:
        raise FrameRefused("schema", "no hash") from error


def statements(ledger: Ledger, frame: bytes) -> dict[int, str]:
    """Return what a frame of the publisher says of entries: the short hash of each; raises FrameRefused."""
    envelope, params = _hub_says(ledger, frame)
    match params:
        case LedgerEntry(seq=seq, prev=prev):
            before = {} if seq == 1 else {seq - 1: short(from_b64u(prev))}
            return {**before, seq: short(frame_hash(frame))}
        case LedgerHead(seq=seq, hash=hash_):
            return {seq: short(from_b64u(hash_))}
        case _ if envelope.type in SHOWABLE and envelope.head is not None:
            return dict([envelope.head])
    raise FrameRefused("schema", f"{envelope.type} is no word on the ledger")


def all_statements(ledger: Ledger, frames: Iterable[bytes]) -> dict[int, set[str]]:
    """Return every short hash that these frames of the publisher give to each entry; other frames say nothing."""
    found: dict[int, set[str]] = {}
    for frame in frames:
        try:
            said = statements(ledger, frame)
        except (FrameRefused, ValueError):
            continue
        for seq, hash_ in said.items():
            found.setdefault(seq, set()).add(hash_)
    return found


def signed_at(frame: bytes) -> int:
    """Return when a frame says that it was signed, ms UTC; 0 for one that cannot be read."""
    try:
        return read_body(take_apart(frame).body)[0].at
    except FrameRefused:
        return 0


def _hub_says(ledger: Ledger, frame: bytes) -> tuple[Envelope, Parameters]:
    parts, hub = take_apart(frame), ledger.members.get(HUB)
    if hub is None or parts.kid != hub.kid:
        raise FrameRefused("unknown-kid", "not signed by the publisher")
    verify(parts, hub.sign)
    envelope, params = read_body(parts.body)
    if envelope.site != ledger.site or envelope.sender != HUB:
        raise FrameRefused("sender")
    return envelope, params


def _genesis_key(entry: LedgerEntry) -> bytes:
    try:
        key = from_b64u(str(entry.value.get("sign", "")))
    except ValueError as error:
        raise FrameRefused("schema", "the genesis names no key") from error
    if len(key) != PUBLIC_KEY_BYTES:
        raise FrameRefused("schema", "the genesis names no key")
    return key
