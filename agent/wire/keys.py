"""A station's own keys: the pair that signs and the pair that receives."""

from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from agent.domain.keys import kid_of


@dataclass(frozen=True, slots=True)
class Identity:
    """Who we are on a site, with the private keys that never leave this computer."""

    site: str
    station: str
    signing: Ed25519PrivateKey
    receiving: X25519PrivateKey
    sign: bytes
    receive: bytes
    kid: bytes

    @classmethod
    def of(cls, site: str, station: str, signing: bytes, receiving: bytes) -> "Identity":
        """Build from the raw private keys, 32 bytes each."""
        sign, receive = Ed25519PrivateKey.from_private_bytes(signing), X25519PrivateKey.from_private_bytes(receiving)
        public = sign.public_key().public_bytes_raw()
        return cls(site, station, sign, receive, public, receive.public_key().public_bytes_raw(), kid_of(public))

    @classmethod
    def new(cls, site: str, station: str) -> "Identity":
        """Make fresh keys."""
        signing, receiving = Ed25519PrivateKey.generate(), X25519PrivateKey.generate()
        return cls.of(site, station, signing.private_bytes_raw(), receiving.private_bytes_raw())

    def private_keys(self) -> tuple[bytes, bytes]:
        """Return the raw private keys (sign, receive), for the secrets file only."""
        return self.signing.private_bytes_raw(), self.receiving.private_bytes_raw()
