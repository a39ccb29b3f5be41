"""Where the station's secrets rest: a port, and behind it a private file until an OS keyring comes."""

from hashlib import sha256
from pathlib import Path
from typing import Literal, Protocol

from agent.domain.errors import NmrError
from agent.system.files import NotPrivate, NotRead, private_folder, read_private, write_atomically

# secrets.bin = "NMRK1" | backend(1) | SHA-256 of the blob(32) | blob            backend 0: nothing wraps the blob
_NAME = "secrets.bin"
_MAGIC = b"NMRK1"
_UNWRAPPED = b"\x00"
_HEAD = len(_MAGIC) + len(_UNWRAPPED)
_BLOB = _HEAD + 32

Storage = Literal["weak storage", "keyring"]


class SecretsUnreadable(NmrError):
    """The secrets are there and cannot be used: not private, damaged, or written by another version."""

    default_code = "secrets-unreadable"


class Vault(Protocol):
    """Keeps one blob of secrets per profile folder."""

    @property
    def storage(self) -> Storage:
        """How well it protects, for the status: a weak storage protects only against other accounts."""

    def load(self, folder: Path) -> bytes | None:
        """The blob, or None where nothing was saved yet; raises SecretsUnreadable."""

    def save(self, folder: Path, blob: bytes) -> None:
        """Replace the blob; on return the new one is safe, before it the old one. Raises NotWritten, NotPrivate."""


def choose_vault() -> Vault:
    """The best vault this computer has; today always the private file."""
    return FileVault()


class FileVault:
    """A 0600 file in a 0700 folder: safe from other accounts, not from whoever copies the disk."""

    @property
    def storage(self) -> Storage:
        """Always weak: nothing but the file's mode protects it."""
        return "weak storage"

    def load(self, folder: Path) -> bytes | None:
        """The blob, or None where nothing was saved yet; raises SecretsUnreadable."""
        path = folder / _NAME
        try:
            data = read_private(path)
            if data is not None:
                private_folder(folder)
        except (NotPrivate, NotRead) as error:
            raise SecretsUnreadable("The keys of this station cannot be used", str(error)) from error
        return None if data is None else _unpack(path, data)

    def save(self, folder: Path, blob: bytes) -> None:
        """Replace the blob; on return the new one has reached the disk. Raises NotWritten, NotPrivate."""
        write_atomically(private_folder(folder) / _NAME, _MAGIC + _UNWRAPPED + sha256(blob).digest() + blob)


def _unpack(path: Path, data: bytes) -> bytes:
    if data.startswith(_MAGIC) and data[len(_MAGIC) : _HEAD] > _UNWRAPPED and len(data) > _BLOB:
        raise SecretsUnreadable(
            "The keys of this station are kept in another way",
            f"{path} was written by a newer version. Install that version again, or enrol this station anew.",
            code="secrets-too-new",
        )
    blob = data[_BLOB:]
    if data[:_BLOB] != _MAGIC + _UNWRAPPED + sha256(blob).digest():
        raise SecretsUnreadable(
            "The keys of this station are damaged",
            f"{path} is not what this station wrote. Ask IT for an invite and enrol this station again.",
            code="secrets-damaged",
        )
    return blob
