"""Credentials for the site's TURN server that are good for a while only: coturn's `use-auth-secret`."""

#   user     = <unix seconds until which it is good> ":" <station>
#   password = BASE64(HMAC-SHA1(<coturn's static-auth-secret>, user))
#
# SHA-1 is what coturn computes there; as an HMAC it stands.

import hmac
from base64 import b64encode
from dataclasses import dataclass

LIFE_S = 12 * 3600
"""A working day: whoever is revoked has the relay until then, and nobody on it who would answer."""


@dataclass(frozen=True, slots=True)
class TurnCredentials:
    """What a station shows a TURN server; `until` is ms UTC."""

    user: str
    password: str
    until: int


def turn_credentials(secret: str, station: str, now_ms: int, life_s: int = LIFE_S) -> TurnCredentials:
    """Return credentials for `station`, good from `now_ms` (UTC) for `life_s` seconds."""
    until_s = now_ms // 1000 + life_s
    user = f"{until_s}:{station}"
    digest = hmac.digest(secret.encode(), user.encode(), "sha1")
    return TurnCredentials(user, b64encode(digest).decode(), until_s * 1000)
