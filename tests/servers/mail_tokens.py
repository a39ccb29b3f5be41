"""A server of access tokens for tests: device codes and refreshing as Microsoft and Google have them, introspection."""

import base64
import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from tests.servers.ports import free_port

TENANT = "tests"
PENDING = "authorization_pending"

# POST /TENANT/oauth2/v2.0/devicecode  client_id scope → {device_code, user_code, verification_uri, interval, …}
# POST /TENANT/oauth2/v2.0/token       grant_type=…device_code device_code, or grant_type=refresh_token refresh_token
#                                      → {access_token, refresh_token, expires_in, …} or 400 {error}
# GET  /TENANT/v2.0/.well-known/openid-configuration
# POST /introspect                     token → {active, email}
# Only the last part of a path is looked at, so that /device/code and /token of others lead here as well.


@dataclass
class _Grant:
    """An access token, for one mailbox and a time."""

    login: str
    until: float


class TokenServer:
    """Listens at https://localhost:`port`; what a person does in a browser, the test does with `allow` and `deny`."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.port = free_port()
        self.requests: list[tuple[str, dict[str, str]]] = []
        """Each request's path and form, without what is in its headers."""
        self.seconds = 3600
        """How long access tokens are good for."""
        self.broken = False
        """Whether everything is answered by 503."""
        self._certificate, self._key = certificate, key
        self._access: dict[str, _Grant] = {}
        self._refresh: dict[str, str] = {}
        self._devices: dict[str, str] = {}  # device code → login, empty as long as nobody allowed it
        self._lock = threading.Lock()
        self._http: ThreadingHTTPServer | None = None

    @property
    def authority(self) -> str:
        """What msal takes for an authority, with its instance discovery switched off."""
        return f"https://localhost:{self.port}/{TENANT}"

    def start(self) -> None:
        """Listen, on the same port each time."""
        http = _Listening(("127.0.0.1", self.port), _answering(self))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._certificate, self._key)
        http.socket = context.wrap_socket(http.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=http.serve_forever, args=(0.05,), name="tokens", daemon=True).start()
        self._http = http

    def stop(self) -> None:
        """Listen no more; stopping twice does nothing."""
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None

    def dovecot_config(self, ca: Path) -> str:
        """Dovecot's settings for asking us."""
        return (
            f"introspection_url = https://localhost:{self.port}/introspect\nintrospection_mode = post\n"
            "force_introspection = yes\nusername_attribute = email\nusername_format = %Ln\n"
            f"active_attribute = active\nactive_value = true\ntls_ca_cert_file = {ca}\ntimeout_msecs = 5000\n"
        )

    def issue(self, login: str, seconds: float | None = None) -> str:
        """An access token for a mailbox's address."""
        token = secrets.token_urlsafe(48)
        with self._lock:
            self._access[token] = _Grant(login, time.monotonic() + (self.seconds if seconds is None else seconds))
        return token

    def grant(self, login: str) -> str:
        """A refresh token for a mailbox's address."""
        token = secrets.token_urlsafe(64)
        with self._lock:
            self._refresh[token] = login
        return token

    def active(self, login: str, token: str) -> bool:
        """Whether this access token opens this mailbox now."""
        return bool(token) and self._whose(token) == login

    def expire(self) -> None:
        """End every access token; refresh tokens stay."""
        with self._lock:
            self._access.clear()

    def revoke(self, login: str) -> None:
        """End what a mailbox's tokens are worth, as an administrator does."""
        with self._lock:
            self._access = {token: grant for token, grant in self._access.items() if grant.login != login}
            self._refresh = {token: whose for token, whose in self._refresh.items() if whose != login}

    def allow(self, login: str) -> int:
        """The person types the code and signs in: for every device that waits; how many these were."""
        return self._decide(login)

    def deny(self) -> int:
        """The person says no, to every device that waits."""
        return self._decide("-")

    def _decide(self, answer: str) -> int:
        with self._lock:
            waiting = [code for code, login in self._devices.items() if not login]
            self._devices |= dict.fromkeys(waiting, answer)
        return len(waiting)

    def _whose(self, token: str) -> str | None:
        with self._lock:
            grant = self._access.get(token)
        return grant.login if grant and grant.until > time.monotonic() else None

    # --- what is asked over HTTP: code and JSON -----------------------------------------------------

    def answer(self, path: str, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        """The answer to a request."""
        self.requests.append((path, form))
        if self.broken:
            return 503, {"error": "temporarily_unavailable"}
        questions: dict[str, Callable[[dict[str, str]], tuple[int, dict[str, object]]]] = {
            "openid-configuration": self._discovery,
            "devicecode": self._device,
            "code": self._device,
            "token": self._token,
            "introspect": self._introspect,
        }
        question = questions.get(path.rpartition("/")[2])
        return question(form) if question else (404, {"error": "not_found"})

    def _discovery(self, _form: dict[str, str]) -> tuple[int, dict[str, object]]:
        below = f"{self.authority}/oauth2/v2.0"
        return 200, {
            "issuer": f"{self.authority}/v2.0",
            "authorization_endpoint": f"{below}/authorize",
            "token_endpoint": f"{below}/token",
            "device_authorization_endpoint": f"{below}/devicecode",
        }

    def _device(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        if not form.get("client_id"):
            return 400, {"error": "invalid_request"}
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._devices[code] = ""
        return 200, {
            "device_code": code,
            "user_code": "TESTS123",
            "verification_uri": f"https://localhost:{self.port}/device",
            "verification_url": f"https://localhost:{self.port}/device",  # as Google calls it
            "interval": 1,
            "expires_in": 900,
            "message": "Open the page and type TESTS123.",
        }

    def _token(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        if form.get("grant_type") == "refresh_token":
            login = self._refresh.get(form.get("refresh_token", ""))
            return self._tokens(login, form) if login else (400, {"error": "invalid_grant"})
        if "device_code" not in form.get("grant_type", ""):
            return 400, {"error": "unsupported_grant_type"}
        with self._lock:
            login = self._devices.get(form.get("device_code", ""))
            if login:
                del self._devices[form["device_code"]]
        if login is None:
            return 400, {"error": "bad_verification_code"}
        if login == "-":
            return 400, {"error": "authorization_declined"}
        return self._tokens(login, form) if login else (400, {"error": PENDING})

    def _tokens(self, login: str, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        return 200, {
            "token_type": "Bearer",
            "scope": form.get("scope", ""),
            "expires_in": self.seconds,
            "access_token": self.issue(login),
            "refresh_token": self.grant(login),
            "id_token": self._identity(login, form.get("client_id", "")),
            "client_info": _b64({"uid": login, "utid": TENANT}),
        }

    def _identity(self, login: str, audience: str) -> str:
        now = int(time.time())
        claims = {"iss": f"{self.authority}/v2.0", "aud": audience, "sub": login, "oid": login, "tid": TENANT}
        claims |= {"preferred_username": login}
        return f"{_b64({'alg': 'none'})}.{_b64(claims | {'iat': now, 'nbf': now, 'exp': now + 3600})}."

    def _introspect(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        login = self._whose(form.get("token", ""))
        return 200, {"active": True, "email": login} if login else {"active": False}


class _Listening(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: whoever does not believe our certificate hangs up, and says so itself."""


def _answering(server: TokenServer) -> type[BaseHTTPRequestHandler]:
    """What HTTP requests are given to."""

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self._answer(dict(parse_qsl(body.decode())))

        def _answer(self, form: dict[str, str]) -> None:
            code, said = server.answer(urlsplit(self.path).path, form)
            content = json.dumps(said).encode()
            self.send_response(code)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it that
            """Keep quiet: `requests` tells what came."""

    return Answering


def _b64(content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")
