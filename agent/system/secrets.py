"""Where the secrets of a station or a hub rest: one blob in a private file, sealed by the wrapping key."""

from pathlib import Path

from agent.domain.keys import pae
from agent.system.files import clean_leftovers, private_folder, write_atomically
from agent.system.wrapping_key import WrappingKey, damaged, load_key, read_secret_file, refuse_other_version

# secrets.bin = "NMRK1" | backend(1) | nonce(12) | ChaCha20-Poly1305(W, blob, aad=PAE("secrets"))
NAME = "secrets.bin"
_AAD = pae("secrets")


def load_secrets(folder: Path, key: WrappingKey | None = None) -> bytes | None:
    """The blob, or None where nothing was saved yet; raises SecretsUnreadable.

    Who loads more than this gives the `key` from `load_key`: asking a keyring for it takes time.
    """
    path = folder / NAME
    data = read_secret_file(path)
    if data is None:
        return None
    refuse_other_version(path, data)
    key = key or load_key(folder)
    blob = key.unseal(data, _AAD) if key else None
    if blob is None:
        raise damaged(path)
    return blob


def save_secrets(folder: Path, blob: bytes, key: WrappingKey) -> None:
    """Replace the blob; on return the new one is safe, before it the old one. Raises NotWritten, NotPrivate."""
    clean_leftovers(private_folder(folder), NAME)
    write_atomically(folder / NAME, key.seal(blob, _AAD))
