"""The station's bundle of keys towards its hub, on disk: the old one or the new one, never neither."""

from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Literal

from msgspec import DecodeError, json

from agent.domain.bundle import Bundle
from agent.domain.errors import NmrError
from agent.domain.keys import pae
from agent.system import secrets, wrapping_key
from agent.system.crash import point
from agent.system.files import clean_leftovers, private_folder, sync_folder, write_atomically
from agent.system.wrapping_key import (
    SecretsUnreadable,
    WrappingKey,
    head_of,
    load_key,
    read_secret_file,
    refuse_other_version,
)

# psk.bin = "NMRK1" | backend(1) | gen(8, big endian) | who(16) | nonce(12) | ChaCha20-Poly1305(W, JSON of bundle, aad)
#     who = SHA-256(PAE("nmr1/psk-file", site, station))[:16]      aad = PAE("psk", site, station, gen as 8 bytes)
_NAME = "psk.bin"
_GEN_BYTES, _WHO_BYTES = 8, 16
_HEAD_BYTES = _GEN_BYTES + _WHO_BYTES

Fault = Literal["missing", "unreadable", "damaged", "foreign", "locked"]
ENROL = "Ask IT for an invite and run: nmr enrol INVITE"
TITLES: dict[Fault, str] = {
    "missing": "The key of this station is missing",
    "unreadable": "The key of this station cannot be read",
    "damaged": "The key of this station is damaged",
    "foreign": "The key on this computer is not the one of this station",
    "locked": "The key of this station is locked up",
}


class KeyUnusable(NmrError):
    """The bundle cannot be used; `fault` says why, the message what the way out is."""

    default_code = "key-unusable"

    def __init__(self, fault: Fault, message: str, what: str = "") -> None:
        super().__init__(TITLES[fault], message, code=f"key-{what or fault}")
        self.fault: Fault = fault


def load_bundle(folder: Path, site: str, station: str, key: WrappingKey | None = None) -> Bundle:
    """The bundle of this station; raises KeyUnusable.

    What a crash left beside it goes, so no other process may write there now. Without `key` a keyring may be asked,
    which takes time: not in an event loop then.
    """
    for name in (_NAME, secrets.NAME, wrapping_key.NAME):
        clean_leftovers(folder, name)
    with suppress(OSError):  # whoever replaced it may have died before; the hub hears of what is read, and relies on it
        sync_folder(folder)
    return look_at_bundle(folder, site, station, key)


def look_at_bundle(folder: Path, site: str, station: str, key: WrappingKey | None = None) -> Bundle:
    """The bundle as `load_bundle` finds it, for who only looks: nothing is tidied, an agent may run meanwhile."""
    path = folder / _NAME
    try:
        data = read_secret_file(path)
        if data is None:
            raise KeyUnusable("missing", f"{path} is not there. {ENROL}")
        refuse_other_version(path, data)
        key = key or load_key(folder)
    except SecretsUnreadable as error:
        raise _explained(error) from error
    if key is None:
        raise _damaged(path)
    return _read(path, data, key, site, station)


def save_bundle(folder: Path, site: str, station: str, bundle: Bundle, key: WrappingKey | None = None) -> None:
    """Replace the bundle: on return the new one is safe, whatever happens before it the old one is still there.

    Raises NotWritten, NotPrivate; KeyUnusable without a `key` if the profile's own cannot be had; ValueError for a
    bundle that is not whole.
    """
    if not bundle.whole:
        raise ValueError(f"{bundle} is not whole")
    key = key or _key_of(folder)
    gen = bundle.gen.to_bytes(_GEN_BYTES, "big")
    data = key.seal(json.encode(bundle), _aad(site, station, gen), gen + _who(site, station))
    clean_leftovers(private_folder(folder), _NAME)
    point("station.write.bundle.before")
    write_atomically(folder / _NAME, data, written=lambda: point("station.write.bundle.written"))
    point("station.write.bundle.after")


def _read(path: Path, data: bytes, key: WrappingKey, site: str, station: str) -> Bundle:
    head = head_of(data, _HEAD_BYTES)
    gen, who = head[:_GEN_BYTES], head[_GEN_BYTES:]
    blob = key.unseal(data, _aad(site, station, gen), _HEAD_BYTES)
    if who != _who(site, station):
        # What opens for this station is its own, and only the name on it has suffered.
        raise KeyUnusable("foreign", f"{path} belongs to another station. {ENROL}") if blob is None else _damaged(path)
    try:
        bundle = json.decode(blob or b"", type=Bundle)
    except DecodeError:
        # `from None`: the cause shows a piece of what was decoded, and tracebacks are logged.
        raise _damaged(path) from None
    if not bundle.backup or not bundle.backup_id:
        raise KeyUnusable("damaged", f"The backup in {path} is missing. {ENROL}", "backup-missing")
    if not bundle.whole or bundle.gen != int.from_bytes(gen, "big"):
        raise _damaged(path)
    return bundle


def _key_of(folder: Path) -> WrappingKey:
    try:
        key = load_key(folder)
    except SecretsUnreadable as error:
        raise _explained(error) from error
    if key is None:
        raise _damaged(folder)
    return key


def _explained(error: SecretsUnreadable) -> KeyUnusable:
    """The same fault in the words of a key."""
    match error.code:
        case "keyring-locked" | "keyring-none":
            return KeyUnusable("locked", str(error))
        case "keyring-lacks":
            return KeyUnusable("foreign", str(error))
        case "secrets-damaged":
            return KeyUnusable("damaged", error.message)
    return KeyUnusable("unreadable", str(error))


def _damaged(path: Path) -> KeyUnusable:
    return KeyUnusable("damaged", f"{path} is not what this station wrote. {ENROL}")


def _who(site: str, station: str) -> bytes:
    return sha256(pae("nmr1/psk-file", site, station)).digest()[:_WHO_BYTES]


def _aad(site: str, station: str, gen: bytes) -> bytes:
    return pae("psk", site, station, gen)
