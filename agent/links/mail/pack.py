"""The pack: all containers of one mail, sealed for one recipient, in one of six sizes."""

# pack   = "NMRM" | 1 | kid(16) | HPKE(padded, info = PAE("nmr1/mail", site, kid))      the suite of every container
# padded = ( length(4, big-endian, > 0) | container )+ | 0(4) | zeros up to 2, 8, 32, 128, 512 KiB or 1 MiB
#
# The containers are signed and sealed themselves. The second seal hides how many there are and how large each is.

from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from agent.domain.keys import KID_BYTES, pae
from agent.wire.keys import Identity

MAGIC = b"NMRM\x01"
HEAD_BYTES = len(MAGIC) + KID_BYTES
BUCKETS = tuple(kib * 1024 for kib in (2, 8, 32, 128, 512, 1024))
"""The sizes of what is inside the seal; there are no others."""
SEAL_BYTES = 48
"""What HPKE adds: the sender's key of the moment and the tag."""
LENGTH_BYTES = 4

_suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class PackRefused(Exception):
    """A pack cannot be opened or is not what it should be; `code` is its counter's name."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


MOST = 4096
"""So many containers are in a pack at most; as many of ours as fit are fewer."""


def room_for(container: bytes) -> int:
    """How many bytes a container takes in a pack."""
    return LENGTH_BYTES + len(container)


ROOM = BUCKETS[-1] - LENGTH_BYTES
"""How many bytes all containers of a pack may take together."""


def seal_pack(containers: Sequence[bytes], site: str, kid: bytes, receive: bytes) -> bytes:
    """Return the pack of at least one container, none empty; raises ValueError if they take more than ROOM."""
    public = X25519PublicKey.from_public_bytes(receive)
    return MAGIC + kid + _suite.encrypt(_padded(containers), public, info=pae("nmr1/mail", site, kid))


def open_pack(pack: bytes, me: Identity) -> list[bytes]:
    """Return the containers of a pack for us; raises PackRefused("size" | "pack" | "not-mine" | "seal" | "padding")."""
    if len(pack) - HEAD_BYTES - SEAL_BYTES not in BUCKETS:
        raise PackRefused("size")
    if not pack.startswith(MAGIC):
        raise PackRefused("pack")
    if pack[len(MAGIC) : HEAD_BYTES] != me.kid:
        raise PackRefused("not-mine")
    try:
        padded = _suite.decrypt(pack[HEAD_BYTES:], me.receiving, info=pae("nmr1/mail", me.site, me.kid))
    except (InvalidTag, ValueError) as error:
        raise PackRefused("seal") from error
    return _take_apart(bytes(padded))


def _padded(containers: Sequence[bytes]) -> bytes:
    content = b"".join(len(one).to_bytes(LENGTH_BYTES, "big") + one for one in containers)
    needed = len(content) + LENGTH_BYTES
    bucket = next((size for size in BUCKETS if size >= needed), None)
    if bucket is None or not content or not all(containers):
        raise ValueError(f"{len(content)} bytes do not fit into a pack")
    return content.ljust(bucket, b"\0")


def _take_apart(padded: bytes) -> list[bytes]:
    """Return what is in it; every byte must be accounted for, so that one content has one form."""
    containers, at = list[bytes](), 0
    while length := int.from_bytes(padded[at : at + LENGTH_BYTES], "big"):
        begin = at + LENGTH_BYTES
        at = begin + length
        if at + LENGTH_BYTES > len(padded) or len(containers) == MOST:
            raise PackRefused("padding")
        containers.append(padded[begin:at])
    if not containers or padded.count(0, at) != len(padded) - at or len(padded) != _bucket(at):
        raise PackRefused("padding")
    return containers


def _bucket(content: int) -> int:
    """The smallest size that `content` bytes and the mark of their end fit into."""
    return next(size for size in BUCKETS if size >= content + LENGTH_BYTES)
