"""The MQTT link: opens a session at the first of the site's brokers that lets us in and delivers."""

import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from agent.links.base import AUTH, LinkDown, LinkRefused
from agent.links.mqtt.gated import GatedMqttSession
from agent.links.mqtt.network import Network
from agent.links.mqtt.settings import Address, MqttSettings
from agent.links.mqtt.tls import site_context


class MqttLink:
    """One station's way over its site's broker, MQTT 3.1.1 with a persistent session.

    `probe_every` and `echo_within` are seconds: a session that no longer delivers is noticed after at most
    probe_every + 2 * echo_within. With `gated` the inbox of its sessions stays shut until somebody opens it.
    """

    name = "mqtt"

    def __init__(
        self, settings: MqttSettings, *, gated: bool = False, probe_every: float = 20.0, echo_within: float = 3.0
    ) -> None:
        self._settings = settings
        self.gated = gated
        self._every = probe_every
        self._within = echo_within
        self._first = 0
        self._tls: ssl.SSLContext | None = None

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[GatedMqttSession]:
        """Open a session, gated or proven to deliver; raises LinkDown or LinkRefused."""
        session = await self._reach_one()
        try:
            yield session
        finally:
            if not session.inbox_open:  # perhaps our hub is at the next one
                self._first = (self._first + 1) % len(self._settings.addresses)
            await session.leave()

    async def _reach_one(self) -> GatedMqttSession:
        """Try the addresses in turn, the last good one first. One that refuses us counts more than one that is down."""
        refused: list[LinkRefused] = []
        down: list[str] = []
        for index in self._turn():
            try:
                reached = await self._reach(self._settings.addresses[index])
            except LinkRefused as error:
                refused.append(error)
            except LinkDown as error:
                down.append(str(error))
            else:
                self._first = index
                return reached
        if refused:
            raise refused[0]
        raise LinkDown("; ".join(dict.fromkeys(down)) or "no address of a broker is known")

    def _turn(self) -> Iterator[int]:
        count = len(self._settings.addresses)
        return ((self._first + step) % count for step in range(count))

    async def _reach(self, address: Address) -> GatedMqttSession:
        network = Network(self._settings, address, self._context())
        session = GatedMqttSession(self._settings, network, every=self._every, within=self._within)
        network.start(session)
        try:
            await self._begin(session)
        except BaseException:
            session.end("closed")
            await session.leave()
            raise
        return session

    async def _begin(self, session: GatedMqttSession) -> None:
        await session.requests.welcome()
        if self.gated or self._settings.is_hub:
            await session.listen(AUTH)
        if not self.gated:
            await session.open_inbox()

    def _context(self) -> ssl.SSLContext | None:
        if self._settings.ca_pem is not None and self._tls is None:
            self._tls = site_context(self._settings.ca_pem)
        return self._tls
