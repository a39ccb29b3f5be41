"""The hub's own keys, made once for a site and kept as one sealed blob."""

from pathlib import Path

from msgspec import DecodeError, Struct, json

from agent.domain.errors import BadConfiguration, NmrError
from agent.domain.keys import from_b64u, to_b64u
from agent.domain.names import HUB
from agent.hub.accounts import new_client_id
from agent.system.secrets import load_secrets, save_secrets
from agent.system.wrapping_key import SecretsUnreadable, make_key
from agent.wire.keys import Identity


class HubKeys(Struct, frozen=True, kw_only=True):
    """Private keys in base64url, and the name of the hub's session at its broker."""

    site: str
    sign_key: str
    receive_key: str
    client_id: str

    def __repr__(self) -> str:
        """Show no key: this comes into tracebacks."""
        return f"HubKeys(site={self.site!r})"

    def identity(self) -> Identity:
        """The hub as it signs."""
        return Identity.of(self.site, HUB, from_b64u(self.sign_key), from_b64u(self.receive_key))


def load_keys(folder: Path, site: str, *, new: bool) -> HubKeys:
    """Return the hub's keys; makes them only for a `new` hub, which has published nothing.

    Raises BadConfiguration if the site was renamed, NmrError if the keys of a hub that has members are gone.
    """
    blob = load_secrets(folder)
    if blob is None:
        if not new:
            raise NmrError(
                "The hub's keys are gone",
                f"Its stations believe no other. Put back {folder} from the backup",
                code="hub-keys",
            )
        return _make(folder, site)
    try:
        keys = json.decode(blob, type=HubKeys)
    except DecodeError:
        # `from None`: the cause shows a piece of what was decoded, and tracebacks are logged.
        raise SecretsUnreadable(
            "The hub's keys are damaged", f"Put back {folder} from the backup", code="secrets-damaged"
        ) from None
    if keys.site != site:
        raise BadConfiguration(
            "The site was renamed", f"Its stations know it as “{keys.site}”; write that again", field="hub.site"
        )
    return keys


def _make(folder: Path, site: str) -> HubKeys:
    sign, receive = Identity.new(site, HUB).private_keys()
    keys = HubKeys(site=site, sign_key=to_b64u(sign), receive_key=to_b64u(receive), client_id=new_client_id())
    # No keyring: a hub starts without anybody logging in, and its backup opens on another computer.
    save_secrets(folder, json.encode(keys), make_key(folder, keyring=False))
    return keys
