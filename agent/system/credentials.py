"""What enrolment gave this station: its keys, its broker account, the site it trusts."""

from pathlib import Path

from msgspec import DecodeError, Struct, json

from agent.system.secrets import SecretsUnreadable, choose_vault


class Credentials(Struct, frozen=True, kw_only=True):
    """Kept as one blob in the vault. Keys are base64url, `genesis` is the frame of the ledger's first entry.

    `psk` is the bundle of protocol 5, {gen, psk_id, psk, not_after, backup_id, backup} in base64url.
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
    psk: dict[str, str | int]


def load_credentials(folder: Path) -> Credentials | None:
    """Return what enrolment left in a secrets folder, None if it never happened; raises SecretsUnreadable."""
    blob = choose_vault().load(folder)
    if blob is None:
        return None
    try:
        return json.decode(blob, type=Credentials)
    except DecodeError as error:
        raise SecretsUnreadable(
            "The keys of this station are damaged",
            "They are not what enrolment wrote. Ask IT for an invite and enrol this station again.",
            code="secrets-damaged",
        ) from error


def save_credentials(folder: Path, credentials: Credentials) -> None:
    """Replace what the vault holds."""
    choose_vault().save(folder, json.encode(credentials))
