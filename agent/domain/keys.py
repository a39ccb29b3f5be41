"""Names of keys, and the one encoding that everything hashed or authenticated goes through."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

KID_BYTES = 16


def pae(*parts: bytes | str) -> bytes:
    """Pre-authentication encoding: no two lists of parts give the same bytes.

    8-byte big-endian count, then each part behind its 8-byte big-endian length; text as UTF-8. The first part
    is a label that is used nowhere else.
    """
    raw = [part.encode() if isinstance(part, str) else part for part in parts]
    return len(raw).to_bytes(8, "big") + b"".join(len(part).to_bytes(8, "big") + part for part in raw)


def to_b64u(raw: bytes) -> str:
    """Base64url without padding, RFC 7515."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def from_b64u(text: str) -> bytes:
    """Return the bytes of canonical base64url; raises ValueError for anything else."""
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if to_b64u(raw) != text:
        raise ValueError("not canonical base64url")
    return raw


def kid_of(sign: bytes) -> bytes:
    """Return the 16-byte name of a station's key pair, from its raw Ed25519 public key."""
    return sha256(pae("nmr1/kid", sign)).digest()[:KID_BYTES]


def derived_id(page_id: str, step: str, target: str) -> str:
    """Return the id two stations give to the same derived message (protocol 7.5), 32 hex digits."""
    return sha256(pae("nmr1/derived", page_id, step, target)).digest()[:16].hex()


def fingerprint(kid: bytes) -> str:
    """Return the 16-byte name of a key pair as people compare it: eight groups of four hex digits."""
    digits = kid.hex()
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4))
