"""A station at its broker: sends, receives, acknowledges what is stored."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress

from paho.mqtt.client import MQTTMessage
from paho.mqtt.reasoncodes import ReasonCode

from agent.domain.envelope import SEALED_BYTES
from agent.links.arrivals import Arrivals
from agent.links.base import AUTH, INBOX, Delivery, LinkDown, LinkRefused
from agent.links.mqtt.held import Held
from agent.links.mqtt.network import Network
from agent.links.mqtt.probe import PROBE, Probe
from agent.links.mqtt.requests import Requests
from agent.links.mqtt.settings import MqttSettings

WINDOW = 2000
"""How many messages the broker may owe us an acknowledgement for; with more, `send` waits."""
UNASKED = 1000
"""How many messages without flow control (QoS 0) may wait; what a flood of them brings beyond that is dropped."""
SETTLE_S = 0.5
"""How long leaving waits for the last acknowledgements, seconds."""

_log = logging.getLogger(__name__)


class MqttSession:
    """What is carried over one connection, and the facts of the network below; used in the event loop only."""

    def __init__(self, settings: MqttSettings, network: Network) -> None:
        self.probe = Probe()
        self.requests = Requests(network)
        self.stirred = 0
        """Counts what comes from the broker."""
        self._settings = settings
        self._network = network
        self._arrivals = Arrivals(gated=True)
        self._held = Held(network)
        self._channels: set[str] = set()
        self._flying: set[int] = set()
        self._room = asyncio.Event()
        self._gone = False

    # the port

    @property
    def rtt(self) -> float | None:
        """Smoothed round trip to the broker and back, seconds; None until a probe has come back."""
        return self.probe.rtt

    async def send(self, to: str, sealed: bytes, channel: str = INBOX) -> None:
        """Hand `sealed` to the network for station `to`, waiting while the broker owes us too many acknowledgements.

        Raises LinkDown, and ValueError for more than 40,960 bytes, for which the broker would cut the connection, or
        for a channel that does not lead to `to`.
        """
        if len(sealed) > SEALED_BYTES:
            raise ValueError(f"{len(sealed)} bytes are more than the {SEALED_BYTES} a link carries")
        topic = self._settings.outbox(to, channel)
        while self.up and len(self._flying) >= WINDOW:
            self._room.clear()
            await self._room.wait()
        self.check_up()
        self._flying.add(self._network.publish(topic, sealed))

    def received(self) -> AsyncIterator[Delivery]:
        """Yield what arrives until the session ends, then raise why."""
        return self._arrivals.stream()

    async def listen(self, channel: str) -> None:
        """Return when `channel` is heard; raises LinkDown. The hub hears all of them with the first, "auth"."""
        topics = self._settings.heard(channel)
        self.check_up()
        self._channels.add(channel)
        for topic in topics:
            await self.requests.subscribe(topic, qos=0)

    async def unlisten(self, channel: str) -> None:
        """Hear `channel` no more; raises LinkDown."""
        self.check_up()
        self._channels.discard(channel)
        for topic in self._settings.heard(channel):
            await self.requests.unsubscribe(topic)

    def abort(self, error: LinkDown | LinkRefused) -> None:
        """End the session, but not the connection: what was sent last is not torn from the broker's hands."""
        self._stop(error, drop=True)

    # for the link

    @property
    def up(self) -> bool:
        """Whether the connection stands and is wanted, as far as we know."""
        return self._arrivals.ended is None

    @property
    def held(self) -> int:
        """How many messages of QoS 1 came that are not accepted yet."""
        return len(self._held)

    def check_up(self) -> None:
        """Raise LinkDown if the session has ended."""
        self._arrivals.check_up()

    def hand_over(self) -> None:
        """Open the inbox: what waited in it comes first."""
        self._arrivals.open()

    async def settle(self) -> None:
        """Give the broker a moment to take what was sent and accepted: leaving at once would tear it from its hands.

        An acknowledgement has no answer, and closing a socket with something unread in it takes back what the broker
        has not read. But UNSUBSCRIBE is answered behind all that went before it, and leaves no old round behind.
        """
        with suppress(TimeoutError, LinkDown):
            async with asyncio.timeout(SETTLE_S):
                while self._flying and not self._gone:
                    self._room.clear()
                    await self._room.wait()
                for channel in () if self._gone else sorted({AUTH, *self._channels}):
                    for topic in self._settings.heard(channel):
                        await self.requests.unsubscribe(topic)

    def end(self, why: str) -> None:
        """End everything that waits for this session; only the first reason counts."""
        self._gone = True
        self._stop(LinkDown(why))

    def throw_probe(self) -> None:
        """Send a probe to ourselves; raises LinkDown."""
        self.check_up()
        topic = self._settings.outbox(self._settings.station)
        self.probe.throw(lambda payload: self._network.publish(topic, payload))

    # the facts

    def connected(self, code: ReasonCode) -> None:
        """The broker lets us in, or says why not."""
        self.requests.connected(code)

    def granted(self, mid: int, codes: list[ReasonCode]) -> None:
        """The broker answered a request."""
        self.requests.granted(mid, codes)

    def taken(self, mid: int) -> None:
        """A message of ours is with the broker."""
        self.stirred += 1
        self.probe.took(mid)
        self._flying.discard(mid)
        self._room.set()

    def arrived(self, message: MQTTMessage) -> None:
        """Hand a message up, unless it is a probe, a stray, or a repetition of what is still held."""
        self.stirred += 1
        if not self.up:
            return  # not acknowledged, so it comes again
        payload = bytes(message.payload)
        origin = self._settings.origin(message.topic)
        if origin is None or not self._listens(origin[0]):
            _log.warning("dropped a message on %r, which is not our topic", message.topic)
        elif payload.startswith(PROBE):
            self.probe.caught(payload)
        elif message.qos and origin[0] == INBOX:
            self._hold(message, origin[1], payload)
            return
        else:
            self._hand_up_unasked(*origin, payload)
        if message.qos:
            self._network.ack(message.mid)

    def lost(self, why: str) -> None:
        """The connection is gone."""
        self.end(why)

    def _listens(self, channel: str) -> bool:
        """Whether we want to hear this now: a broker remembers for longer than we do what we once asked for."""
        return channel == INBOX or channel in self._channels or self._settings.is_hub

    def _hold(self, message: MQTTMessage, sender: str, payload: bytes) -> None:
        """Keep a message until it is accepted."""
        self.probe.heard.set()
        accept = self._held.hold(message)
        if accept is not None:
            self._arrivals.put(Delivery("mqtt", sender, payload, accept))

    def _hand_up_unasked(self, channel: str, sender: str, payload: bytes) -> None:
        if self._arrivals.waiting(channel) < UNASKED:
            self._arrivals.put(Delivery("mqtt", sender, payload, lambda: None, channel))

    def _stop(self, error: LinkDown | LinkRefused, *, drop: bool = False) -> None:
        self._arrivals.end(error, drop=drop)
        self._held.close()
        self._room.set()
        self.probe.heard.set()
        self.requests.end(str(error))
