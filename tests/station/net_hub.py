"""A hub on the memory net that does nothing but prove itself, renew keys and answer probes and lists."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import count

from msgspec import to_builtins

from agent.domain.audience import Audience
from agent.domain.bundle import Held
from agent.domain.envelope import LIFE_MS, Envelope
from agent.domain.messages import OrderList, OrderPart, Parameters, Probe
from agent.domain.names import HUB
from agent.links.base import Delivery, Session
from agent.links.memory import MemoryNet
from agent.system.clock import SiteClock
from agent.wire.frame import read_body, sign_frame, take_apart
from agent.wire.macs import Pair
from agent.wire.seal import open_sealed, seal
from tests.station.hub_side import HubSide
from tests.walks.members import Members


class NetHub:
    """`dropped` are types that get lost on the way in or out; `heard` is every type that came, `channels` where."""

    def __init__(self, members: Members, station: str, held: Held) -> None:
        self._members, self._station = members, station
        self.side = HubSide(Pair(members.site, station, members.ledger.members[HUB].kid), held)
        self.dropped: set[str] = set()
        self.heard: list[str] = []
        self.channels: list[str] = []
        self._clock, self._ids = SiteClock(), count(1)

    @asynccontextmanager
    async def running(self, net: MemoryNet) -> AsyncIterator["NetHub"]:
        async with net.link(HUB).connect() as self._session:
            session = self._session
            serving = asyncio.create_task(self._serve(session))
            try:
                yield self
            finally:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)

    async def write(self, type_: str, params: Parameters) -> None:
        """Send the station a letter."""
        await self._session.send(self._station, self._sealed(type_, params, None))

    async def _serve(self, session: Session) -> None:
        async for delivery in session.received():
            delivery.accept()
            for type_, params, channel, re in self._answers(delivery):
                if type_ not in self.dropped:
                    await session.send(self._station, self._sealed(type_, params, re), channel)

    def _answers(self, delivery: Delivery) -> Iterable[tuple[str, Parameters, str, str | None]]:
        frame = open_sealed(delivery.sealed, self._members.hub)
        envelope, params = read_body(take_apart(frame).body)
        self.heard.append(envelope.type)
        self.channels.append(delivery.channel)
        if envelope.type in self.dropped:
            return []
        now = self._clock.now()
        match params:
            case Probe(n=n):
                return [("probe", Probe(n=n, time=now.ms, roster=1), "", envelope.id)]
            case OrderList():
                return [("order.part", OrderPart(i=0, n=1, upto=1, items=()), "", envelope.id)]
        if not delivery.channel:
            return []
        return [(said.type, said.params, said.channel, None) for said in self.side.answers(params, now)]

    def _sealed(self, type_: str, params: Parameters, re: str | None) -> bytes:
        at, to = self._clock.now().ms, self._members.ledger.members[self._station]
        envelope = Envelope(
            v=1,
            site=self._members.site,
            id=f"{next(self._ids):032x}",
            sender=HUB,
            to=Audience("station", self._station).to_wire(),
            type=type_,
            at=at,
            exp=at + LIFE_MS[type_],
            re=re,
            want=0,
            prio=0,
            head=self._members.ledger.short_head(),
            p={key: value for key, value in to_builtins(params).items() if value is not None},
        )
        return seal(sign_frame(envelope, self._members.hub), self._members.site, to.kid, to.receive)
