"""One connection of paho to one address, in a thread of its own; what happens there comes to the event loop."""

import asyncio
import contextlib
import logging
import socket
import ssl
import threading
from typing import TYPE_CHECKING, Protocol

from paho.mqtt.client import Client, MQTTMessage, error_string
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.reasoncodes import ReasonCode

from agent.links.base import LinkDown
from agent.links.hop import Hop
from agent.links.mqtt.pump import KEEPALIVE_S, Pump
from agent.links.mqtt.settings import Address, MqttSettings
from agent.links.unreached import unreached

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike

PATIENCE_S = 0.5
"""How long a goodbye may take, seconds; twice that until a thread that hangs is left to end by itself."""

_log = logging.getLogger(__name__)


class Facts(Protocol):
    """What the network tells, in the event loop and in order; `lost` is the last."""

    def connected(self, code: ReasonCode) -> None:
        """The broker answered CONNECT."""

    def granted(self, mid: int, codes: list[ReasonCode]) -> None:
        """The broker answered SUBSCRIBE or, without codes, UNSUBSCRIBE."""

    def taken(self, mid: int) -> None:
        """The broker acknowledged a PUBLISH."""

    def arrived(self, message: MQTTMessage) -> None:
        """A message came."""

    def lost(self, why: str) -> None:
        """The connection is gone, or never came to be."""


class Network:
    """A connection from `start` to `lost`. Its verbs are for the event loop and never wait."""

    def __init__(self, settings: MqttSettings, address: Address, tls: ssl.SSLContext | None) -> None:
        self._address = address
        self._hop = Hop(asyncio.get_running_loop())
        self._gone = asyncio.Event()
        self._pump = Pump()
        self._mqtt = _new_mqtt(settings, tls)
        self._thread: threading.Thread | None = None

    def start(self, facts: Facts) -> None:
        """Begin to connect; all else is told to `facts`."""
        post, mqtt = self._hop.post, self._mqtt
        mqtt.on_connect = lambda _m, _u, _flags, code, _p: post(facts.connected, code)
        mqtt.on_subscribe = lambda _m, _u, mid, codes, _p: post(facts.granted, mid, codes)
        mqtt.on_unsubscribe = lambda _m, _u, mid, _codes, _p: post(facts.granted, mid, [])
        mqtt.on_publish = lambda _m, _u, mid, _code, _p: post(facts.taken, mid)
        mqtt.on_message = lambda _m, _u, message: post(facts.arrived, message)
        self._thread = threading.Thread(target=self._run, args=(facts,), name="nmr-mqtt", daemon=True)
        self._thread.start()

    async def stop(self) -> None:
        """Say goodbye and end the thread; one that hangs in the name service is left to end by itself."""
        self._mqtt.disconnect()
        self._pump.wake()
        if not await self._ended():
            self._pump.leave()
            await self._ended()

    def publish(self, topic: str, payload: bytes) -> int:
        """Queue a message of QoS 1 and return the number `taken` will name; raises LinkDown."""
        info = self._mqtt.publish(topic, payload, qos=1)
        return self._queued(info.rc, info.mid)

    def subscribe(self, topic: str, qos: int) -> int:
        """Ask for a topic and return the number `granted` will name; raises LinkDown."""
        return self._queued(*self._mqtt.subscribe(topic, qos))

    def unsubscribe(self, topic: str) -> int:
        """Give a topic up and return the number `granted` will name; raises LinkDown."""
        return self._queued(*self._mqtt.unsubscribe(topic))

    def ack(self, mid: int) -> None:
        """Tell the broker that a message of QoS 1 is safe."""
        self._mqtt.ack(mid, qos=1)
        self._pump.wake()

    def _queued(self, rc: MQTTErrorCode, mid: int | None) -> int:
        if rc != MQTTErrorCode.MQTT_ERR_SUCCESS or mid is None:
            raise LinkDown(error_string(rc))
        self._pump.wake()
        return mid

    async def _ended(self) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                await self._gone.wait()
        return self._gone.is_set()

    def _run(self, facts: Facts) -> None:
        """The thread: connect, move packets, report the end."""
        why = ""
        try:
            self._mqtt.connect(*self._address, keepalive=KEEPALIVE_S)
            why = self._pump.run(self._mqtt)
        except (OSError, ValueError) as error:
            why = unreached(error, self._address, "broker")
        except Exception as error:  # noqa: BLE001 - whatever it is, the loop must hear of it
            why = f"a mistake in this program: {error!r}"
            _log.exception("the network thread ended")
        finally:
            self._hop.post(self._finish, facts, why)
            if self._hop.closed:
                self._close()

    def _finish(self, facts: Facts, why: str) -> None:
        """In the loop, after the last deed of the thread."""
        if self._thread is not None:
            self._thread.join()
        self._close()
        self._gone.set()
        facts.lost(why)

    def _close(self) -> None:
        left = self._mqtt.socket()
        if left is not None:
            left.close()
        self._pump.close()


def _new_mqtt(settings: MqttSettings, tls: ssl.SSLContext | None) -> Client:
    mqtt = Client(
        CallbackAPIVersion.VERSION2,
        client_id=settings.client_id,
        clean_session=False,
        reconnect_on_failure=False,
        manual_ack=True,
    )
    mqtt.username_pw_set(settings.user, settings.password)
    if tls is not None:
        mqtt.tls_set_context(tls)
    mqtt.suppress_exceptions = True
    mqtt.max_inflight_messages = 0  # no limit: paho walks through all of them at every PUBACK; the session has its own
    mqtt.on_socket_open = _without_delay
    # Whoever registers for writing writes himself. Without it paho writes in the thread that publishes, while ours
    # reads: two threads in one TLS socket.
    mqtt.on_socket_register_write = lambda _m, _u, _link: None
    return mqtt


def _without_delay(_mqtt: Client, _userdata: object, link: "SocketLike") -> None:
    """Send each packet at once: waiting for more of them, as TCP does by itself, makes 0.4 ms into 27."""
    if isinstance(link, socket.socket):
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
