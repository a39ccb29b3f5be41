"""A running hub on free ports, and stations that enrolled with it and talk to it by hand."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from agent.domain.audience import THE_HUB, Audience
from agent.domain.envelope import LIFE_MS, Envelope
from agent.domain.keys import from_b64u
from agent.domain.ledger import Ledger
from agent.domain.messages import Parameters
from agent.domain.names import HUB
from agent.hub.app import Running, open_hub
from agent.links.mqtt.link import MqttLink
from agent.links.mqtt.session import MqttSession
from agent.links.mqtt.settings import MqttSettings
from agent.station.enrolment.enrol import enrol
from agent.system.config.schema import Hub, HubConfig
from agent.system.credentials import Credentials
from agent.system.ids import new_id
from agent.system.paths import Profile
from agent.wire.frame import read_body, sign_frame, take_apart
from agent.wire.keys import Identity
from agent.wire.ledger import read_entry
from agent.wire.seal import open_sealed, seal

PATIENCE = 30.0


def hub_config(**settings: Any) -> HubConfig:
    """A hub for this computer only, on ports it chooses."""
    own = {"site": "s1", "listen": "127.0.0.1", "http_port": 0, "mqtt_port": 0, "names": ("127.0.0.1",), **settings}
    return HubConfig(hub=Hub(**own))


@asynccontextmanager
async def running_hub(folder: Path, **settings: Any) -> AsyncIterator[Running]:
    """A hub whose profile is folder/hub."""
    async with open_hub(Profile.at(folder / "hub"), hub_config(**settings)) as running:
        yield running


async def invited(hub: Running, person: str = "anna", *roles: str, station: str = "") -> dict[str, Any]:
    """What IT gets for a new invite."""
    said: list[Any] = []
    asked = {"person": person, "roles": list(roles), "station": station}
    made = await hub.office.answer("hub.invite", asked, said.append)
    assert isinstance(made, dict)
    return made


async def enrolled(hub: Running, folder: Path, person: str = "anna", *roles: str) -> Credentials:
    """A new station, whose profile is folder/<person>."""
    made = await invited(hub, person, *roles)
    return await asyncio.to_thread(enrol, Profile.at(folder / person), json.dumps(made["invite"]))


class Peer:
    """A station that says what it is told and keeps what it hears."""

    def __init__(self, credentials: Credentials) -> None:
        self.credentials = credentials
        site, name = credentials.site, credentials.station
        self.me = Identity.of(site, name, from_b64u(credentials.sign_key), from_b64u(credentials.receive_key))
        self.ledger = read_entry(Ledger(site), credentials.genesis.encode())
        self.heard: asyncio.Queue[tuple[Envelope, Parameters]] = asyncio.Queue()
        self.gone = asyncio.Event()
        self._session: MqttSession | None = None

    @asynccontextmanager
    async def connected(self) -> AsyncIterator["Peer"]:
        """Be at the site's broker."""
        it = self.credentials
        settings = MqttSettings(
            it.site, it.station, it.brokers, it.station, it.password, it.client_id, it.ca_pem.encode()
        )
        async with MqttLink(settings).connect() as session:
            self._session = session
            listening = asyncio.create_task(self._listen(session))
            try:
                yield self
            finally:
                listening.cancel()

    def container(
        self,
        type_: str,
        params: Parameters,
        *,
        to: Audience = THE_HUB,
        id_: str = "",
        want: int = 0,
        re: str | None = None,
    ) -> bytes:
        """A message of ours, sealed for the hub."""
        now = round(time.time() * 1000)
        envelope = Envelope(
            v=1, site=self.me.site, id=id_ or new_id(), sender=self.me.station, to=to.to_wire(), type=type_, at=now,
            exp=now + LIFE_MS[type_], re=re, want=want, prio=0, head=self.ledger.short_head(),
            p={key: value for key, value in to_builtins(params).items() if value is not None},
        )  # fmt: skip
        hub = self.ledger.members[HUB]
        return seal(sign_frame(envelope, self.me), self.me.site, hub.kid, hub.receive)

    async def say(
        self,
        type_: str,
        params: Parameters,
        *,
        to: Audience = THE_HUB,
        id_: str = "",
        want: int = 0,
        re: str | None = None,
    ) -> None:
        """Send a message to the hub."""
        assert self._session is not None
        await self._session.send(HUB, self.container(type_, params, to=to, id_=id_, want=want, re=re))

    async def hear(self, type_: str, fits: Callable[[Any], bool] = lambda _: True) -> Any:
        """The parameters of the next message of this type."""
        async with asyncio.timeout(PATIENCE):
            while True:
                envelope, params = await self.heard.get()
                if envelope.type == type_ and fits(params):
                    return params

    async def _listen(self, session: MqttSession) -> None:
        try:
            async for delivery in session.received():
                self.heard.put_nowait(read_body(take_apart(open_sealed(delivery.sealed, self.me)).body))
                delivery.accept()
        finally:
            self.gone.set()
