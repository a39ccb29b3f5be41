"""The few HTTPS requests of enrolment: a card from an unproven hub, then only to the one whose authority it names."""

import ssl
from dataclasses import dataclass
from http.client import HTTPException, HTTPSConnection
from urllib.parse import urlsplit

from msgspec import DecodeError, json

from agent.domain.errors import BadInput, NmrError, Unavailable
from agent.wire.enrolment import ANSWER_BYTES
from agent.wire.invite import Card

PATIENCE_S = 10.0
DEFAULT_PORT = 8443
NO_HUB = "no-hub"
"""The code of the error that says that nobody answers there."""


class HubRefused(Exception):
    """The hub answered with an error; `code` is its name."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Place:
    """Where a hub listens."""

    host: str
    port: int


def hub_place(address: str) -> Place:
    """Read `https://host:port`, `host:port` or `host`; raises BadInput."""
    text = address.strip()
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = None, None, None
    if parts is None or not host or parts.scheme != "https" or parts.username or not text.isprintable():
        raise BadInput(
            "This is no hub address", f"“{address}” should look like hub.example:{DEFAULT_PORT}", field="hub"
        )
    return Place(host, port or DEFAULT_PORT)


def fetch_card(place: Place, invite: str) -> bytes:
    """Return what the hub shows for an invite; its certificate is not checked, the caller checks the MAC."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return _ask(
        place, HTTPSConnection(place.host, place.port, timeout=PATIENCE_S, context=context), "GET", f"/invite/{invite}"
    )


def post_request(place: Place, card: Card, sealed: bytes) -> bytes:
    """Ask the site's own hub to let us in and return its sealed answer."""
    return _ask(place, _Trusted(place, card), "POST", "/enrol", sealed)


def confirm(place: Place, card: Card, sealed: bytes) -> None:
    """Tell the hub that everything it gave is on our disk."""
    _ask(place, _Trusted(place, card), "POST", "/enrol/confirm", sealed)


class _Trusted(HTTPSConnection):
    """A connection to whoever has the site's certificate for the name in the card, wherever it was dialled."""

    def __init__(self, place: Place, card: Card) -> None:
        self._name = urlsplit(card.url).hostname or ""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._context.load_verify_locations(cadata=card.ca_pem)
        super().__init__(place.host, place.port, timeout=PATIENCE_S, context=self._context)

    def connect(self) -> None:
        """Dial, then check the certificate."""
        super(HTTPSConnection, self).connect()
        self.sock = self._context.wrap_socket(self.sock, server_hostname=self._name)


def _ask(place: Place, connection: HTTPSConnection, method: str, path: str, body: bytes | None = None) -> bytes:
    """Return the body of a good answer; raises HubRefused, Unavailable, NmrError("wrong-hub")."""
    try:
        connection.request(method, path, body, {"Content-Type": "application/octet-stream"} if body else {})
        answer = connection.getresponse()
        content = answer.read(2 * ANSWER_BYTES)
    except ssl.SSLCertVerificationError as error:
        raise NmrError(
            "This is not the hub of the invite",
            f"{place.host} shows the certificate of another site ({error.verify_message}). Nothing was sent. Tell IT",
            code="wrong-hub",
        ) from error
    except (OSError, HTTPException) as error:
        why = str(error) or type(error).__name__
        raise Unavailable(
            "The hub cannot be reached",
            f"{place.host}, port {place.port}: {why}. Is it on, and is the address right?",
            code=NO_HUB,
        ) from error
    finally:
        connection.close()
    if answer.status != 200:  # noqa: PLR2004 - HTTP's only good answer here
        raise HubRefused(_code(content))
    return content


def _code(content: bytes) -> str:
    try:
        return str(json.decode(content, type=dict[str, str])["code"])[:40]
    except (DecodeError, KeyError):
        return "no-hub-answer"
