"""The seal: one container for one recipient, the same on every link.

    sealed = "NMR1" | kid(16) | HPKE(frame, info = PAE("nmr1/seal", site, kid))

HPKE is RFC 9180 base mode, X25519 / HKDF-SHA256 / ChaCha20-Poly1305; the frame inside carries the signature.
"""

from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from agent.domain.envelope import SEALED_BYTES
from agent.domain.keys import KID_BYTES, pae
from agent.wire.frame import FrameRefused
from agent.wire.keys import Identity

MAGIC = b"NMR1"
HEAD_BYTES = len(MAGIC) + KID_BYTES

_suite = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


@lru_cache(maxsize=2048)
def _public_key(receive: bytes) -> X25519PublicKey:
    return X25519PublicKey.from_public_bytes(receive)


@lru_cache(maxsize=2048)
def _info(site: str, kid: bytes) -> bytes:
    return pae("nmr1/seal", site, kid)


def seal(frame: bytes, site: str, kid: bytes, receive: bytes) -> bytes:
    """Return the container of `frame` for the owner of `kid` and the raw X25519 public key `receive`."""
    return MAGIC + kid + _suite.encrypt(frame, _public_key(receive), info=_info(site, kid))


def open_sealed(sealed: bytes, me: Identity) -> bytes:
    """Return the frame of a container for us; raises FrameRefused("size" | "container" | "not-mine" | "seal")."""
    if len(sealed) > SEALED_BYTES:
        raise FrameRefused("size")
    if len(sealed) < HEAD_BYTES or not sealed.startswith(MAGIC):
        raise FrameRefused("container")
    if sealed[len(MAGIC) : HEAD_BYTES] != me.kid:
        raise FrameRefused("not-mine")
    try:
        return bytes(_suite.decrypt(sealed[HEAD_BYTES:], me.receiving, info=_info(me.site, me.kid)))
    except (InvalidTag, ValueError) as error:
        raise FrameRefused("seal") from error
