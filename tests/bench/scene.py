"""Real agents and their hub for measurements, and two enrolled stations without agents for the floor beside them."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from agent.demo.site import Site
from agent.domain.keys import from_b64u
from agent.system.credentials import Credentials, load_credentials
from agent.wire.keys import Identity
from tests.bench.report import Absent
from tests.servers.session_bus import Bus
from tests.servers.witness import Witness

LIMITS = "[limits]\npeer_rate = 10000.0\npeer_burst = 100000\n"
EVERY_PAGE_RINGS = f"[ring]\nper_minute = 100000\nagain_seconds = 3600\n{LIMITS}"
SENDER, RECEIVER = "front", "kitchen"


@dataclass
class Scene:
    """A site with two agents; `witness` is the desktop of the one that receives."""

    site: Site
    witness: Witness

    def credentials(self, station: str) -> Credentials:
        """What enrolment gave a station."""
        found = load_credentials(self.site.profile(station).secrets_folder)
        assert found is not None
        return found

    def times(self, station: str, event: str, key: str) -> dict[str, int]:
        """When `event` happened at a station, by page: nanoseconds since 1970, as its log says."""
        pattern = re.compile(rf' {event} .*?{key}="([0-9a-f]{{32}})".* ns=(\d+)')
        found: dict[str, int] = {}
        for file in sorted(self.site.profile(station).log_folder.glob("agent.log*")):
            for line in file.read_text().splitlines():
                match = pattern.search(line)
                if match:
                    found.setdefault(match[1], int(match[2]))
        return found


@contextmanager
def scene(folder: Path, broker: str, *extra: str, config: str = EVERY_PAGE_RINGS) -> Iterator[Scene]:
    """Start a site whose agents have this configuration; `extra` stations are enrolled and have no agent."""
    if missing := Bus.missing():
        raise Absent(f"needs {', '.join(missing)}")
    with ExitStack() as stack:
        site, witness = Site(folder, broker), stack.enter_context(Witness())
        stack.callback(site.stop)
        site.start_hub()
        silent = {"NMR_TRAY": "silent", "NMR_SOUND": "silent", "NMR_NOTIFY": "silent"}
        for station, env in ((SENDER, silent), (RECEIVER, witness.env)):
            site.profile(station).create()
            site.profile(station).config_file.write_text(config)
            site.enrol(station, station, station)
            site.start_station(station, env)
        for station in extra:
            site.profile(station).create()
            site.enrol(station, station, "bench")
        yield Scene(site, witness)


def identity(credentials: Credentials) -> Identity:
    """The keys of a station."""
    sign, receive = from_b64u(credentials.sign_key), from_b64u(credentials.receive_key)
    return Identity.of(credentials.site, credentials.station, sign, receive)


def _no_delay(_client: paho.Client, _data: object, socket: Any) -> None:
    socket.setsockopt(6, 1, 1)


def raw_client(credentials: Credentials, *, manual_ack: bool = False) -> paho.Client:
    """Bare paho as a station, tuned as well as paho can be: no delay on the socket, nothing else."""
    import ssl

    client = paho.Client(
        CallbackAPIVersion.VERSION2,
        client_id=credentials.client_id,
        clean_session=False,  # the agents have a persistent session, which costs a broker more than a clean one
        reconnect_on_failure=False,
        manual_ack=manual_ack,
    )
    client.username_pw_set(credentials.station, credentials.password)
    client.tls_set_context(ssl.create_default_context(cadata=credentials.ca_pem))
    client.on_socket_open = _no_delay
    client.max_inflight_messages_set(1000)
    return client


def topic(site: str, to: str, sender: str) -> str:
    """The topic of a message."""
    return f"nmr/1/{site}/to/{to}/{sender}"
