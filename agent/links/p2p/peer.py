"""One connection as aiortc makes it: the thin shell around sockets, ICE, DTLS and SCTP.

aiortc is imported when the first connection is made, for it is as large as all the rest of the station.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from agent.links.base import LinkDown, LinkFull
from agent.links.p2p import events
from agent.links.p2p.servers import Servers
from agent.links.p2p.settings import IceServer
from agent.system.memory import give_back
from agent.wire.signals import our_description

if TYPE_CHECKING:
    from aiortc import RTCDataChannel, RTCPeerConnection

LABEL, STREAM = "nmr", 0
"""Both sides make the channel with this name and number, so that there is nothing to agree about."""

MOST_WAITING = 256 * 1024
"""So many bytes may wait in a channel; who sends more waits."""
PATIENCE_S = 2.0
"""A channel that has no room for so long is full for this message: others wait behind it."""
CLOSING_S, SETTLING_S = 5.0, 1.0
"""How long closing may take, and how long it waits for a handshake to end."""
LATE_S = 0.05
"""aioice looks that often, and more, whether it is connected."""

Route = Literal["direct", "relayed"]

_log = logging.getLogger(__name__)
_loaded = False


class Connection:
    """The connection `pc`; what happens to it is told as events, and what comes over its channel to `message`.

    All deeds go one after the other. None raises: a connection that fails tells Failed, once, and is to be closed.
    """

    def __init__(
        self, pc: str, servers: Servers, tell: Callable[[events.Event], None], message: Callable[[bytes], None]
    ) -> None:
        self.pc = pc
        self._servers, self._tell, self._message = servers, tell, message
        self._turn = asyncio.Lock()
        self._rtc: RTCPeerConnection | None = None
        self._channel: RTCDataChannel | None = None
        self._moved, self._turned = asyncio.Event(), asyncio.Event()
        self._over = False

    async def call(self) -> None:
        """Make an offer."""
        await self._do(self._call)

    async def take(self, sdp: Sequence[str]) -> None:
        """Answer an offer."""
        await self._do(self._take, sdp)

    async def join(self, sdp: Sequence[str]) -> None:
        """Take the answer to our offer."""
        await self._do(self._join, sdp)

    async def find(self, line: str) -> None:
        """Take one more candidate of the other side."""
        await self._do(self._find, line)

    async def close(self) -> None:
        """End it, as soon as what is being done to it is done."""
        self._over = True
        self._moved.set()
        async with self._turn:
            if self._rtc is not None:
                try:
                    async with asyncio.timeout(CLOSING_S):
                        await self._end(self._rtc)
                except Exception as error:  # noqa: BLE001 - whatever it is, nothing of ours depends on it
                    _log.info("p2p: closing %s: %r", self.pc, error)

    @property
    def is_open(self) -> bool:
        """Whether the channel takes messages."""
        return not self._over and self._channel is not None and self._channel.readyState == "open"

    def push(self, message: bytes) -> None:
        """Send without waiting; what a channel that is not open would have sent is lost."""
        if self._channel is not None and self.is_open:
            self._channel.send(message)

    async def send(self, message: bytes) -> None:
        """Send, and wait while too much waits already; raises LinkDown, LinkFull."""
        if self._waiting + len(message) > MOST_WAITING:
            await self._wait_for_room(len(message))
        if not self.is_open:
            raise LinkDown("the channel has closed")
        self.push(message)

    async def _wait_for_room(self, size: int) -> None:
        try:
            while self.is_open and self._waiting + size > MOST_WAITING:
                self._moved.clear()
                async with asyncio.timeout(PATIENCE_S):
                    await self._moved.wait()
        except TimeoutError as error:
            raise LinkFull("the channel takes no more") from error

    @property
    def route(self) -> Route:
        """Whether it goes straight or over a TURN server."""
        sctp = self._rtc.sctp if self._rtc is not None else None
        if sctp is None:
            return "direct"
        pairs = sctp.transport.transport._connection._nominated.values()  # noqa: SLF001 - said nowhere else; it is pinned
        kinds = {side.type for pair in pairs for side in (pair.local_candidate, pair.remote_candidate)}
        return "relayed" if "relay" in kinds else "direct"

    async def _end(self, rtc: "RTCPeerConnection") -> None:
        """Close without leaving anything behind: aiortc, closed in the midst of a handshake, goes on with it."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLING_S):
                while rtc.connectionState == "connecting":
                    self._turned.clear()
                    await self._turned.wait()
        unsettled = rtc.connectionState == "connecting"
        ice = rtc.sctp.transport.transport._connection if rtc.sctp is not None else None  # noqa: SLF001 - see below
        await rtc.close()
        if unsettled and ice is not None:
            await asyncio.sleep(LATE_S)
            task = ice._query_consent_task  # noqa: SLF001 - begun after the end, it would run for ever
            if task is not None:
                task.cancel()

    @property
    def _waiting(self) -> int:
        return 0 if self._channel is None else self._channel.bufferedAmount

    async def _do(self, deed: Callable[..., Any], *arguments: object) -> None:
        async with self._turn:
            if self._over:
                return
            try:
                await deed(*arguments)
            except Exception as error:  # noqa: BLE001 - a description is a stranger's text: aiortc fails in many ways
                self._fail(f"{type(error).__name__}: {error}")

    async def _call(self) -> None:
        rtc = await self._make()
        self._add_channel(rtc)
        await rtc.setLocalDescription(await rtc.createOffer())
        self._describe(rtc)

    async def _take(self, sdp: Sequence[str]) -> None:
        from aiortc import RTCSessionDescription

        rtc = await self._make()
        await rtc.setRemoteDescription(RTCSessionDescription(_text(sdp), "offer"))
        self._add_channel(rtc)
        await rtc.setLocalDescription(await rtc.createAnswer())
        self._describe(rtc)

    async def _join(self, sdp: Sequence[str]) -> None:
        from aiortc import RTCSessionDescription

        assert self._rtc is not None
        await self._rtc.setRemoteDescription(RTCSessionDescription(_text(sdp), "answer"))

    async def _find(self, line: str) -> None:
        from aiortc.sdp import candidate_from_sdp

        assert self._rtc is not None
        candidate = candidate_from_sdp(line.removeprefix("candidate:"))
        candidate.sdpMLineIndex = 0
        await self._rtc.addIceCandidate(candidate)

    async def _make(self) -> "RTCPeerConnection":
        await _load()
        from aiortc import RTCConfiguration, RTCIceServer, RTCPeerConnection

        usable: list[IceServer] = await self._servers.usable()
        servers = [RTCIceServer(server.url, server.user or None, server.password or None) for server in usable]
        rtc = self._rtc = RTCPeerConnection(RTCConfiguration(iceServers=servers))  # none given is none used
        rtc.on("connectionstatechange", self._state_changed)
        rtc.on("datachannel", lambda _: self._fail("a second channel"))
        return rtc

    def _add_channel(self, rtc: "RTCPeerConnection") -> None:
        channel = self._channel = rtc.createDataChannel(LABEL, negotiated=True, id=STREAM)
        channel.bufferedAmountLowThreshold = MOST_WAITING // 2
        channel.on("open", lambda: self._tell_unless_over(events.Opened(self.pc)))
        channel.on("message", self._came)
        channel.on("bufferedamountlow", self._moved.set)
        channel.on("close", lambda: self._fail("the channel has closed"))

    def _describe(self, rtc: "RTCPeerConnection") -> None:
        fp, sdp = our_description(rtc.localDescription.sdp)
        self._tell_unless_over(events.Described(self.pc, fp, sdp))

    def _state_changed(self) -> None:
        self._turned.set()
        if self._rtc is not None and self._rtc.connectionState in ("failed", "closed"):
            self._fail(f"the connection has {self._rtc.connectionState}")

    def _came(self, message: object) -> None:
        if not self._over:
            if isinstance(message, bytes):
                self._message(message)
            else:
                self._fail("text on a channel of bytes")

    def _fail(self, why: str) -> None:
        if not self._over:
            self._over = True
            self._moved.set()
            self._tell(events.Failed(self.pc, why))

    def _tell_unless_over(self, event: events.Event) -> None:
        if not self._over:
            self._tell(event)


def _text(sdp: Sequence[str]) -> str:
    return "".join(f"{line}\r\n" for line in sdp)


async def _load() -> None:
    """Import aiortc, which takes a good part of a second, beside everything else, in a thread that ends with it."""
    global _loaded
    if not _loaded:
        with ThreadPoolExecutor(1) as pool:
            await asyncio.get_running_loop().run_in_executor(pool, import_module, "aiortc")
        _loaded = True
        give_back()
