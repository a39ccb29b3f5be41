"""The proofs that two sides hold the same key, each for one purpose and one place in the conversation."""

# K    = HKDF-SHA256(psk,    salt=PAE("nmr1", site), info=PAE("auth",  station, psk_id))       from the PSK
# K_b  = HKDF-SHA256(backup, salt=PAE("nmr1", site), info=PAE("renew", station, backup_id))    from the backup
# TH   = SHA-256(PAE("nmr1/auth", site, station, hub_kid, psk_id,    gen, n_s, n_h, not_after))
# TH_r = SHA-256(PAE("nmr1/psk",  site, station, hub_kid, backup_id, gen, n_s, n_h, round))
# mac  = HMAC-SHA256(key, PAE(label, …))                  numbers are 8 bytes, big endian
# box  = ChaCha20-Poly1305(HKDF(K_b, info=PAE("box", TH_r)), nonce 0, psk' | backup')     a key of its own each round

from hashlib import sha256
from hmac import compare_digest, new

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from agent.domain.bundle import KEY_BYTES, Bundle
from agent.domain.keys import from_b64u, pae, to_b64u
from agent.domain.messages import AuthOk

_NONCE = bytes(12)


class Pair:
    """Who proves to whom: a station and its hub, on a site."""

    __slots__ = ("hub_kid", "site", "station")

    def __init__(self, site: str, station: str, hub_kid: bytes) -> None:
        self.site, self.station, self.hub_kid = site, station, hub_kid

    def psk_key(self, bundle: Bundle) -> bytes:
        """Return K."""
        return self._derive(bundle.psk, "auth", bundle.psk_id)

    def backup_key(self, bundle: Bundle) -> bytes:
        """Return K_b."""
        return self._derive(bundle.backup, "renew", bundle.backup_id)

    def auth_hash(self, bundle: Bundle, n_s: bytes, n_h: bytes, not_after: int) -> bytes:
        """Return TH, 32 bytes."""
        return self._hash("nmr1/auth", bundle.psk_id, number(bundle.gen), n_s, n_h, number(not_after))

    def round_hash(self, bundle: Bundle, n_s: bytes, n_h: bytes, round_: str) -> bytes:
        """Return TH_r, 32 bytes."""
        return self._hash("nmr1/psk", bundle.backup_id, number(bundle.gen), n_s, n_h, round_.encode())

    def _derive(self, secret: bytes, purpose: str, id_: bytes) -> bytes:
        return _hkdf(secret, pae("nmr1", self.site), pae(purpose, self.station, id_))

    def _hash(self, label: str, *parts: bytes) -> bytes:
        return sha256(pae(label, self.site, self.station, self.hub_kid, *parts)).digest()


def number(value: int) -> bytes:
    """Return a number as it stands in what is authenticated."""
    return value.to_bytes(8, "big")


def mac(key: bytes, label: str, *parts: bytes | str) -> str:
    """Return a MAC as it travels, base64url."""
    return to_b64u(new(key, pae(label, *parts), sha256).digest())


def is_mac(given: str, key: bytes, label: str, *parts: bytes | str) -> bool:
    """Whether `given` is that MAC; takes as long for any wrong one."""
    return compare_digest(given.encode(), mac(key, label, *parts).encode())


def admission(th: bytes, ok: AuthOk) -> tuple[str, list[bytes | str]]:
    """Return label and parts of the MAC of auth.ok: everything it says, and how the proof went.

    Servers have a label of their own, so that nobody takes them out or turns roles into them.
    """
    parts: list[bytes | str] = [th, ok.session, number(ok.until), number(ok.hub_time)]
    if ok.ice is None:
        return "ok", [*parts, *ok.roles]
    ice = ok.ice
    said = pae("ice", ice.stun, pae("turn", *ice.turn), ice.user, ice.password, number(ice.until))
    return "ok+ice", [*parts, said, *ok.roles]


def close_box(key: bytes, th: bytes, bundle: Bundle) -> str:
    """Encrypt the new keys under the backup, for one round."""
    return to_b64u(_box(key, th).encrypt(_NONCE, bundle.psk + bundle.backup, th))


def open_box(key: bytes, th: bytes, box: str) -> tuple[bytes, bytes] | None:
    """Return the new PSK and the new backup, 32 bytes each, or None."""
    try:
        keys = _box(key, th).decrypt(_NONCE, from_b64u(box), th)
    except (InvalidTag, ValueError):
        return None
    return (keys[:KEY_BYTES], keys[KEY_BYTES:]) if len(keys) == 2 * KEY_BYTES else None


def raw(text: str) -> bytes:
    """Return the bytes of what came as base64url; nothing for what is none, which no MAC fits."""
    try:
        return from_b64u(text)
    except ValueError:
        return b""


def _box(key: bytes, th: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(_hkdf(key, b"", pae("box", th)))


def _hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt, info).derive(secret)
