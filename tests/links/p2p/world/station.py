"""One or more stations in a process of their own, with the product's link and its keeper; see `Site.told`."""

import asyncio
import time
from contextlib import suppress
from typing import Any, cast

import psutil

from agent.links.base import Delivery, LinkDown, Session
from agent.links.keeper import keep_up
from agent.links.p2p.link import P2pLink, P2pSession
from agent.links.p2p.settings import IceServer, P2pSettings
from agent.wire.keys import Identity
from tests.links.p2p.place import SITE, Keys, is_open
from tests.links.p2p.world.obeying import Taken, message, obey, paced


class Station:
    """One station, kept up."""

    def __init__(self, settings: P2pSettings, keys: Keys, taken: Taken) -> None:
        self.link = P2pLink(settings, keys, changed=self._changed)
        self.session: P2pSession
        self._taken, self._moved, self._here = taken, asyncio.Event(), asyncio.Event()
        self._keeper = asyncio.create_task(
            keep_up(self.link, opened=self._opened, arrived=self._arrived, changed=lambda _: None)
        )

    async def here(self) -> None:
        """Wait until the signaling server has let it in."""
        await self._here.wait()

    async def open(self, to: str, within: float) -> float:
        """Want a channel; milliseconds until it may be used."""
        begun = time.perf_counter()
        self.session.want(to)
        async with asyncio.timeout(within):
            while not is_open(self.session, to):
                self._moved.clear()
                await self._moved.wait()
        return 1000 * (time.perf_counter() - begun)

    async def leave(self) -> None:
        """End."""
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)

    def _opened(self, session: Session) -> None:
        self.session = cast("P2pSession", session)
        self._here.set()

    def _changed(self) -> None:
        self._moved.set()

    def _arrived(self, delivery: Delivery) -> None:
        delivery.accept()
        self._taken.take(delivery.sealed)


class Stations:
    """What can be asked; all stations of the process take into one basket."""

    def __init__(self) -> None:
        self.taken, self.all = Taken(), dict[str, Station]()

    async def __call__(self, do: str, **details: Any) -> Any:
        """Do it."""
        return await getattr(self, do)(**details)

    async def begin(
        self, stations: list[str], url: str, ca: str, keys: dict[str, list[str]], servers: list[list[str]]
    ) -> None:
        """Become these stations."""
        members = {name: Identity.of(SITE, name, *(bytes.fromhex(key) for key in pair)) for name, pair in keys.items()}
        asked = [IceServer(*server) for server in servers]
        for name in stations:
            settings = P2pSettings(name, url, ca.encode(), servers=lambda: asked)
            self.all[name] = Station(settings, Keys(members[name], members), self.taken)
        await asyncio.gather(*(station.here() for station in self.all.values()))

    async def open(self, to: str, within: float = 30.0) -> float:
        """Open a channel from the first of them; milliseconds."""
        return await self._first.open(to, within)

    async def peers(self) -> list[dict[str, object]]:
        """How the first reaches the others."""
        return [
            {"station": peer.station, "state": peer.state, "route": peer.route, "rtt_ms": peer.rtt_ms}
            for peer in self._first.session.peers()
        ]

    async def send(self, to: str, count: int, size: int = 300, every_s: float = 0.0) -> dict[str, int]:
        """Send numbered messages; what the link does not take now is given to it again, as an outbox does."""
        begun, again = time.monotonic(), 0
        begun_ns = time.monotonic_ns()
        for number in range(count):
            await paced(number, begun, every_s)
            while True:
                with suppress(LinkDown):
                    await self._first.session.send(to, message(number, size))
                    break
                again += 1
                await asyncio.sleep(0.05)
        return {"begun_ns": begun_ns, "again": again}

    async def take(self, count: int) -> dict[str, object]:
        """Wait for messages."""
        return await self.taken.all(count)

    async def rss(self) -> int:
        """Bytes of memory this process holds."""
        return int(psutil.Process().memory_info().rss)

    @property
    def _first(self) -> Station:
        return next(iter(self.all.values()))


async def main() -> None:
    """Stay until the input ends."""
    stations = Stations()
    await obey(stations)
    await asyncio.gather(*(station.leave() for station in stations.all.values()))


if __name__ == "__main__":
    asyncio.run(main())
