"""Two connections in one process."""

import asyncio

from agent.links.p2p import events
from agent.links.p2p.peer import Connection
from agent.links.p2p.servers import Servers
from tests.links.taking import until


class Pair:
    """Two connections that hear of each other without a relay."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.heard: list[events.Event] = []
        self.servers = Servers(tuple, loop.time)
        self.a = Connection("a", self.servers, self.heard.append, lambda _: None)
        self.b = Connection("b", self.servers, self.heard.append, lambda _: None)

    async def open(self) -> None:
        """Offer, answer, and wait for both."""
        await self.a.call()
        offer = self.heard[-1]
        assert isinstance(offer, events.Described), offer
        await self.b.take(offer.sdp)
        answer = self.heard[-1]
        assert isinstance(answer, events.Described), answer
        await self.a.join(answer.sdp)
        await until(lambda: self.a.is_open and self.b.is_open)

    async def close(self) -> None:
        """Close both."""
        await self.a.close()
        await self.b.close()
