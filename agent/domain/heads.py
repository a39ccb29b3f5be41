"""What is known of the ledger beside its entries: the heads its publisher signed, and where it split in two."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from msgspec import Meta, Struct, field

from agent.domain.keys import to_b64u
from agent.domain.messages import Count, FrameText, Parameters

SHORT_BYTES = 16
ShortHash = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{22}$")]


def short(hash_: bytes) -> str:
    """Return a hash of an entry as every message carries it: its first 16 bytes in base64url."""
    return to_b64u(hash_[:SHORT_BYTES])


class Head(Struct, frozen=True):
    """The publisher's word of `at` that entry `seq` with this `hash` (32 bytes) was the newest; worth nothing after
    `exp`. Times are ms UTC of the hub's clock.
    """

    seq: int
    hash: bytes
    at: int
    exp: int
    frame: bytes


class LedgerFork(Parameters, frozen=True, kw_only=True):
    """Entry `seq` has two hashes (their first 16 bytes); `evidence` are frames of the publisher that say so.

    With one frame it is a question: who knows another entry there holds the second half of the proof.
    """

    seq: Count
    one: ShortHash
    other: ShortHash
    evidence: Annotated[tuple[FrameText, ...], Meta(max_length=2)] = ()


HEADS: dict[str, type[Parameters]] = {"ledger.fork": LedgerFork}
"""Every type of message about what is beside the entries, but the head itself."""


class Fork(Struct, frozen=True):
    """Entry `seq` has two hashes: `one` is ours, `other` is what `by` showed at `at` (ms UTC).

    It counts until IT has resolved it; then `at` is the time since when that holds.
    """

    seq: int
    one: str
    other: str
    at: int
    by: str
    resolved: bool = False


class LedgerKept(Struct, frozen=True):
    """What the last run left on disk: the short hash of each entry, forks, the hub's newest head, one that contradicts
    our history, when we first had neither, and when each station was last heard of, ms UTC.
    """

    hashes: Mapping[int, str] = field(default_factory=dict)
    forks: Sequence[Fork] = ()
    head: bytes = b""
    contrary: bytes = b""
    since: int | None = None
    seen: Mapping[str, int] = field(default_factory=dict)
