"""Google: a person signs in with the browser of this computer, which brings the answer back to a port of ours."""

# RFC 8252 (loopback) with PKCE, RFC 7636; Google lets nobody have mailboxes by a code typed on another device.
#
#   browser  → accounts.google.com  client_id redirect_uri=http://127.0.0.1:PORT/ scope state code_challenge …
#   browser  → 127.0.0.1:PORT       ?state&code, or ?state&error
#   we       → token endpoint       grant_type=authorization_code code code_verifier redirect_uri client_id (secret)

import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlencode, urlsplit

from msgspec import json

from agent.domain.errors import BadInput
from agent.domain.keys import to_b64u
from agent.system.oauth.tokens import Kept, Place, ask, refused

SCOPE = "https://mail.google.com/"
AUTH_URL = "https://accounts.google.com/o/oauth2/v2/auth"
TOKEN_URL = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address
PATIENCE_S = 300.0
_DONE = b"<!doctype html><meta charset=utf-8><title>No More Running</title><p>You can close this page now."


def place_of(client_id: str) -> Place:
    """Where tokens are given and renewed."""
    return Place(TOKEN_URL, client_id, SCOPE)


def sign_in(
    place: Place,
    login: str,
    secret: str,
    show: Callable[[str], None],
    browse: Callable[[str], object],
    *,
    auth_url: str = AUTH_URL,
    patience: float = PATIENCE_S,
) -> str:
    """Let a person sign in, in the browser that `browse` opens; returns what is to be kept.

    `secret` is the one Google gave with the program's number. Raises BadInput, SignInRefused, ProviderAway.
    """
    if not place.client_id or not secret:
        raise BadInput(
            "The number of this program at Google and its secret are missing",
            "IT registers it once, see docs/mail.md; or use an app password: nmr mail login --auth password",
            field="client_id",
        )
    verifier = secrets.token_urlsafe(48)
    with _Ear() as ear:
        asked = {
            "client_id": place.client_id,
            "redirect_uri": ear.address,
            "response_type": "code",
            "scope": place.scope,
            "state": ear.state,
            "code_challenge": to_b64u(sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
            "access_type": "offline",
            "prompt": "consent",
            "login_hint": login,
        }
        url = f"{auth_url}?{urlencode(asked)}"
        show(f"Sign in as {login} with the browser of this computer:\n{url}")
        browse(url)
        code = ear.hear(patience)
        grant = ask(
            place,
            {
                "grant_type": "authorization_code",
                "code": code,
                "code_verifier": verifier,
                "redirect_uri": ear.address,
                "client_id": place.client_id,
                "client_secret": secret,
            },
        )
    if not grant.refresh_token:
        raise refused("It gave no refresh token")
    return json.encode(Kept(grant.refresh_token, secret)).decode()


class _Ear(HTTPServer):
    """Hears one answer on a port of this computer only; what does not know our `state` is not heard."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.state, self.code, self.error = secrets.token_urlsafe(24), "", ""

    @property
    def address(self) -> str:
        """Where the browser brings the answer."""
        return f"http://127.0.0.1:{self.server_address[1]}/"

    def hear(self, patience: float) -> str:
        """Return the code; raises SignInRefused."""
        end = time.monotonic() + patience
        while not self.code and not self.error:
            self.timeout = end - time.monotonic()
            if self.timeout <= 0:
                raise refused("Nobody signed in")
            self.handle_request()
        if self.error:
            raise refused(f"It says: {self.error}")
        return self.code

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: a browser that hangs up early is nobody's fault."""


class _Answer(BaseHTTPRequestHandler):
    timeout = 5.0

    def do_GET(self) -> None:
        """Take the answer out of the address."""
        ear = self.server
        assert isinstance(ear, _Ear)
        said = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        known = secrets.compare_digest(said.get("state", "").encode(), ear.state.encode())
        if known:
            ear.code, ear.error = said.get("code", ""), said.get("error", "")[:64]
        self.send_response(200 if known else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(_DONE if known else b"")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it that
        """Keep quiet: the address holds the code."""
