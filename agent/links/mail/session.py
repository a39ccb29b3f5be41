"""The mail link while it is up: a way to every station whose address is known and whose server takes mail."""

import asyncio
import hashlib
import logging
import random
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from functools import partial
from pathlib import Path

from agent.domain.envelope import SEALED_BYTES
from agent.links.arrivals import Arrivals
from agent.links.base import INBOX, Delivery, LinkDown, LinkRefused
from agent.links.hop import Hop
from agent.links.mail.account import Account
from agent.links.mail.backing import ALL, Backing
from agent.links.mail.faults import Fault, Meaning
from agent.links.mail.mailbox import Letter
from agent.links.mail.reader import Reader
from agent.links.mail.sender import Outcome, Sender
from agent.links.mail.settings import MailSettings, Recipient
from agent.system.beside import beside

_log = logging.getLogger(__name__)

AddressOf = Callable[[str], Recipient | None]


class MailSession:
    """What is carried over one login; used in the event loop only."""

    at_once = 64
    """So many containers for a station may wait here, and go as one mail."""

    def __init__(
        self,
        settings: MailSettings,
        account: Account,
        address_of: AddressOf,
        stations: Callable[[], Iterable[str]],
        changed: Callable[[], None],
        state_file: Path,
    ) -> None:
        self._address_of, self._stations, self._told, self._pace = address_of, stations, changed, settings.pace
        self._loop = asyncio.get_running_loop()
        self._first: asyncio.Future[None] = self._loop.create_future()
        self._arrivals = Arrivals()
        self._backing = Backing()
        self._pending: set[asyncio.Future[None]] = set()
        self.trouble = ""
        """Why nothing can be sent at the moment, for people; empty if something can, or nobody knows otherwise."""
        self._known: tuple[frozenset[str], str] = frozenset(), ""
        self._timer: asyncio.TimerHandle | None = None
        self._left = False
        hop = Hop(self._loop)
        self._sender = Sender(account, settings, lambda outcome: hop.post(self._settled, outcome))
        self._reader = Reader(account, settings, state_file, _Posted(hop, self))

    # The port

    async def send(self, to: str, sealed: bytes, channel: str = INBOX) -> None:
        """Return when the mail server took it for station `to`; raises LinkDown.

        ValueError for more than any link carries, and for any channel but the inbox.
        """
        if len(sealed) > SEALED_BYTES:
            raise ValueError(f"{len(sealed)} bytes are more than the {SEALED_BYTES} a link carries")
        if channel != INBOX:
            raise ValueError(f"no mail goes on channel {channel!r}")
        self._arrivals.check_up()
        recipient = self._address_of(to)
        if recipient is None or not self._open(to, recipient):
            raise LinkDown(f"no mail can be sent to {to} now")
        ticket: asyncio.Future[None] = self._loop.create_future()
        self._pending.add(ticket)
        self._sender.put(to, recipient, sealed, ticket)
        try:
            await ticket
        finally:
            self._pending.discard(ticket)

    def received(self) -> AsyncIterator[Delivery]:
        """Yield what the mailbox brings until the link goes down, then raise LinkDown or LinkRefused."""
        return self._arrivals.stream()

    def ways(self) -> Mapping[str, float | None]:
        """The stations whose address is known and that need not be spared at the moment."""
        return _Ways(self._stations, self._reached)

    def want(self, station: str) -> None:
        """Nothing needs to be opened."""

    def expect(self, seconds: float) -> None:
        """Something urgent, or the receipt for it, may come within so many seconds: look for it more often."""
        self._reader.expect(seconds)

    # For the link

    @property
    def sending(self) -> bool:
        """Whether the sender loop runs at this moment."""
        return self._sender.running

    @property
    def refused(self) -> Mapping[str, int]:
        """How many mails were put aside, by reason."""
        return self._reader.refused

    async def begin(self) -> None:
        """Return when the mail server has let us in; raises LinkDown or LinkRefused."""
        self._reader.start()
        await self._first
        self._known = frozenset(self.ways()), ""

    async def leave(self) -> None:
        """End both threads: each may finish what it is doing, but not for long."""
        self._end(LinkDown("closed"))
        self._left = True
        self._sender.close()
        self._reader.close()
        await asyncio.gather(self._ended(self._sender), self._ended(self._reader))

    async def _ended(self, thread: Sender | Reader) -> None:
        """Wait for a thread; one that hangs in the name service is left to end by itself."""
        seconds = self._pace.goodbye
        if not thread.join(0) and not await beside(partial(thread.join, seconds)):
            thread.break_off()
            await beside(partial(thread.join, seconds))

    # The facts, in the loop

    def ready(self) -> None:
        """The mail server let us in."""
        if not self._first.done():
            self._first.set_result(None)

    def arrived(self, letter: Letter) -> None:
        """Hand up what is in a mail; it is put away when the last of it was accepted."""
        if self._left:
            return
        missing = set(range(len(letter.containers)))
        for number, sealed in enumerate(letter.containers):
            self._arrivals.put(Delivery("mail", None, sealed, partial(self._accept, letter.uid, number, missing)))

    def lost(self, error: LinkDown | LinkRefused) -> None:
        """There is no connection to the mailbox."""
        if not self._first.done():
            self._first.set_exception(error)
            self._first.exception()  # asked for at once: perhaps nobody waits for it any more
        self._end(error)

    def _accept(self, uid: int, number: int, missing: set[int]) -> None:
        if number in missing:
            missing.discard(number)
            if not missing:
                self._reader.accepted(uid)

    def _settled(self, outcome: Outcome) -> None:
        """A batch is with the server, or is not."""
        batch, fault = outcome
        if fault is None:
            self._backing.sent(batch.station)
            self.trouble = ""
        else:
            self._mark(batch.station, batch.recipient.address, fault)
        for ticket in batch.tickets:
            if not ticket.done():
                ticket.set_result(None) if fault is None else ticket.set_exception(LinkDown(fault.why))
        self.look()

    def _mark(self, station: str, address: str, fault: Fault) -> None:
        match fault.meaning:
            case Meaning.REFUSED:
                self._end(LinkRefused(fault.why))
            case Meaning.NEVER:
                self._backing.never(station, address, self._loop.time())
                veiled = hashlib.sha256(address.lower().encode()).hexdigest()[:8]
                _log.warning("mail: %s gets no mail at its address (%s) for some hours: %s", station, veiled, fault.why)
            case Meaning.LATER | Meaning.ALL_LATER:
                name = station if fault.meaning is Meaning.LATER else ALL
                if name == ALL:
                    self.trouble = f"nothing can be sent: {fault.why}"
                pause = self._backing.later(name, self._loop.time(), random.random())  # noqa: S311 - a pause
                _log.info("mail: %s in %.0f s again: %s", name or "everybody", pause, fault.why)

    def _reached(self, station: str) -> bool:
        recipient = self._address_of(station)
        return recipient is not None and self._open(station, recipient)

    def _open(self, station: str, recipient: Recipient) -> bool:
        up = self._arrivals.ended is None
        return up and self._backing.is_open(station, recipient.address, self._loop.time())

    def look(self) -> None:
        """Tell if ways were won or lost, by a pause or in the ledger, or trouble; look again when the pause ends."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._left or self._arrivals.ended is not None:
            return
        at = self._backing.next_opening(self._loop.time())
        if at is not None:
            self._timer = self._loop.call_at(at, self.look)
        now = frozenset(self.ways()), self.trouble
        if now != self._known:
            self._known = now
            self._told()

    def _end(self, error: LinkDown | LinkRefused) -> None:
        self._arrivals.end(error)
        if self._timer is not None:
            self._timer.cancel()
        for ticket in self._pending:
            if not ticket.done():
                ticket.set_exception(LinkDown(str(error)))


class _Ways(Mapping[str, None]):
    """The stations that can be sent to, looked up when asked for: a site has many, a message few."""

    def __init__(self, stations: Callable[[], Iterable[str]], reached: Callable[[str], bool]) -> None:
        self._stations, self._reached = stations, reached

    def __getitem__(self, station: str) -> None:
        if not self._reached(station):
            raise KeyError(station)

    def __iter__(self) -> Iterator[str]:
        return (station for station in self._stations() if self._reached(station))

    def __len__(self) -> int:
        return sum(1 for _ in self)


class _Posted:
    """The reader's facts on their way into the loop."""

    def __init__(self, hop: Hop, session: MailSession) -> None:
        self._hop, self._session = hop, session

    def ready(self) -> None:
        self._hop.post(self._session.ready)

    def arrived(self, letter: Letter) -> None:
        self._hop.post(self._session.arrived, letter)

    def lost(self, error: LinkDown | LinkRefused) -> None:
        self._hop.post(self._session.lost, error)
