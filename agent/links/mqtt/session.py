"""A station at its broker: sends, receives, acknowledges what is stored."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

from paho.mqtt.client import MQTTMessage
from paho.mqtt.reasoncodes import ReasonCode

from agent.domain.envelope import SEALED_BYTES
from agent.links.arrivals import Arrivals
from agent.links.base import INBOX, Delivery, LinkDown, LinkRefused
from agent.links.mqtt.network import Network
from agent.links.mqtt.probe import PROBE, Probe
from agent.links.mqtt.settings import MqttSettings

WINDOW = 2000
"""How many messages the broker may owe us an acknowledgement for; with more, `send` waits."""
UNASKED = 1000
"""How many messages without flow control (QoS 0) may wait; what a flood of them brings beyond that is dropped."""
WELCOME_S, ANSWER_S, SETTLE_S = 15.0, 5.0, 0.5
"""How long connecting may take, TCP and TLS included; how long an answer; how long the last acknowledgements."""

NOT_US = {"Bad user name or password", "Not authorized"}

Result = TypeVar("Result")

_log = logging.getLogger(__name__)


class MqttSession:
    """The session of the port above, and the facts of the network below; used in the event loop only."""

    def __init__(self, settings: MqttSettings, network: Network) -> None:
        self.probe = Probe()
        self.stirred = 0
        """Counts what comes from the broker."""
        self._settings = settings
        self._network = network
        self._arrivals = Arrivals()
        self._held: dict[int, MQTTMessage] = {}
        self._flying: set[int] = set()
        self._room = asyncio.Event()
        self._welcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._answers: dict[int, asyncio.Future[list[ReasonCode]]] = {}

    # the port

    @property
    def rtt(self) -> float | None:
        """Smoothed round trip to the broker and back, seconds; None until a probe has come back."""
        return self.probe.rtt

    async def send(self, to: str, sealed: bytes, channel: str = INBOX) -> None:
        """Hand `sealed` to the network for station `to`, waiting while the broker owes us too many acknowledgements.

        Raises LinkDown, and ValueError for more than 40,960 bytes, for which the broker would cut the connection.
        """
        if channel != INBOX:
            raise ValueError(f"no channel {channel!r} yet")
        if len(sealed) > SEALED_BYTES:
            raise ValueError(f"{len(sealed)} bytes are more than the {SEALED_BYTES} a link carries")
        while self.up and len(self._flying) >= WINDOW:
            self._room.clear()
            await self._room.wait()
        self.check_up()
        self._flying.add(self._network.publish(self._settings.outbox(to), sealed))

    def received(self) -> AsyncIterator[Delivery]:
        """Yield what arrives until the session ends, then raise LinkDown."""
        return self._arrivals.stream()

    # for the link

    @property
    def up(self) -> bool:
        """Whether the connection stands, as far as we know."""
        return self._arrivals.ended is None

    @property
    def held(self) -> int:
        """How many messages of QoS 1 came that are not accepted yet."""
        return len(self._held)

    def check_up(self) -> None:
        """Raise LinkDown if the session has ended."""
        if self._arrivals.ended is not None:
            raise LinkDown(self._arrivals.ended)

    async def settle(self) -> None:
        """Give the broker a moment to acknowledge what was sent: leaving at once would tear it from its hands."""
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                while self.up and self._flying:
                    self._room.clear()
                    await self._room.wait()

    def end(self, why: str) -> None:
        """End everything that waits for this session; only the first reason counts."""
        self._arrivals.end(why)
        self._room.set()
        self.probe.heard.set()
        futures: list[asyncio.Future[Any]] = [self._welcome, *self._answers.values()]
        for future in futures:
            if not future.done():
                future.set_exception(LinkDown(why))
                future.exception()  # asked for at once: nobody needs to wait for it any more

    async def welcome(self) -> None:
        """Wait until the broker lets us in; raises LinkDown or LinkRefused."""
        await self._within(WELCOME_S, self._welcome)

    async def answer(self, mid: int) -> list[ReasonCode]:
        """Wait for the answer to SUBSCRIBE or UNSUBSCRIBE number `mid`; raises LinkDown."""
        self._answers[mid] = asyncio.get_running_loop().create_future()
        try:
            return await self._within(ANSWER_S, self._answers[mid])
        finally:
            del self._answers[mid]

    def throw_probe(self) -> None:
        """Send a probe to ourselves; raises LinkDown."""
        self.check_up()
        topic = self._settings.outbox(self._settings.station)
        self.probe.throw(lambda payload: self._network.publish(topic, payload))

    async def _within(self, seconds: float, future: asyncio.Future[Result]) -> Result:
        try:
            async with asyncio.timeout(seconds):
                return await future
        except TimeoutError:
            raise LinkDown("the broker does not answer") from None

    # the facts

    def connected(self, code: ReasonCode) -> None:
        """The broker lets us in, or says why not."""
        if self._welcome.done():
            return
        if not code.is_failure:
            self._welcome.set_result(None)
        elif str(code) in NOT_US:
            self._welcome.set_exception(LinkRefused("the broker does not accept the password of this station"))
        else:
            self._welcome.set_exception(LinkDown(f"the broker refused the connection: {code}"))

    def granted(self, mid: int, codes: list[ReasonCode]) -> None:
        """Pass an answer on to who waits for it."""
        future = self._answers.get(mid)
        if future is not None and not future.done():
            future.set_result(codes)

    def taken(self, mid: int) -> None:
        """A message of ours is with the broker."""
        self.stirred += 1
        self.probe.took(mid)
        self._flying.discard(mid)
        self._room.set()

    def arrived(self, message: MQTTMessage) -> None:
        """Hand a message up, unless it is a probe, a stray, or a repetition of what is still held."""
        self.stirred += 1
        inbox, _, sender = message.topic.rpartition("/")
        payload = bytes(message.payload)
        if inbox != self._settings.inbox:
            _log.warning("dropped a message on %r, which is not our topic", message.topic)
        elif payload.startswith(PROBE):
            self.probe.caught(payload)
        elif message.qos:
            self._hold(message, sender, payload)
            return
        elif len(self._arrivals) < UNASKED:
            self._arrivals.put(Delivery("mqtt", sender, payload, lambda: None))
        if message.qos:
            self._network.ack(message.mid)

    def lost(self, why: str) -> None:
        """The connection is gone."""
        self.end(why)

    def _hold(self, message: MQTTMessage, sender: str, payload: bytes) -> None:
        """Keep a message until it is accepted.

        NATS repeats what is not accepted in time. Were the repetition handed up too, its `accept` could come when the
        broker has given the same number to another message, and acknowledge that one unseen.
        """
        self.probe.heard.set()
        held = self._held.get(message.mid)
        if held is not None and held.topic == message.topic and held.payload == message.payload:
            return
        self._held[message.mid] = message
        self._arrivals.put(Delivery("mqtt", sender, payload, partial(self._accept, message)))

    def _accept(self, message: MQTTMessage) -> None:
        if self.up and self._held.get(message.mid) is message:
            del self._held[message.mid]
            self._network.ack(message.mid)
