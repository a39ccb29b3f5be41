"""What both engines share: start, prove, change, watch and end one broker process."""

import asyncio
import logging
import math
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import ClassVar

from agent.hub.broker.base import Account, BrokerFailed, BrokerPlace, check
from agent.hub.broker.files import disk, tail
from agent.hub.broker.orphan import end_orphan, note
from agent.hub.broker.port import near, remembered_port
from agent.hub.broker.process import Process
from agent.hub.broker.session import Refused, Visitor, knock, visit
from agent.hub.broker.tls import SiteTls

KEEPER = "@keeper"  # our own user; no station can have this name

_log = logging.getLogger(__name__)
_START_PATIENCE = 20.0  # seconds; a thousand sessions on a slow disk are back in about one
_STEADY = 10.0  # seconds a broker must have lived for its death to count as the first
_LAST_BREATH = 0.5  # seconds until we know that one who does not answer has died
_UPKEEP = 3600.0  # seconds between looks at certificate and log


class KeptBroker(ABC):
    """The bookkeeping around a broker; an engine writes its files, names its command and loads changes."""

    name: ClassVar[str]

    def __init__(self, site: str, place: BrokerPlace, tls: SiteTls) -> None:
        self.port, self.starts = place.port, 0
        self._site = site
        self._place = place
        self._tls = tls
        self._folder = place.folder
        self._keeper_password = secrets.token_urlsafe(24)
        self._accounts: tuple[Account, ...] = ()
        self._process: Process | None = None
        self._changing = asyncio.Lock()  # one start, change or restart at a time
        self._note = place.folder / f"{self.name}.pid"
        self._output = place.folder / f"{self.name}.out"
        self._log_file = place.folder / f"{self.name}.log"
        self._log_begin = 0
        self._ready_at = math.inf
        self._stopped = False

    # what an engine adds

    @abstractmethod
    def _write(self, accounts: Sequence[Account]) -> None:
        """Write the engine's files."""

    @abstractmethod
    def _command(self) -> list[str]:
        """The command that runs the engine in the foreground."""

    @abstractmethod
    async def _load(self, accounts: Sequence[Account]) -> None:
        """Write and load `accounts` while the engine runs, all or nothing; raises BrokerFailed."""

    async def _settle(self) -> None:  # noqa: B027 - not every engine has something left to do
        """What is left to do once the engine accepts connections."""

    def _trim_log(self) -> None:  # noqa: B027 - not every engine needs it
        """Keep the log small, if the engine does not do that itself."""

    # the port

    async def start(self, accounts: Sequence[Account]) -> None:
        """Start the broker for these accounts and return when it lets one in; raises BrokerFailed."""
        check(accounts)
        with disk():
            self._folder.mkdir(parents=True, exist_ok=True)
            self._tls.ensure(self._site, self._place.names)
            self.port = self.port or remembered_port(self._folder, self._place.host)
        async with self._changing:
            if self._process:
                await self._process.stop()
            elif await asyncio.to_thread(end_orphan, self._note):
                _log.warning("ended the broker of a hub that died")
            self._accounts = tuple(accounts)
            self._stopped = False
            await self._launch()

    async def apply(self, accounts: Sequence[Account]) -> None:
        """Replace the accounts while others stay connected; raises BrokerFailed, then the old ones still stand."""
        check(accounts)
        async with self._changing:
            with disk():
                self._tls.ensure(self._site, self._place.names)
            try:
                if not await self._until_dead(0):
                    await self._load(accounts)
            except BrokerFailed:
                if not await self._until_dead(_LAST_BREATH):
                    raise
            self._accounts = tuple(accounts)  # one that has died takes them when it is started again

    async def run(self) -> None:
        """Start the broker again whenever it dies, until cancelled or stopped."""
        delays = _delays()
        while not self._stop_asked():
            if await self._until_dead(_UPKEEP):
                if time.monotonic() - self._ready_at > _STEADY:
                    delays = _delays()
                await self._restart(next(delays))
            else:
                await self._upkeep()

    async def stop(self) -> None:
        """End the broker; what was queued stays in the folder."""
        self._stopped = True
        async with self._changing:
            if self._process:
                await self._process.stop()

    async def forget(self, station: str, client_id: str) -> None:
        """Drop the session and the queue of a station that never returns; raises BrokerFailed.

        Both engines keep a session by its client id alone, so a clean visit under that id ends it.
        """
        try:
            await visit(self._visitor(), client_id)
        except (OSError, TimeoutError, Refused) as error:
            raise BrokerFailed("The broker still remembers a station", f"{station}: {error}") from error

    # how

    async def _launch(self) -> None:
        self._ready_at = math.inf
        with disk():
            self._trim_log()
            self._write(self._accounts)
            self._log_begin = self._log_file.stat().st_size if self._log_file.exists() else 0
            self._process = await Process.launch(self._command(), self._output)
            note(self._note, self._process.pid)
        try:
            await self._until_ready(self._process)
            await self._settle()
        except BaseException:
            await self._process.stop()
            raise
        self._ready_at = time.monotonic()
        self.starts += 1

    async def _until_ready(self, process: Process) -> None:
        """Wait until our own user is let in: a stranger on the same port would not do that."""
        knocking, ended = asyncio.create_task(knock(self._visitor())), asyncio.create_task(process.wait())
        try:
            await asyncio.wait({knocking, ended}, timeout=_START_PATIENCE, return_when=asyncio.FIRST_COMPLETED)
            if not knocking.done():
                raise BrokerFailed(f"The broker ({self.name}) does not start", self._last_words())
            knocking.result()
        finally:
            knocking.cancel()
            ended.cancel()

    async def _until_dead(self, patience: float) -> bool:
        """Wait for the broker's death, at most `patience` seconds; whether it is dead."""
        if not self._process or not self._process.alive:
            return True
        try:
            await asyncio.wait_for(self._process.wait(), patience)
        except TimeoutError:
            return False
        return True

    async def _restart(self, delay: float) -> None:
        if self._stop_asked():
            return
        _log.error("the broker died; next start in %.1f s", delay)
        await asyncio.sleep(delay)
        async with self._changing:
            if self._stop_asked():
                return
            try:
                await self._launch()
            except BrokerFailed as error:
                _log.error("%s", error)

    def _stop_asked(self) -> bool:
        return self._stopped

    async def _upkeep(self) -> None:
        """Trim the log, renew the certificate; a failure is told and tried again the next time."""
        async with self._changing:
            try:
                with disk():
                    self._trim_log()
                    renewed = self._tls.ensure(self._site, self._place.names)
                if renewed and not await self._until_dead(0):
                    await self._load(self._accounts)
            except BrokerFailed as error:
                _log.error("%s", error)

    def _visitor(self) -> Visitor:
        return Visitor(near(self._place.host), self.port, self._tls.ca_cert, KEEPER, self._keeper_password)

    def _last_words(self) -> str:
        """What the engine said since it was started: on its output before it could open its log, and in the log."""
        words = tail(self._output) + tail(self._log_file, since=self._log_begin)
        return f"{words.strip() or 'It said nothing'}\nMore in {self._log_file}"


def _delays() -> Iterator[float]:
    """Seconds to wait before each new start: 0.1, doubled up to 30."""
    delay = 0.1
    while True:
        yield delay
        delay = min(30.0, delay * 2)
