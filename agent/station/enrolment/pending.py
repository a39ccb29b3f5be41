"""An enrolment under way: its keys and its nonce are on disk before the hub hears of them."""

import secrets
from pathlib import Path

from msgspec import DecodeError, Struct, json

from agent.domain.keys import from_b64u, pae, to_b64u
from agent.system.credentials import PENDING
from agent.system.files import write_atomically
from agent.system.wrapping_key import WrappingKey, read_secret_file
from agent.wire.enrolment import NONCE_BYTES
from agent.wire.keys import Identity

# enrol.pending = "NMRK1" | backend(1) | nonce(12) | ChaCha20-Poly1305(W, blob, aad=PAE("enrol"))
#     blob = {"invite", "sign_key", "receive_key", "nonce", "renews"}  from before the first request until the hub knows
_AAD = pae("enrol")


class Pending(Struct, frozen=True, kw_only=True):
    """What is asked with; keys and nonce in base64url. `renews` if it is for a station that is one already."""

    invite: str
    sign_key: str
    receive_key: str
    nonce: str
    renews: bool = False

    def __repr__(self) -> str:
        """Show no key: this comes into tracebacks."""
        return f"Pending(invite={self.invite!r}, renews={self.renews})"

    def identity(self, site: str) -> Identity:
        """Whoever asks; a newcomer has no name yet."""
        return Identity.of(site, "", from_b64u(self.sign_key), from_b64u(self.receive_key))


def load_pending(folder: Path, key: WrappingKey) -> Pending | None:
    """Return the enrolment under way. Only we write it, whole or not at all; a damaged one is as good as none."""
    data = read_secret_file(folder / PENDING)
    try:
        return json.decode(key.unseal(data or b"", _AAD) or b"", type=Pending)
    except DecodeError:
        return None


def make_pending(folder: Path, key: WrappingKey, invite: str, own: tuple[str, str] | None = None) -> Pending:
    """Take up the enrolment with this invite, or begin one, with fresh keys or a station's `own` ones; saves it."""
    pending = load_pending(folder, key)
    if pending is not None and pending.invite == invite and pending.renews == (own is not None):
        return pending
    sign, receive = own or _fresh()
    nonce = to_b64u(secrets.token_bytes(NONCE_BYTES))
    pending = Pending(invite=invite, sign_key=sign, receive_key=receive, nonce=nonce, renews=own is not None)
    write_atomically(folder / PENDING, key.seal(json.encode(pending), _AAD))
    return pending


def forget_pending(folder: Path) -> None:
    """The hub knows, or never will."""
    (folder / PENDING).unlink(missing_ok=True)


def _fresh() -> tuple[str, str]:
    sign, receive = Identity.new("", "").private_keys()
    return to_b64u(sign), to_b64u(receive)
