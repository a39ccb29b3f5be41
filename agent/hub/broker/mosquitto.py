"""The broker beside: a Mosquitto 2 that the hub runs with its own configuration."""

import asyncio
import os
import secrets
import shutil
import signal
import time
from collections.abc import Sequence
from typing import ClassVar

from agent.hub.broker.base import Account, BrokerFailed, BrokerPlace, mosquitto_verifier
from agent.hub.broker.files import write_private
from agent.hub.broker.kept import KEEPER, KeptBroker
from agent.hub.broker.permissions import mosquitto_acl
from agent.hub.broker.session import Refused, visit
from agent.hub.broker.tls import SiteTls

_RELOAD: int = getattr(signal, "SIGHUP", 1)  # Windows has none, and nobody keeps a Mosquitto there
_LOG_LIMIT = 5 * 2**20  # bytes
_LOAD_PATIENCE = 3.0  # seconds; mosquitto looks at signals ten times a second


class MosquittoBroker(KeptBroker):
    """Keeps a Mosquitto process. Changes are loaded by SIGHUP, which Windows does not have: there IT runs Mosquitto
    by its own means, and the broker of ours is NATS.

    Mosquitto says nowhere whether it has loaded a file. So our own user gets a new password with every change,
    and a change counts as loaded when that password is let in.
    """

    name: ClassVar[str] = "mosquitto"

    def __init__(self, site: str, place: BrokerPlace, tls: SiteTls, *, program: str = "") -> None:
        super().__init__(site, place, tls)
        self._program = program
        self._passwords = place.folder / "mosquitto.passwords"
        self._acl = place.folder / "mosquitto.acl"
        self._file = place.folder / "mosquitto.conf"

    def _command(self) -> list[str]:
        return [self._program or mosquitto_program(), "-c", str(self._file)]

    def _write(self, accounts: Sequence[Account]) -> None:
        store = self._folder / "mosquitto"
        store.mkdir(exist_ok=True)
        write_private(self._acl, mosquitto_acl(self._site))
        write_private(self._file, self._configuration())
        self._write_passwords(accounts)

    def _write_passwords(self, accounts: Sequence[Account]) -> None:
        self._keeper_password = secrets.token_urlsafe(24)
        lines = [f"{account.station}:{account.pbkdf2}" for account in accounts]
        lines.append(f"{KEEPER}:{mosquitto_verifier(self._keeper_password)}")
        write_private(self._passwords, "\n".join(lines) + "\n")

    def _configuration(self) -> str:
        # As root mosquitto would become another user and could not read our private files any more.
        user = ["user root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
        return "\n".join(
            [
                *user,
                "allow_anonymous false",
                f"password_file {self._passwords}",
                f"acl_file {self._acl}",
                "persistence true",
                f"persistence_location {self._folder / 'mosquitto'}{os.sep}",
                # Saving is writing everything: on every change it takes 20 ms a message once 5000 are queued (101/s
                # instead of 6000/s), for all stations. So a killed Mosquitto forgets up to five seconds.
                "autosave_interval 5",
                "autosave_on_changes false",
                "max_queued_messages 100000",  # beyond the default of 1000 messages fall away silently
                "max_inflight_messages 100",
                "persistent_client_expiration 30d",
                "max_packet_size 45000",
                "set_tcp_nodelay true",
                f"log_dest file {self._log_file}",
                "log_type error",
                "log_type warning",
                "log_type notice",
                "log_timestamp_format %Y-%m-%dT%H:%M:%S",
                f"listener {self.port} {self._place.host}",
                f"certfile {self._tls.hub_cert}",
                f"keyfile {self._tls.hub_key}",
                "",
            ]
        )

    async def _load(self, accounts: Sequence[Account]) -> None:
        assert self._process
        before, password = self._passwords.read_bytes(), self._keeper_password
        self._write_passwords(accounts)
        self._process.signal(_RELOAD)
        if not await self._loaded():
            self._keeper_password = password
            write_private(self._passwords, before)
            self._process.signal(_RELOAD)
            raise BrokerFailed("The broker refused a change", self._last_words())

    async def _loaded(self) -> bool:
        deadline = time.monotonic() + _LOAD_PATIENCE
        while self._process and self._process.alive and time.monotonic() < deadline:
            try:
                await visit(self._visitor(), secrets.token_urlsafe(16))
            except (OSError, TimeoutError, Refused):
                await asyncio.sleep(0.02)
            else:
                return True
        return False

    def _trim_log(self) -> None:
        """Begin a new file when the old one is large; SIGHUP makes mosquitto open it."""
        if self._log_file.exists() and self._log_file.stat().st_size > _LOG_LIMIT:
            self._log_file.replace(self._log_file.with_suffix(".log.1"))
            if self._process and self._process.alive:
                self._process.signal(_RELOAD)


def mosquitto_program() -> str:
    """The path of Mosquitto; raises BrokerFailed if it is not installed."""
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/opt/homebrew/sbin")
    if not found:
        raise BrokerFailed("Mosquitto is not installed", "Install the package mosquitto, or use the embedded broker")
    return found
