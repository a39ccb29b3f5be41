"""The key that seals a profile's secrets: where it rests, and the form of what it seals."""

import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Literal

from agent.domain.errors import NmrError
from agent.system import os_keyring
from agent.system.files import NotPrivate, NotRead, clean_leftovers, private_folder, read_private, write_atomically

# wrap.key = "NMRW1" | backend(1) | name(16) | W(32, in a file only) | check(8)     check = SHA-256 of all before it
#     backend 1: the key is in this file; 2: the keyring of the account holds it under `name`
# sealed   = "NMRK1" | backend(1) | head | nonce(12) | ChaCha20-Poly1305(W, blob, aad)
NAME = "wrap.key"
_MAGIC, _SEALED = b"NMRW1", b"NMRK1"
_UNSEALED, _IN_FILE, _IN_KEYRING = 0, 1, 2
_BACKEND, _HEAD = 5, 6
_NAME_BYTES, _KEY_BYTES, _CHECK_BYTES, _NONCE_BYTES, _TAG_BYTES = 16, 32, 8, 12, 16

Storage = Literal["weak storage", "keyring"]

LOST = ("secrets-damaged", "secrets-too-old", "keyring-lacks")
"""Codes of what no patience heals: a new enrolment may take its place."""


class SecretsUnreadable(NmrError):
    """The secrets are there and cannot be used: not private, damaged, locked up, or written by another version."""

    default_code = "secrets-unreadable"

    @property
    def lost(self) -> bool:
        """Whether they are lost for good, so that a new enrolment takes nothing away."""
        return self.code in LOST


