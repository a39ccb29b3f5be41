"""The station's side of the signaling server: a link of its own, which carries sealed signals and keeps nothing."""

# The wire stands in full above the server, agent/hub/signaling/exchange.py:
#
#   S→C {"challenge": B64U(32)}
#   C→S {"login": <frame of signal.login {challenge, host}>}
#   S→C {"ok": {"station": <who you are>}}
#   C→S {"to": <station>, "sealed": B64U}
#   S→C {"from": <station>, "sealed": B64U} · {"gone": <station>}
#   S→C {"error": <code>, "message": …}                                      the last word

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from agent.domain.keys import from_b64u, to_b64u
from agent.domain.signals import SignalLogin
from agent.links.base import INBOX, Delivery, LinkDown, LinkRefused
from agent.links.p2p.settings import Notary, P2pSettings
from agent.system.sparing import later

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection, connect

LOGIN_S = 10.0
MESSAGE_BYTES = 64 * 1024
PING_S = 20.0

FATAL = frozenset({"revoked", "name", "host", "login"})
"""Errors that another attempt does not cure."""


class SignalingLink:
    """One station's way to its signaling server; `gone` hears whom that server could not reach."""

    name = "signal"

    def __init__(self, settings: P2pSettings, notary: Notary, gone: Callable[[str], None]) -> None:
        self._settings, self._notary, self._gone = settings, notary, gone
        self._tls: ssl.SSLContext | None = None

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["SignalingSession"]:
        """Connect and log in; raises LinkDown or LinkRefused."""
        connect = _websockets()
        socket: ClientConnection | None = None
        try:
            with _failures():
                async with asyncio.timeout(LOGIN_S):
                    socket = await connect(
                        self._settings.url,
                        ssl=self._context(),
                        proxy=None,  # the hub is in our own net
                        compression=None,
                        max_size=MESSAGE_BYTES,
                        ping_interval=PING_S,
                        ping_timeout=PING_S / 2,
                        close_timeout=1,
                    )
                    await self._log_in(socket)
            yield SignalingSession(socket, self._gone)
        finally:
            if socket is not None:
                await socket.close()

    async def _log_in(self, socket: "ClientConnection") -> None:
        challenge = _message(await socket.recv()).get("challenge", "")
        login = SignalLogin(challenge=challenge, host=self._settings.host)
        await socket.send(json.dumps({"login": self._notary.login(login).decode("ascii")}))
        if "ok" not in _message(await socket.recv()):
            raise LinkDown("the signaling server speaks another language")

    def _context(self) -> ssl.SSLContext | None:
        """Trust the site's authority only."""
        if self._settings.ca_pem is not None and self._tls is None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            try:
                context.load_verify_locations(cadata=self._settings.ca_pem.decode("ascii"))
            except (ssl.SSLError, UnicodeDecodeError) as error:
                raise LinkRefused("the certificate of the site cannot be read: enrol this station again") from error
            self._tls = context
        return self._tls


@cache
def _websockets() -> "type[connect]":
    """Load the library once, without what it would ask for proxies and for its own number: 2 MiB."""
    with later("urllib.request", "importlib.metadata"):
        from websockets.asyncio.client import connect

    return connect


class SignalingSession:
    """A station while it is logged in."""

    def __init__(self, socket: "ClientConnection", gone: Callable[[str], None]) -> None:
        self._socket, self._gone = socket, gone

    async def send(self, to: str, sealed: bytes, channel: str = INBOX) -> None:
        """Hand a container to the server; raises LinkDown."""
        assert channel == INBOX
        with _failures():
            await self._socket.send(json.dumps({"to": to, "sealed": to_b64u(sealed)}))

    async def received(self) -> AsyncIterator[Delivery]:
        """Yield what comes until the socket ends, then raise LinkDown or LinkRefused."""
        while True:
            with _failures():
                message = _message(await self._socket.recv())
                if "gone" in message:
                    self._gone(str(message["gone"]))
                    continue
                sender, sealed = str(message.get("from")), from_b64u(str(message.get("sealed")))
            yield Delivery("signal", sender, sealed, _nothing)


def _message(text: str | bytes) -> dict[str, Any]:
    """Read what the server says; raises LinkDown or LinkRefused if that is an error."""
    message = json.loads(text)
    if not isinstance(message, dict):
        raise LinkDown("the signaling server speaks another language")
    if "error" in message:
        why = f"the signaling server: {message.get('message') or message['error']}"
        raise LinkRefused(why) if message["error"] in FATAL else LinkDown(why)
    return message


@contextmanager
def _failures() -> Iterator[None]:
    """Say what goes wrong with a socket in the words of a link."""
    from websockets.exceptions import WebSocketException

    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise LinkRefused("the signaling server does not belong to this site: its certificate is not ours") from error
    except TimeoutError as error:
        raise LinkDown("the signaling server does not answer") from error
    except (OSError, WebSocketException, ValueError) as error:
        raise LinkDown(f"no signaling server: {error}") from error


def _nothing() -> None:
    """Nothing keeps what a signaling server carries."""
