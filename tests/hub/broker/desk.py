"""A plain paho connection to a broker under test: connect, subscribe, publish, and see what arrives."""

import queue
import socket
import threading
import time
from types import TracebackType
from typing import Any, Self

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from tests.servers.broker import RunningBroker

PATIENCE = 15.0


class Refused(Exception):
    """The broker did not let us in."""


class Desk:
    """One MQTT connection; entering it connects, leaving it disconnects.

    With `manual` it acknowledges nothing. `gone` is set when the broker ends the connection, `gone_at` is when
    (time.monotonic).
    """

    def __init__(
        self,
        broker: RunningBroker,
        station: str,
        client_id: str = "",
        *,
        password: str = "",
        keep: bool = False,
        manual: bool = False,
    ) -> None:
        self.broker = broker
        self.station = station
        self.gone = threading.Event()
        self.gone_at = 0.0
        self.session_present = False
        self.arrived: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._answers: queue.Queue[tuple[ReasonCode, bool]] = queue.Queue()
        self._subscribed: queue.Queue[ReasonCode] = queue.Queue()
        self._paho = paho.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id or f"id-{station}",
            clean_session=not keep,
            reconnect_on_failure=False,
            manual_ack=manual,
        )
        self._paho.username_pw_set(station, password or broker.passwords.get(station, "none"))
        self._paho.tls_set(str(broker.ca))
        self._listen()

    def _listen(self) -> None:
        def gone(*_: Any) -> None:
            self.gone_at = time.monotonic()
            self.gone.set()

        def opened(_client: Any, _user: Any, sock: Any) -> None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

        self._paho.on_socket_open = opened
        self._paho.on_connect = lambda _c, _u, flags, rc, _p: self._answers.put((rc, flags.session_present))
        self._paho.on_subscribe = lambda _c, _u, _mid, rcs, _p: self._subscribed.put(rcs[0])
        self._paho.on_message = lambda _c, _u, message: self.arrived.put((message.topic, bytes(message.payload)))
        self._paho.on_disconnect = gone

    def __enter__(self) -> Self:
        self._paho.connect("127.0.0.1", self.broker.port, 30)
        self._paho.loop_start()
        answer, self.session_present = self._answers.get(timeout=PATIENCE)
        if answer.is_failure:
            self.leave()
            raise Refused(str(answer))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def leave(self) -> None:
        """Say goodbye and wait until the connection is closed."""
        self._paho.disconnect()
        self._paho.loop_stop()

    def subscribe(self, topic: str, qos: int = 1) -> bool:
        """Subscribe and tell whether the broker granted it (Mosquitto also grants what it then never sends)."""
        self._paho.subscribe(topic, qos)
        return not self._subscribed.get(timeout=PATIENCE).is_failure

    def publish(self, topic: str, payload: bytes, qos: int = 1) -> None:
        """Publish and wait until the broker has taken it."""
        self._paho.publish(topic, payload, qos).wait_for_publish(PATIENCE)

    def next(self, timeout: float = PATIENCE) -> tuple[str, bytes]:
        """The next message: topic and payload; raises queue.Empty."""
        return self.arrived.get(timeout=timeout)
