"""One end of bare aiortc connections in a process of its own, asked what `tests.links.p2p.world.station` is asked."""

import asyncio
import time
from typing import TYPE_CHECKING, Any

import psutil

from tests.links.p2p.world.obeying import Taken, message, obey, paced

if TYPE_CHECKING:
    from aiortc import RTCDataChannel, RTCPeerConnection

MOST_WAITING = 256 * 1024


class Ends:
    """Connections by name: the caller is asked for `offer` and `join`, the other for `answer`."""

    def __init__(self) -> None:
        self.heard, self.taken = Taken(), Taken()
        self._came: asyncio.Queue[bytes] = asyncio.Queue()
        self._taking = asyncio.create_task(self._take())
        self._ends: dict[str, tuple[RTCPeerConnection, RTCDataChannel]] = {}
        self._opened: dict[str, asyncio.Event] = {}
        self._begun: dict[str, float] = {}

    async def __call__(self, do: str, **details: Any) -> Any:
        """Do it."""
        return await getattr(self, do)(**details)

    async def begin(self) -> None:
        """Load what there is to load."""
        import aiortc  # noqa: F401 - so that no opening pays for it

    async def offer(self, name: str) -> str:
        """Make an offer."""
        self._begun[name] = time.perf_counter()
        rtc = self._make(name)
        await rtc.setLocalDescription(await rtc.createOffer())
        return str(rtc.localDescription.sdp)

    async def answer(self, name: str, sdp: str) -> str:
        """Answer one."""
        from aiortc import RTCSessionDescription

        rtc = self._make(name)
        await rtc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await rtc.setLocalDescription(await rtc.createAnswer())
        return str(rtc.localDescription.sdp)

    async def join(self, name: str, sdp: str) -> float:
        """Take the answer; milliseconds from beginning the offer to the open channel."""
        from aiortc import RTCSessionDescription

        await self._ends[name][0].setRemoteDescription(RTCSessionDescription(sdp, "answer"))
        await self._opened[name].wait()
        return 1000 * (time.perf_counter() - self._begun[name])

    async def send(self, to: str, count: int, size: int = 300, every_s: float = 0.0) -> dict[str, int]:
        """Send numbered messages, never more than a station lets wait."""
        channel, begun, begun_ns = self._ends[to][1], time.monotonic(), time.monotonic_ns()
        moved = asyncio.Event()
        channel.bufferedAmountLowThreshold = MOST_WAITING // 2
        channel.on("bufferedamountlow", moved.set)
        for number in range(count):
            await paced(number, begun, every_s)
            while channel.bufferedAmount + size > MOST_WAITING:
                moved.clear()
                await moved.wait()
            channel.send(message(number, size))
        return {"begun_ns": begun_ns, "again": 0}

    async def take(self, count: int) -> dict[str, object]:
        """Wait for messages; `heard_ms` is how long each took to aiortc's own call, before it acknowledges."""
        told = await self.taken.all(count)
        return {**told, "heard_ms": (await self.heard.all(count))["took_ms"]}

    async def rss(self) -> int:
        """Bytes of memory this process holds."""
        return int(psutil.Process().memory_info().rss)

    async def close(self) -> None:
        """Close all."""
        self._taking.cancel()
        await asyncio.gather(*(rtc.close() for rtc, _ in self._ends.values()))

    def _make(self, name: str) -> "RTCPeerConnection":
        from aiortc import RTCConfiguration, RTCPeerConnection

        rtc, opened = RTCPeerConnection(RTCConfiguration([])), asyncio.Event()
        channel = rtc.createDataChannel("raw", negotiated=True, id=0)
        channel.on("open", opened.set)
        channel.on("message", self._hear)
        self._ends[name], self._opened[name] = (rtc, channel), opened
        return rtc

    def _hear(self, content: bytes) -> None:
        self.heard.take(content)
        self._came.put_nowait(content)

    async def _take(self) -> None:
        """Take each as whatever awaits something must."""
        while True:
            self.taken.take(await self._came.get())


async def main() -> None:
    """Stay until the input ends."""
    ends = Ends()
    await obey(ends)
    await ends.close()


if __name__ == "__main__":
    asyncio.run(main())
