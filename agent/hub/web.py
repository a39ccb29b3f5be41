"""The hub's HTTPS: enrolment and signaling; the web page joins here."""

# GET  /invite/<id>      200 the card, see wire/enrolment            404 410 {"code"}
# POST /enrol            200 the sealed answer                       403 404 409 410 413 503 {"code"}
# POST /enrol/confirm    200 {}                                      the same
# GET  /metrics          200 see metrics                             404 for whoever may not read them
# WS   /signal           see signaling/exchange

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Self

from agent.domain.errors import NmrError, Unavailable
from agent.hub.broker.files import write_private
from agent.hub.broker.tls import SiteTls
from agent.hub.enrolment import Enrolment
from agent.hub.errands import Errands
from agent.hub.exposition import CONTENT_TYPE
from agent.hub.metrics import Metrics
from agent.hub.signaling.desk import Desk, make_signaling
from agent.system.log import event
from agent.wire.enrolment import REQUEST_BYTES, EnrolRefused

if TYPE_CHECKING:
    from fastapi import FastAPI, Request, Response

log = logging.getLogger(__name__)

_STATUS = {"invite-unknown": 404, "invite-expired": 410, "invite-used": 409, "invite-claimed": 409, "size": 413}
_REFUSED, _NOT_HERE, _BUSY = 403, 404, 503
_MOST_AT_ONCE = 200
_ID_LENGTH = 16
_SOCKET_BYTES = 64 * 1024
_PING_S = 20.0


def make_web(enrolment: Enrolment, errands: Errands, desk: Desk, metrics: Metrics) -> "FastAPI":
    """Return the application."""
    from fastapi import FastAPI, Request, Response

    web = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    web.include_router(make_signaling(desk))

    @web.get("/invite/{invite}")
    async def invite(invite: str) -> Response:
        return Response(enrolment.show(invite[: _ID_LENGTH + 1]), media_type="application/json")

    @web.post("/enrol")
    async def enrol(request: Request) -> Response:
        sealed = await _body(request)
        return Response(await errands.run(enrolment.enrol(sealed)), media_type="application/octet-stream")

    @web.post("/enrol/confirm")
    async def confirm(request: Request) -> Response:
        sealed = await _body(request)
        await errands.run(enrolment.confirm(sealed))
        return Response(b"{}", media_type="application/json")

    @web.get("/metrics")
    async def numbers(request: Request) -> Response:
        if not metrics.may_read(request.client.host if request.client else None):
            return _error(_NOT_HERE, "not-found")
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    @web.exception_handler(EnrolRefused)
    async def refused(_: Request, error: Exception) -> Response:
        code = error.code if isinstance(error, EnrolRefused) else "enrol"
        event(log, "enrol-refused", logging.WARNING, code=code, why=str(error))
        return _error(_STATUS.get(code, _REFUSED), code)

    @web.exception_handler(NmrError)
    async def failed(_: Request, error: Exception) -> Response:
        event(log, "enrol-failed", logging.ERROR, why=str(error))
        return _error(_BUSY, "hub-busy")

    return web


async def _body(request: "Request") -> bytes:
    """The body of a request, never more than a request may have."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > REQUEST_BYTES:
            raise EnrolRefused("size")
    return body


def _error(status: int, code: str) -> "Response":
    from fastapi.responses import JSONResponse

    return JSONResponse({"code": code}, status_code=status)


def open_port(host: str, port: int, memory: Path) -> socket.socket:
    """Listen; port 0 means the one in the file `memory`, or any free one, which is written there.

    Raises Unavailable.
    """
    wanted = port or _remembered(memory)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    both = host == "::" and socket.has_dualstack_ipv6()
    try:
        opened = socket.create_server((host, wanted), family=family, backlog=256, dualstack_ipv6=both)
    except OSError as error:
        raise Unavailable(
            "The hub's port is not free",
            f"{host}, port {wanted}: {error.strerror}. Another hub may be running; or choose another hub.http_port",
            code="port",
        ) from error
    if not port and not wanted:
        write_private(memory, str(opened.getsockname()[1]))
    return opened


def _remembered(memory: Path) -> int:
    try:
        return int(memory.read_text())
    except (OSError, ValueError):
        return 0


class WebServer:
    """Serves the application until its context is left.

    `sockets` is how many WebSockets it may have open besides its requests, 0 that it has none. One that does not
    answer a ping within `ping_s`, sent as often, is closed.
    """

    def __init__(
        self, web: "FastAPI", opened: socket.socket, tls: SiteTls, *, sockets: int = 0, ping_s: float = _PING_S
    ) -> None:
        import uvicorn

        class Server(uvicorn.Server):
            """Signals are the hub's own business."""

            @contextlib.contextmanager
            def capture_signals(self) -> Iterator[None]:
                yield

        self._opened = opened
        self._config = uvicorn.Config(
            web,
            ssl_certfile=str(tls.hub_cert),
            ssl_keyfile=str(tls.hub_key),
            log_config=None,
            log_level="error",
            access_log=False,
            lifespan="off",
            ws="websockets-sansio" if sockets else "none",
            ws_max_size=_SOCKET_BYTES,
            ws_ping_interval=ping_s,
            ws_ping_timeout=ping_s,
            ws_per_message_deflate=False,
            server_header=False,
            proxy_headers=False,  # who asks is who is connected, whatever a header says
            limit_concurrency=_MOST_AT_ONCE + sockets,
            timeout_graceful_shutdown=2,
        )
        self._server = Server(self._config)
        self._serving: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """The port it listens on."""
        port: int = self._opened.getsockname()[1]
        return port

    async def __aenter__(self) -> Self:
        self._serving = asyncio.create_task(self._server.serve(sockets=[self._opened]), name="web")
        while not self._server.started and not self._serving.done():
            await asyncio.sleep(0.005)  # uvicorn has no other way to say that it listens
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.should_exit = True
        if self._serving is not None:
            await asyncio.gather(self._serving, return_exceptions=True)

    def reload_certificate(self, tls: SiteTls) -> None:
        """Use the certificate that lies there now for every connection from now on."""
        if self._config.ssl is not None:
            self._config.ssl.load_cert_chain(tls.hub_cert, tls.hub_key)
