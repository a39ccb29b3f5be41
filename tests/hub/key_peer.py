"""A station that proves its keys to a running hub by hand, over a real gated session, and nothing else."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from agent.domain.bundle import Bundle
from agent.domain.messages import Parameters
from agent.domain.names import HUB
from agent.links.base import GatedSession
from agent.links.mqtt.link import MqttLink
from agent.links.mqtt.settings import MqttSettings
from agent.system.credentials import Credentials, load_credentials
from agent.system.paths import Profile
from agent.system.psk_file import load_bundle, save_bundle
from agent.wire.acts import AUTH, Act
from agent.wire.frame import read_body, take_apart, verify
from agent.wire.seal import open_sealed
from tests.hub.key_side import KeySide
from tests.hub.scene import PATIENCE, Peer


class KeyPeer(Peer):
    """The station of a profile; its keys are those on its disk."""

    def __init__(self, folder: Path) -> None:
        self.profile = Profile.at(folder)
        found = load_credentials(self.profile.secrets_folder)
        assert isinstance(found, Credentials)
        super().__init__(found)
        self.hub = self.ledger.members[HUB]
        self.side = KeySide(found.site, found.station, self.hub.kid, self.bundle())
        self.side.write = lambda bundle: save_bundle(self.profile.secrets_folder, found.site, found.station, bundle)
        self.gate: GatedSession | None = None
        self._listens = {AUTH}
        self._words: asyncio.Queue[tuple[str, Parameters]] = asyncio.Queue()

    def bundle(self) -> Bundle:
        """The keys on disk."""
        return load_bundle(self.profile.secrets_folder, self.credentials.site, self.credentials.station)

    @asynccontextmanager
    async def at_the_gate(self) -> AsyncIterator["KeyPeer"]:
        """Be connected, with the inbox shut."""
        it = self.credentials
        settings = MqttSettings(
            it.site, it.station, it.brokers, it.station, it.password, it.client_id, it.ca_pem.encode()
        )
        async with MqttLink(settings, gated=True).connect() as session:
            self.gate, self._listens = session, {AUTH}
            listening = asyncio.create_task(self._hear_all(session))
            try:
                yield self
            finally:
                listening.cancel()

    async def prove(self) -> list[str]:
        """Go through a handshake with the keys on disk; returns what it came to."""
        self.side.bundle = self.bundle()
        return await self._talk(self.side.begin())

    async def renew(self) -> list[str]:
        """Go through a round of renewal and save what comes of it."""
        self.side.bundle = self.bundle()
        return await self._talk(self.side.renew())

    async def word(self) -> tuple[str, Parameters]:
        """The hub's next word: its channel and what it says."""
        return await asyncio.wait_for(self._words.get(), PATIENCE)

    async def say_all(self, acts: list[Act]) -> None:
        """Do the acts of a machine, on its channels."""
        assert self.gate is not None
        for said in self.side.go_on(acts):
            if said.channel not in self._listens:
                await self.gate.listen(said.channel)
                self._listens.add(said.channel)
            await self.gate.send(HUB, self.container(said.type, said.params), said.channel)

    async def _talk(self, acts: list[Act]) -> list[str]:
        self.side.ends = []
        await self.say_all(acts)
        while not self.side.ends:
            _, params = await self.word()
            await self.say_all(self.side.hear(params))
        return self.side.codes

    async def _hear_all(self, session: GatedSession) -> None:
        async for delivery in session.received():
            parts = take_apart(open_sealed(delivery.sealed, self.me))
            verify(parts, self.hub.sign)
            _, params = read_body(parts.body)
            delivery.accept()
            self._words.put_nowait((delivery.channel, params))
