"""A session with a gate before its inbox: opened on demand once what is sent to us comes through, and watched on."""

import asyncio

from agent.links.base import LinkDown
from agent.links.mqtt.network import Network
from agent.links.mqtt.proof import Proof
from agent.links.mqtt.session import MqttSession
from agent.links.mqtt.settings import MqttSettings


class GatedMqttSession(MqttSession):
    """The port; `every` is the time between probes, `within` how long one may take, seconds.

    A persistent session brings letters from the first moment on. They are held unopened and not acknowledged, and the
    broker stops by itself after a few.
    """

    def __init__(self, settings: MqttSettings, network: Network, *, every: float, within: float) -> None:
        super().__init__(settings, network)
        (inbox,) = settings.heard()
        self._proof = Proof(self, inbox, every=every, within=within)
        self._watch: asyncio.Task[None] | None = None

    @property
    def inbox_open(self) -> bool:
        """Whether the gate was ever opened."""
        return self._watch is not None

    async def open_inbox(self) -> None:
        """Subscribe the inbox and, once a probe has come back, hand over what waited and what comes.

        Raises LinkDown, and then the session has ended. On an open inbox it does nothing.
        """
        if self.inbox_open:
            return
        try:
            await self._proof.open()
            self.check_up()
        except LinkDown as error:
            self.end(str(error))
            raise
        self.hand_over()
        self._watch = asyncio.create_task(self._proof.watch(), name="mqtt probes")

    async def leave(self) -> None:
        """Say goodbye once the broker has what was sent, and give everything back."""
        if self._watch is not None:
            self._watch.cancel()
        await self.settle()
        self.end("closed")
        await self._network.stop()
