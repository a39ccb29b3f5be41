"""The signaling server as a process of its own: all it needs of the hub is its ledger and its certificate."""

import asyncio
import logging
import os
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from agent.domain.errors import NmrError, Unavailable
from agent.hub.broker.tls import SiteTls
from agent.hub.ending import listen_to_signals
from agent.hub.place import in_url, names_of
from agent.hub.signaling.desk import Desk, make_alone
from agent.hub.signaling.exchange import Exchange, Limits
from agent.hub.signaling.login import Gate
from agent.hub.signaling.members import LedgerFile
from agent.hub.web import WebServer, open_port
from agent.system.config.schema import Hub, HubConfig
from agent.system.log import close_log, event, open_log
from agent.system.paths import Profile

log = logging.getLogger(__name__)

LOOK_S = 1.0
"""So long a revocation may take to close a socket here: a look at the end of a local file costs 0.1 ms."""

_CERTIFICATE_S = 3600.0
_ALWAYS = ("localhost", "127.0.0.1")
"""Names every certificate of a hub has."""


def hosts_of(names: Sequence[str], port: int) -> frozenset[str]:
    """Return what stations that dial this server write into their login: "name:port"; IPv6 in brackets."""
    return frozenset(f"{in_url(name)}:{port}".lower() for name in (*names, *_ALWAYS))


async def run_signaling(
    profile: Profile, config: HubConfig, port: int, names: Sequence[str] = (), *, ready: Callable[[str], None]
) -> int:
    """Run it until SIGTERM or Ctrl-C; returns the exit code, raises NmrError where it cannot start.

    `names` are those it is reached by besides the hub's, "name" or "name:port"; `ready` is called with its URL.
    """
    settings = config.log
    file = open_log(
        profile.log_folder, "signaling", level=settings.level, keep_files=settings.keep_files,
        megabytes=settings.megabytes,
    )  # fmt: skip
    try:
        async with open_signaling(profile.hub_folder, config.hub, port, names) as (web, _):
            ended = asyncio.Event()
            listen_to_signals(ended.set)
            url = f"wss://{in_url(names_of(config.hub)[0])}:{web.port}/signal"
            event(log, "started", site=config.hub.site, url=url)
            ready(url)
            await ended.wait()
            event(log, "stopping")
    finally:
        close_log(file)
    return 0


@asynccontextmanager
async def open_signaling(
    folder: Path, settings: Hub, port: int, names: Sequence[str] = ()
) -> AsyncIterator[tuple[WebServer, Desk]]:
    """Serve while the context is open; `folder` is the hub's. Port 0 means any free one, the same each time."""
    members, tls = LedgerFile(folder, settings.site), SiteTls(folder / "tls")
    members.read()
    if not (tls.hub_cert.exists() and tls.hub_key.exists()):
        raise Unavailable("There is no certificate yet", "Start the hub once with: nmr hub run", code="no-hub")
    with open_port(settings.listen, port, folder / "signaling.port") as listening:
        own = listening.getsockname()[1]
        hosts = hosts_of(names_of(settings), own) | _with_port(names, own)
        limits = Limits()
        desk = Desk(Exchange(Gate(lambda: members.ledger, hosts), os.urandom, limits), time.monotonic)
        web = WebServer(make_alone(desk), listening, tls, sockets=limits.sockets)
        async with web:
            following = asyncio.create_task(_follow(members, desk, web, tls), name="signaling members")
            try:
                yield web, desk
            finally:
                following.cancel()
                with suppress(asyncio.CancelledError):
                    await following


def _with_port(names: Sequence[str], port: int) -> frozenset[str]:
    return frozenset((name if name.rpartition(":")[2].isdigit() else f"{name}:{port}").lower() for name in names)


async def _follow(members: LedgerFile, desk: Desk, web: WebServer, tls: SiteTls) -> None:
    """Take up what the hub appends to its ledger, and a renewed certificate."""
    renew_at, told = time.monotonic() + _CERTIFICATE_S, ""
    while True:
        await asyncio.sleep(LOOK_S)
        try:
            if members.read():
                event(log, "ledger", seq=members.ledger.seq)
                desk.ledger_changed()
            if time.monotonic() >= renew_at:
                renew_at += _CERTIFICATE_S
                web.reload_certificate(tls)
            told = ""
        except (NmrError, OSError) as error:
            if str(error) != told:
                log.error("the hub's folder cannot be read: %s", error)  # noqa: TRY400 - the words say where
            told = str(error)
