"""Logs in at a broker beside the running agent: as a passer-by, whose session leaves nothing behind."""

# The client id is fresh and the session clean, so that the broker neither ends the agent's session nor gives away
# what waits for it. What is sent is a probe to ourselves of QoS 0: a broker keeps no such message for one who is away,
# and an agent that hears it knows that it is none of its own.

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from agent.links.base import AUTH, LinkDown, LinkRefused
from agent.links.mqtt.probe import PROBE
from agent.links.mqtt.settings import MqttSettings
from agent.links.mqtt.tls import site_context
from agent.links.unreached import unreached
from agent.system.credentials import Credentials

if TYPE_CHECKING:
    from paho.mqtt.client import Client

LOGIN_S, GRANT_S, ECHO_S = 5.0, 5.0, 3.0
TURN_S = 0.05
_REFUSED = 0x80


@dataclass(slots=True)
class Trial:
    """How far it came: let in, allowed to listen, heard itself.

    `refused` says that the password was, `why` what else stood in the way; `rtt_ms` is the way to ourselves and back.
    """

    let_in: bool = False
    may_read: bool | None = None
    came_back: bool | None = None
    refused: bool = False
    why: str = ""
    rtt_ms: float | None = None


@dataclass(slots=True)
class _Heard:
    """What the callbacks tell."""

    code: Any = None
    granted: dict[int, bool] = field(default_factory=dict)
    payloads: list[bytes] = field(default_factory=list)
    gone: bool = False


def try_broker(credentials: Credentials, host: str, port: int) -> Trial:
    """Log in as this station, listen to our own inbox, speak to ourselves, leave; blocking."""
    settings = MqttSettings(
        site=credentials.site,
        station=credentials.station,
        addresses=((host, port),),
        user=credentials.station,
        password=credentials.password,
        client_id=secrets.token_urlsafe(16),
        ca_pem=credentials.ca_pem.encode(),
    )
    trial, heard = Trial(), _Heard()
    try:
        mqtt = _passer_by(settings, heard)
        mqtt.connect(host, port, keepalive=20)
    except (OSError, ValueError) as error:
        trial.why = unreached(error, (host, port), "broker")
        return trial
    except (LinkDown, LinkRefused) as error:
        trial.why = str(error)
        return trial
    try:
        _try(mqtt, heard, settings, trial)
    finally:
        mqtt.disconnect()
        mqtt.loop(TURN_S)
        if left := mqtt.socket():
            left.close()
    return trial


def _try(mqtt: "Client", heard: _Heard, settings: MqttSettings, trial: Trial) -> None:
    """Go step by step, as far as the broker lets us."""
    _turn(mqtt, heard, lambda: heard.code is not None, LOGIN_S)
    if heard.code is None:
        trial.why = "the broker does not answer"
        return
    if heard.code.is_failure:
        trial.refused, trial.why = True, str(heard.code)
        return
    trial.let_in = True
    (inbox,), (auth,) = settings.heard(), settings.heard(AUTH)
    asked = [mqtt.subscribe(topic, 0)[1] for topic in (inbox, auth)]
    _turn(mqtt, heard, lambda: all(mid in heard.granted for mid in asked), GRANT_S)
    trial.may_read = all(heard.granted.get(mid or 0, False) for mid in asked)
    if trial.may_read:
        _speak(mqtt, heard, settings, trial)


def _speak(mqtt: "Client", heard: _Heard, settings: MqttSettings, trial: Trial) -> None:
    """Send a probe to ourselves: a broker may say that we may, and carry nothing."""
    probe, began = PROBE + secrets.token_bytes(16), time.monotonic()
    mqtt.publish(settings.outbox(settings.station), probe, qos=0)
    trial.came_back = _turn(mqtt, heard, lambda: probe in heard.payloads, ECHO_S)
    if trial.came_back:
        trial.rtt_ms = (time.monotonic() - began) * 1000


def _turn(mqtt: "Client", heard: _Heard, done: Any, seconds: float) -> bool:
    """Move packets until it is done, the connection is gone or the time is over."""
    end = time.monotonic() + seconds
    while not done() and not heard.gone and time.monotonic() < end:
        if mqtt.loop(TURN_S) != 0:
            break
    return bool(done())


def _passer_by(settings: MqttSettings, heard: _Heard) -> "Client":
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion

    mqtt = Client(CallbackAPIVersion.VERSION2, client_id=settings.client_id, clean_session=True)
    mqtt.username_pw_set(settings.user, settings.password)
    if settings.ca_pem is not None:
        mqtt.tls_set_context(site_context(settings.ca_pem))
    mqtt.on_connect = lambda _m, _u, _flags, code, _p: setattr(heard, "code", code)
    mqtt.on_subscribe = lambda _m, _u, mid, codes, _p: heard.granted.update(
        {mid: all(code.value < _REFUSED for code in codes)}
    )
    mqtt.on_message = lambda _m, _u, message: heard.payloads.append(bytes(message.payload))
    mqtt.on_disconnect = lambda _m, _u, _flags, _code, _p: setattr(heard, "gone", True)
    return mqtt
