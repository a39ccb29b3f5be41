"""Which STUN and TURN servers answer: the others are left out, for gathering waits five seconds for a silent one."""

import asyncio
import os
import re
from collections.abc import Callable, Sequence
from contextlib import suppress

from agent.links.p2p.settings import IceServer

FRESH_S = 15.0
"""How long an answer counts."""
PATIENCE_S, LONGEST_S = 0.3, 3.0
"""How long a connection waits for a server that is not known yet, and how long a probe of it goes on beside."""

_URL = re.compile(r"(?P<kind>stuns?|turns?):(?P<host>\[[^\]]+\]|[^?:]+)(:(?P<port>\d+))?(\?transport=(?P<by>udp|tcp))?")
_BINDING = b"\x00\x01\x00\x00\x21\x12\xa4\x42"
_SUCCESS = b"\x01\x01"
_TRANSACTION_BYTES = 12
_RESEND_S = 0.5


class Servers:
    """The servers a station may use, and the verdicts about them.

    A server is asked again when a connection is made and the last answer is old. Whoever did not answer once is not
    waited for a second time: the probe goes on beside, and the next connection has its result.
    """

    def __init__(self, given: Callable[[], Sequence[IceServer]], clock: Callable[[], float]) -> None:
        self._given, self._clock = given, clock
        self._answered: dict[str, float] = {}
        self._silent: set[str] = set()
        self._asked: dict[str, float] = {}
        self._probes: dict[str, asyncio.Task[None]] = {}

    async def usable(self) -> list[IceServer]:
        """Those that answer, within PATIENCE_S."""
        servers = self._given()
        for server in servers:
            self._ask(server.url)
        waited = [probe for url, probe in self._probes.items() if url not in self._silent]
        if waited:
            await asyncio.wait(waited, timeout=PATIENCE_S)
        self._silent |= self._probes.keys()
        return [server for server in servers if self._is_fresh(server.url)]

    async def stop(self) -> None:
        """Ask nobody any more."""
        probes = list(self._probes.values())
        for probe in probes:
            probe.cancel()
        await asyncio.gather(*probes, return_exceptions=True)

    def _is_fresh(self, url: str) -> bool:
        return self._clock() - self._answered.get(url, -FRESH_S) < FRESH_S

    def _ask(self, url: str) -> None:
        """Begin a probe unless one runs or the verdict is fresh."""
        lately = self._clock() - self._asked.get(url, -FRESH_S) < FRESH_S
        if url in self._probes or lately:
            return
        self._asked[url] = self._clock()
        probe = self._probes[url] = asyncio.create_task(self._probe(url))
        probe.add_done_callback(lambda _: self._probes.pop(url, None))

    async def _probe(self, url: str) -> None:
        self._answered.pop(url, None)
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(LONGEST_S):
                await reach(url)
                self._answered[url] = self._clock()
                self._silent.discard(url)


async def reach(url: str) -> None:
    """Return when the server at `url` has answered; raises OSError, or waits for ever."""
    match = _URL.fullmatch(url)
    if match is None:
        raise OSError(f"{url} is no address of a STUN or TURN server")
    secure = match["kind"] in ("stuns", "turns")
    host, port = match["host"].strip("[]"), int(match["port"] or (5349 if secure else 3478))
    if secure or match["by"] == "tcp":
        _, writer = await asyncio.open_connection(host, port)
        writer.close()
        await writer.wait_closed()
        return
    await _bind(host, port)


async def _bind(host: str, port: int) -> None:
    """Ask for a binding by UDP, RFC 8489, until it comes."""
    loop = asyncio.get_running_loop()
    transaction = os.urandom(_TRANSACTION_BYTES)
    transport, waiting = await loop.create_datagram_endpoint(lambda: _Binding(transaction), remote_addr=(host, port))
    try:
        while not waiting.answered.is_set():
            transport.sendto(_BINDING + transaction)
            with suppress(TimeoutError):
                async with asyncio.timeout(_RESEND_S):
                    await waiting.answered.wait()
    finally:
        transport.close()


class _Binding(asyncio.DatagramProtocol):
    """One request that waits for its answer."""

    def __init__(self, transaction: bytes) -> None:
        self.answered = asyncio.Event()
        self._transaction = transaction

    def datagram_received(self, data: bytes, _addr: object) -> None:
        """Accept only the answer to our own request."""
        if data[:2] == _SUCCESS and data[8:20] == self._transaction:
            self.answered.set()

    def error_received(self, exc: Exception) -> None:
        """Nobody listens there; perhaps later."""
