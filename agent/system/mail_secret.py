"""What opens the mailbox: its password, or the tokens of a provider's sign-in, sealed beside the other secrets."""

from pathlib import Path
from typing import Literal

from msgspec import DecodeError, Struct, json

from agent.domain.errors import NmrError
from agent.domain.keys import pae
from agent.system.files import clean_leftovers, private_folder, write_atomically
from agent.system.wrapping_key import WrappingKey, load_key, read_secret_file, refuse_other_version

# mail.bin = "NMRK1" | backend(1) | nonce(12) | ChaCha20-Poly1305(W, JSON of MailSecret, aad=PAE("mail-secret"))
NAME = "mail.bin"
_AAD = pae("mail-secret")
AGAIN = "Log in again: nmr mail login"


class MailSecret(Struct, frozen=True, kw_only=True):
    """`value` is the password, or what the sign-in keeps (oauth/*.py). It is for one `login` at one kind of server.

    A setting that somebody changes later must not make us show a password under another name.
    """

    login: str
    kind: Literal["password", "microsoft", "google"]
    value: str

    def __repr__(self) -> str:
        """Show no secret: this comes into tracebacks."""
        return f"MailSecret(kind={self.kind!r})"


class MailSecretUnusable(NmrError):
    """The mailbox cannot be opened with what is kept here; the message says what to do."""

    exit_code = 78
    default_code = "mail-secret"


def has_mail_secret(folder: Path) -> bool:
    """Whether anything is kept; whether it opens anything shows when it is loaded."""
    return (folder / NAME).exists()


def load_mail_secret(folder: Path, login: str, kind: str, key: WrappingKey | None = None) -> MailSecret:
    """The secret for this login; raises MailSecretUnusable, SecretsUnreadable.

    Without `key` a keyring may be asked, which takes time: not in an event loop then.
    """
    path = folder / NAME
    data = read_secret_file(path)
    if data is None:
        raise MailSecretUnusable(
            "The password of the mailbox is missing", "Give it: nmr mail login", code="mail-secret-missing"
        )
    refuse_other_version(path, data)
    key = key or load_key(folder)
    blob = key.unseal(data, _AAD) if key else None
    try:
        found = json.decode(blob or b"", type=MailSecret)
    except DecodeError:
        # `from None`: the cause shows a piece of what was decoded, and tracebacks are logged.
        raise MailSecretUnusable(
            "The password of the mailbox cannot be read", f"{path} is not what this profile wrote. {AGAIN}"
        ) from None
    if (found.login, found.kind) != (login, kind):
        raise MailSecretUnusable(
            "The password kept here is for another mailbox", f"The settings were changed since. {AGAIN}"
        )
    return found


def save_mail_secret(folder: Path, secret: MailSecret, key: WrappingKey) -> None:
    """Replace the secret; on return the new one is safe. Raises NotWritten, NotPrivate."""
    clean_leftovers(private_folder(folder), NAME)
    write_atomically(folder / NAME, key.seal(json.encode(secret), _AAD))


def forget_mail_secret(folder: Path) -> None:
    """Remove the secret; whether there was one makes no difference."""
    (folder / NAME).unlink(missing_ok=True)