@dataclass(frozen=True, slots=True)
class WrappingKey:
    """The key of one profile, 32 bytes, kept in memory no longer than needed; its text shows nothing of it."""

    backend: int
    raw: bytes = field(repr=False)

    def seal(self, blob: bytes, aad: bytes, head: bytes = b"") -> bytes:
        """Return a file's content that opens with this key and `aad` only; `head` stays readable."""
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = ChaCha20Poly1305(self.raw).encrypt(nonce, blob, aad)
        return _SEALED + bytes([self.backend]) + head + nonce + sealed

    def unseal(self, data: bytes, aad: bytes, head_bytes: int = 0) -> bytes | None:
        """Return the blob in what `seal` made, or None if it is not that, not whole or not of this key."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        start = _HEAD + head_bytes
        if data[:_HEAD] != _SEALED + bytes([self.backend]) or len(data) < start + _NONCE_BYTES + _TAG_BYTES:
            return None
        nonce, sealed = data[start : start + _NONCE_BYTES], data[start + _NONCE_BYTES :]
        try:
            return ChaCha20Poly1305(self.raw).decrypt(nonce, sealed, aad)
        except InvalidTag:
            return None


def head_of(data: bytes, head_bytes: int) -> bytes:
    """The readable part of what `seal` made, shorter if the file is."""
    return data[_HEAD : _HEAD + head_bytes]


def refuse_other_version(path: Path, data: bytes) -> None:
    """Raise SecretsUnreadable for a sealed file that this version does not know, so that nobody calls it damaged."""
    if data[:_BACKEND] != _SEALED or len(data) <= _HEAD or data[_BACKEND] in (_IN_FILE, _IN_KEYRING):
        return
    if data[_BACKEND] == _UNSEALED:
        raise SecretsUnreadable(
            "The keys of this station are of an older version",
            f"{path} is not sealed. Ask IT for an invite and run: nmr enrol INVITE",
            code="secrets-too-old",
        )
    raise SecretsUnreadable(
        "The keys of this station are kept in another way",
        f"{path} was written by a newer version. Install that version again, or ask IT for an invite.",
        code="secrets-too-new",
    )


def read_secret_file(path: Path) -> bytes | None:
    """The content of a private file in a private folder, None where there is none; raises SecretsUnreadable."""
    try:
        data = read_private(path)
        if data is not None:
            private_folder(path.parent)
    except (NotPrivate, NotRead) as error:
        raise SecretsUnreadable("The keys of this station cannot be used", str(error)) from error
    return data


def load_key(folder: Path) -> WrappingKey | None:
    """The key of the secrets in `folder`, None where nothing was kept yet; raises SecretsUnreadable.

    A keyring may take `os_keyring.WITHIN_S` for its answer: not in an event loop.
    """
    path = folder / NAME
    data = read_secret_file(path)
    if data is None:
        return None
    body, backend = data[:-_CHECK_BYTES], data[_BACKEND : _BACKEND + 1]
    sizes = {bytes([_IN_FILE]): _HEAD + _NAME_BYTES + _KEY_BYTES, bytes([_IN_KEYRING]): _HEAD + _NAME_BYTES}
    if not body.startswith(_MAGIC) or data != _checked(body) or sizes.get(backend) != len(body):
        raise damaged(path)
    if backend[0] == _IN_FILE:
        return WrappingKey(_IN_FILE, body[-_KEY_BYTES:])
    return WrappingKey(_IN_KEYRING, _from_keyring(path, body[_HEAD:].hex()))


def make_key(folder: Path, *, keyring: bool) -> WrappingKey:
    """Make a key for `folder`, in the account's `keyring` if that is wanted and works; the old one is forgotten.

    Raises NotWritten, NotPrivate.
    """
    name, raw = secrets.token_bytes(_NAME_BYTES), secrets.token_bytes(_KEY_BYTES)
    backend = _IN_KEYRING if keyring and _keeps(name.hex(), raw) else _IN_FILE
    body = _MAGIC + bytes([backend]) + name + (raw if backend == _IN_FILE else b"")
    clean_leftovers(private_folder(folder), NAME)
    write_atomically(folder / NAME, _checked(body))
    return WrappingKey(backend, raw)


def storage_of(folder: Path) -> Storage:
    """How well the secrets in `folder` are protected: weak storage only keeps other accounts away."""
    try:
        data = read_private(folder / NAME)
    except (NotPrivate, NotRead):
        data = None
    in_keyring = data is not None and data[: _BACKEND + 1] == _MAGIC + bytes([_IN_KEYRING])
    return "keyring" if in_keyring else "weak storage"


def damaged(path: Path) -> SecretsUnreadable:
    """What to say of a file that is not what this station wrote."""
    return SecretsUnreadable(
        "The keys of this station are damaged",
        f"{path} is not what this station wrote. Ask IT for an invite and run: nmr enrol INVITE",
        code="secrets-damaged",
    )


def _checked(body: bytes) -> bytes:
    return body + sha256(body).digest()[:_CHECK_BYTES]


def _keeps(name: str, raw: bytes) -> bool:
    try:
        os_keyring.keep(name, raw)
    except os_keyring.KeyringRefused:
        return False
    return True


def _from_keyring(path: Path, name: str) -> bytes:
    try:
        raw = os_keyring.fetch(name)
    except os_keyring.KeyringRefused as refused:
        raise _explained(refused) from refused
    if len(raw) != _KEY_BYTES:
        raise damaged(path)
    return raw


def _explained(refused: os_keyring.KeyringRefused) -> SecretsUnreadable:
    """What a keyring's refusal means for a person."""
    match refused.fault:
        case "locked":
            title = "The keyring of this account is locked"
            message = "It holds the key of this station. Unlock it, or log in with your password, and start again."
        case "none":
            title = "The keyring of this account cannot be reached"
            message = (
                "It holds the key of this station. Log in at the desktop of this account and start again; if the"
                " keyring is gone, remove the secrets folder, ask IT for an invite and run: nmr enrol INVITE"
            )
        case "lacks":
            title = "The keyring of this account does not hold the key of this station"
            message = (
                "Log in as the person who enrolled it, on the same computer, or ask IT for an invite and run:"
                " nmr enrol INVITE"
            )
    return SecretsUnreadable(title, f"{message} ({refused})", code=f"keyring-{refused.fault}")
