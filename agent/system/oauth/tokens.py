"""Access tokens from a refresh token: one request to the provider an hour, without any library of its own."""

# RFC 6749 §6. The sign-in itself (microsoft.py, google.py) happens once and in a process of its own; this runs in the
# agent, where msal would cost 15 MiB and 0.6 s.
#
#   POST token_url   grant_type=refresh_token refresh_token client_id scope (client_secret)
#   200              {access_token, expires_in, refresh_token (a new one, or none)}
#   400, 401         {error, error_description}      invalid_grant and others: a person must sign in again
#   429, 5xx         later
#
# What is kept between two runs: JSON {"refresh": text, "secret": text}, sealed as MailSecret.value. The secret is the
# one Google gives to programs, who has the program has it; Microsoft has none.

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from msgspec import DecodeError, Struct, json
from msgspec.structs import replace

from agent.domain.errors import NmrError, NotAllowed, Unavailable
from agent.system.mail_secret import AGAIN, MailSecret, save_mail_secret
from agent.system.wrapping_key import WrappingKey

EARLY_S = 300.0
"""So long before its end a token is replaced, seconds: a login must not begin with one that ends on the way."""
PATIENCE_S = 20.0
LONGEST_ANSWER = 256 * 1024
_OK, _TOO_MANY, _SERVERS_FAULT = 200, 429, 500


class SignInRefused(NotAllowed):
    """The provider does not let us in any more: a person has to sign in again."""

    default_code = "sign-in-refused"


class ProviderAway(Unavailable):
    """The provider cannot be reached or is not well; later it may be."""

    default_code = "provider-away"


@dataclass(frozen=True, slots=True)
class Place:
    """Where tokens come from and as what we ask; `ca_pem` is trusted instead of the system's authorities."""

    token_url: str
    client_id: str
    scope: str
    ca_pem: str | None = field(default=None, repr=False)


class Kept(Struct, frozen=True):
    """What is sealed between two runs."""

    refresh: str
    secret: str = ""

    def __repr__(self) -> str:
        """Show nothing of it: this comes into tracebacks."""
        return "Kept()"


class Grant(Struct, frozen=True):
    """What a token endpoint gives."""

    access_token: str
    expires_in: float = 3600.0
    refresh_token: str = ""

    def __repr__(self) -> str:
        """Show no token: this comes into tracebacks."""
        return f"Grant(expires_in={self.expires_in!r})"


class Tokens:
    """Gives access tokens for one mailbox, from any thread; a new refresh token is sealed before the old one is gone.

    `now` is monotonic, seconds.
    """

    def __init__(
        self,
        folder: Path,
        secret: MailSecret,
        key: WrappingKey,
        place: Place,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._secret, self._key, self._place, self._now = folder, secret, key, place, now
        self._one = Lock()
        self._access, self._until = "", 0.0

    def token(self) -> str:
        """Return a token that is good now; blocking. Raises SignInRefused, ProviderAway, NotWritten."""
        with self._one:
            if not self._access or self._now() >= self._until - EARLY_S:
                self._renew()
            return self._access

    def _renew(self) -> None:
        began, kept = self._now(), read_kept(self._secret.value)
        grant = refreshed(self._place, kept)
        if grant.refresh_token and grant.refresh_token != kept.refresh:
            value = json.encode(replace(kept, refresh=grant.refresh_token)).decode()
            self._secret = replace(self._secret, value=value)
            save_mail_secret(self._folder, self._secret, self._key)
        self._access, self._until = grant.access_token, began + grant.expires_in


def read_kept(value: str) -> Kept:
    """What was sealed; raises SignInRefused."""
    try:
        return json.decode(value, type=Kept)
    except DecodeError:
        raise refused("What was kept of the last sign-in cannot be read") from None


def refreshed(place: Place, kept: Kept) -> Grant:
    """Ask for an access token; blocking. Raises SignInRefused, ProviderAway."""
    asked = {
        "grant_type": "refresh_token",
        "refresh_token": kept.refresh,
        "client_id": place.client_id,
        "scope": place.scope,
    }
    return ask(place, asked | ({"client_secret": kept.secret} if kept.secret else {}))


def ask(place: Place, form: Mapping[str, str]) -> Grant:
    """Ask a token endpoint; raises SignInRefused, ProviderAway. Neither holds anything of what was asked or given."""
    status, said = _post(place, form)
    if status == _OK:
        try:
            return json.decode(said, type=Grant, strict=False)
        except DecodeError:
            raise ProviderAway("The provider's answer cannot be understood", "Try again later") from None
    if status == _TOO_MANY or status >= _SERVERS_FAULT:
        raise ProviderAway("The provider gives no tokens now", f"It says {status}. Try again later")
    raise refused(_why(said))


def refused(why: str) -> SignInRefused:
    """What to say where the provider wants to see the person again."""
    return SignInRefused("The provider wants a new sign-in for the mailbox", f"{why}. {AGAIN}")


def needs_extra(name: str) -> NmrError:
    """What to say where the library for a sign-in is not installed."""
    return NmrError(
        "Signing in at this provider needs another library",
        f"{name} is not installed. Install it: pip install 'no-more-running[oauth]'",
        code="no-oauth",
    )


def _why(said: bytes) -> str:
    """The provider's reason in one line; the code is a stable word of RFC 6749, the rest is for people."""
    try:
        found = json.decode(said, type=dict[str, Any])
    except DecodeError:
        return "It gave no reason"
    words = " ".join(str(found.get("error_description", "")).split())
    return f"{str(found.get('error', 'error'))[:64]}{': ' if words else ''}{words[:300]}".rstrip(".")


def _post(place: Place, form: Mapping[str, str]) -> tuple[int, bytes]:
    import ssl
    from http.client import HTTPException, HTTPSConnection
    from urllib.parse import urlencode, urlsplit

    where = urlsplit(place.token_url)
    if where.scheme != "https" or not where.hostname:
        raise ProviderAway("The provider's address is none", place.token_url)
    tls = ssl.create_default_context(cadata=place.ca_pem)
    connection = HTTPSConnection(where.hostname, where.port, timeout=PATIENCE_S, context=tls)
    try:
        connection.request("POST", where.path, urlencode(form), {"Content-Type": "application/x-www-form-urlencoded"})
        answer = connection.getresponse()
        return answer.status, answer.read(LONGEST_ANSWER)
    except (OSError, HTTPException) as error:
        why = f"{where.hostname}: {str(error) or type(error).__name__}"
        raise ProviderAway("The provider cannot be reached", f"{why}. Check the network") from None
    finally:
        connection.close()
