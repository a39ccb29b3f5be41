"""Keys, nonces and moments that tests of the proofs share: chance that is the same every time."""

from hashlib import sha256

from agent.domain.bundle import LIFE_MS, Bundle
from agent.domain.events import Instant
from agent.wire.macs import Pair

PAIR = Pair("s1", "anna", b"h" * 16)
"""Who proves to whom, unless a test says otherwise."""

NOW_MS = 1_800_000_000_000
NOW = Instant(0.0, NOW_MS)


def chance(name: str, count: int = 32) -> bytes:
    """Return the bytes that chance gives when it is asked for this name."""
    return sha256(name.encode()).digest()[:count]


def bundle(name: str, gen: int = 1, not_after: int = NOW_MS + LIFE_MS) -> Bundle:
    """Return the keys of this name."""
    return Bundle(
        gen=gen,
        psk_id=chance(f"{name} psk id", 8),
        psk=chance(f"{name} psk"),
        not_after=not_after,
        backup_id=chance(f"{name} backup id", 8),
        backup=chance(f"{name} backup"),
    )


def round_name(name: str) -> str:
    """Return the 32 hex digits of the round of this name."""
    return chance(f"{name} round", 16).hex()


def later(seconds: float) -> Instant:
    """Return the moment so many seconds after the first one."""
    return Instant(seconds, NOW_MS + round(seconds * 1000))
