"""The ledger head this station has seen, kept on disk so that nobody can show it an older one."""

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from agent.domain.errors import NmrError
from agent.system.files import read_private, write_atomically

# ledger.pin = "nmr1/pin " seq " " hash(64 hex) " " check(16 hex) "\n"      check = SHA-256 of all before it, shortened
_NAME = "ledger.pin"
_HASH_SIZE = 32


class PinDamaged(NmrError):
    """The pin is there and is not what was written: whether the ledger was rolled back cannot be known."""

    default_code = "pin-damaged"


@dataclass(frozen=True, slots=True)
class Pin:
    """The newest ledger entry seen: its number and the SHA-256 (32 bytes) of its frame."""

    seq: int
    hash: bytes

    def __post_init__(self) -> None:
        if self.seq < 0 or len(self.hash) != _HASH_SIZE:
            raise ValueError(f"no ledger head: seq {self.seq}, hash of {len(self.hash)} bytes")


def load_pin(folder: Path) -> Pin | None:
    """The pin kept in `folder`, or None at a station that has seen no ledger yet.

    Raises PinDamaged, or NotPrivate and NotRead as every private file.
    """
    data = read_private(folder / _NAME)
    if data is None:
        return None
    try:
        _, seq, digest, _ = data.decode("ascii").split(" ")
        pin = Pin(int(seq), bytes.fromhex(digest))
    except ValueError:
        pin = None
    if pin is None or _encode(pin) != data:
        raise PinDamaged(
            "The pinned ledger head is damaged",
            f"{folder / _NAME} is not what this station wrote. Ask IT to compare the ledger, then enrol again.",
        )
    return pin


def save_pin(folder: Path, pin: Pin) -> None:
    """Replace the pin in `folder` atomically; on return it has reached the disk. Raises NotWritten."""
    write_atomically(folder / _NAME, _encode(pin))


def _encode(pin: Pin) -> bytes:
    text = f"nmr1/pin {pin.seq} {pin.hash.hex()}"
    return f"{text} {sha256(text.encode()).hexdigest()[:16]}\n".encode()
