"""The ledger's entries on the wire: each is an ordinary signed frame, kept and hashed as it was transmitted."""

from collections.abc import Sequence

from agent.domain.envelope import PART_BYTES
from agent.domain.keys import from_b64u
from agent.domain.ledger import PUBLIC_KEY_BYTES, Ledger, follow
from agent.domain.messages import LedgerEntry, LedgerPart
from agent.wire.frame import FrameRefused, read_body, take_apart, verify

MOST_ENTRIES = 64
_ROOM = PART_BYTES - 1024
"""What an envelope leaves for the frames in it, bytes."""


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


def _genesis_key(entry: LedgerEntry) -> bytes:
    try:
        key = from_b64u(str(entry.value.get("sign", "")))
    except ValueError as error:
        raise FrameRefused("schema", "the genesis names no key") from error
    if len(key) != PUBLIC_KEY_BYTES:
        raise FrameRefused("schema", "the genesis names no key")
    return key
