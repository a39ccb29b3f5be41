"""The signaling server's sockets: what the exchange decides, carried out; nobody waits for a slow reader."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING

from agent.hub.signaling.events import (
    Changed,
    Closed,
    Effect,
    End,
    Event,
    Late,
    Opened,
    Rest,
    Revoked,
    Said,
    Say,
    Taken,
)
from agent.hub.signaling.exchange import LOGIN_S, Exchange
from agent.system.log import event

if TYPE_CHECKING:
    from fastapi import APIRouter, FastAPI, WebSocket

log = logging.getLogger(__name__)

SLOW_S = 20.0
"""A socket that takes nothing for so long is closed."""

_REFUSED, _LATER = 1008, 1013
_CLOSE_CODES = {"busy": _LATER}
_WORTH_A_LINE = frozenset({"login", "name", "challenge", "host", "sealed", "form", "busy"})
"""What no honest station does on an ordinary day."""


class Desk:
    """The sockets of one exchange; everything happens in one event loop."""

    def __init__(
        self, exchange: Exchange, now: Callable[[], float], *, login_s: float = LOGIN_S, slow_s: float = SLOW_S
    ) -> None:
        self.exchange, self._now, self._login_s, self._slow_s = exchange, now, login_s, slow_s
        self._lines: dict[int, _Line] = {}
        self._numbers = count(1)

    async def serve(self, socket: "WebSocket") -> None:
        """Talk with one socket until either side ends it."""
        await socket.accept()
        number, line = next(self._numbers), _Line()
        self._lines[number] = line
        late = asyncio.get_running_loop().call_later(self._login_s, self._tell, Late(number))
        self._tell(Opened(number))
        sides = [
            asyncio.create_task(self._read(number, line, socket), name=f"signal {number} reads"),
            asyncio.create_task(self._write(number, line, socket), name=f"signal {number} writes"),
        ]
        try:
            await asyncio.wait(sides, return_when=asyncio.FIRST_COMPLETED)
        finally:
            late.cancel()
            for side in sides:
                side.cancel()
            await asyncio.gather(*sides, return_exceptions=True)
            del self._lines[number]
            self._tell(Closed(number))

    def revoked(self, station: str) -> None:
        """This station is no member any more: close its socket now."""
        self._tell(Revoked(station))

    def ledger_changed(self) -> None:
        """Close every socket whose station is no member any more, or has other keys."""
        self._tell(Changed())

    def status(self) -> dict[str, object]:
        """How it stands: {stations: [name], strangers, counts: {what: how often}}."""
        exchange = self.exchange
        return {"stations": exchange.stations, "strangers": exchange.strangers, "counts": dict(exchange.counts)}

    def _tell(self, happened: Event) -> None:
        for effect in self.exchange.handle(happened, self._now()):
            self._do(effect)

    def _do(self, effect: Effect) -> None:
        line = self._lines.get(effect.socket)
        if line is None:
            return
        match effect:
            case Say():
                line.waiting.put_nowait(effect)
            case End(number, _, code):
                line.clear()
                line.waiting.put_nowait(effect)
                if code in _WORTH_A_LINE:
                    event(log, "signal-refused", logging.WARNING, socket=number, code=code)
            case Rest(_, seconds):
                line.rest = seconds

    async def _read(self, number: int, line: "_Line", socket: "WebSocket") -> None:
        while (message := await socket.receive())["type"] == "websocket.receive":
            self._tell(Said(number, message.get("text")))
            if line.rest:
                await asyncio.sleep(line.rest)
                line.rest = 0.0

    async def _write(self, number: int, line: "_Line", socket: "WebSocket") -> None:
        from fastapi import WebSocketDisconnect

        with suppress(WebSocketDisconnect, RuntimeError):  # it hung up; the reader hears of it too
            while True:
                effect = await line.waiting.get()
                try:
                    async with asyncio.timeout(self._slow_s):
                        await socket.send_text(effect.text)
                except TimeoutError:
                    event(log, "signal-slow", logging.WARNING, socket=number)
                    return
                if isinstance(effect, End):
                    await socket.close(_CLOSE_CODES.get(effect.code, _REFUSED), effect.code)
                    return
                self._tell(Taken(number, len(effect.text)))


class _Line:
    """What waits for one socket; the exchange sees to it that this is not too much."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[Say | End] = asyncio.Queue()
        self.rest = 0.0

    def clear(self) -> None:
        """Forget what waits."""
        while not self.waiting.empty():
            self.waiting.get_nowait()


def make_signaling(desk: Desk) -> "APIRouter":
    """Return the route /signal, to be included in an application."""
    from fastapi import APIRouter, WebSocket

    router = APIRouter()

    @router.websocket("/signal")
    async def signal(socket: WebSocket) -> None:
        await desk.serve(socket)

    return router


def make_alone(desk: Desk) -> "FastAPI":
    """Return an application that is nothing else."""
    from fastapi import FastAPI

    web = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    web.include_router(make_signaling(desk))
    return web
