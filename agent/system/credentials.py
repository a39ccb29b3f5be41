"""What enrolment gave this station: its keys, its broker account, the site it trusts."""

from pathlib import Path

from msgspec import DecodeError, Struct, json

from agent.domain.mail import NOWHERE, Mailbox
from agent.system.secrets import load_secrets, save_secrets
from agent.system.wrapping_key import SecretsUnreadable, WrappingKey

PENDING = "enrol.pending"
"""The file of an enrolment under way, see agent.station.enrolment.pending."""


class Credentials(Struct, frozen=True, kw_only=True):
    """Kept as one blob. Keys are base64url, `genesis` is the frame of the ledger's first entry.

    `hub_mailbox` is where the hub took mail then: who joined by mail alone has no other way to the rest of the ledger.
    """

    site: str
    station: str
    person: str
    sign_key: str
    receive_key: str
    url: str
    brokers: tuple[tuple[str, int], ...]
    password: str
    client_id: str
    ca_pem: str
    genesis: str
    hub_mailbox: Mailbox = NOWHERE

    def __repr__(self) -> str:
        """Show no key and no password: this comes into tracebacks."""
        return f"Credentials(site={self.site!r}, station={self.station!r})"


def is_pending(folder: Path) -> bool:
    """Whether an enrolment is under way: the hub need not know yet that it succeeded."""
    return (folder / PENDING).exists()


def load_credentials(folder: Path, key: WrappingKey | None = None) -> Credentials | None:
    """Return what enrolment left in a secrets folder, None if it never happened; raises SecretsUnreadable.

    Without `key` a keyring may be asked for it, which takes time: not in an event loop then.
    """
    blob = load_secrets(folder, key)
    if blob is None:
        return None
    try:
        return json.decode(blob, type=Credentials)
    except DecodeError:
        # `from None`: the cause shows a piece of what was decoded, and tracebacks are logged.
        raise SecretsUnreadable(
            "The keys of this station are damaged",
            "They are not what enrolment wrote. Ask IT for an invite and run: nmr enrol INVITE",
            code="secrets-damaged",
        ) from None


def save_credentials(folder: Path, credentials: Credentials, key: WrappingKey) -> None:
    """Replace what enrolment left; raises NotWritten, NotPrivate."""
    save_secrets(folder, json.encode(credentials), key)
