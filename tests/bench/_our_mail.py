"""Two routers with their stores over the mail link, in a loop of their own, for the bench of mail."""

import asyncio
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from agent.domain.effects import Acknowledge
from agent.domain.events import Arrived, Event
from agent.domain.messages import PageNew
from agent.links.base import LinkDown
from agent.links.mail.link import MailLink
from agent.links.mail.session import MailSession
from agent.links.mail.settings import MailSettings, Recipient
from tests.routing.place import Place, members
from tests.servers.mail import MailServers

MAILBOXES = {"front": "anna", "kitchen": "bert"}
FROM, TO = MAILBOXES
AWAITED_S = 5.0


class OurMail:
    """The front pages the kitchen; `arrived` holds (number, seconds of perf_counter) of what the kitchen stored."""

    def __init__(self, servers: MailServers, folder: Path, *, awaited: bool) -> None:
        self.arrived: queue.SimpleQueue[tuple[int, float]] = queue.SimpleQueue()
        self._servers, self._folder, self._awaited = servers, folder, awaited
        self._receiving: MailSession | None = None
        self._people = members()
        self._places = {station: Place(folder / station, self._people, station) for station in MAILBOXES}
        self._places[TO].on_event = self._hear
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._stack = AsyncExitStack()
        self._readers: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Log both in."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._connect(), self._loop).result(30)

    def send(self, number: int) -> None:
        """Page, as one station's core does."""
        self._loop.call_soon_threadsafe(self._page, number)

    @property
    def open_rows(self) -> int:
        """How many pages still want their receipt."""
        return self._places[FROM].router.open_rows

    def close(self) -> None:
        """Log both out."""
        asyncio.run_coroutine_threadsafe(self._leave(), self._loop).result(30)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _connect(self) -> None:
        for station, place in self._places.items():
            link = MailLink(
                self._settings(station),
                address_of=self._address_of,
                stations=lambda station=station: set(MAILBOXES) - {station},  # type: ignore[misc]
                changed=lambda place=place: place.router.ways_changed("mail"),  # type: ignore[misc]
                state_file=self._folder / f"{station}.mail",
            )
            session = await self._stack.enter_async_context(link.connect())
            place.router.opened("mail", session)
            self._receiving = session  # the last is the kitchen's
            self._readers.append(asyncio.create_task(_hand_up(session, place)))

    async def _leave(self) -> None:
        for place in self._places.values():
            place.router.closed("mail")
        await self._stack.aclose()
        await asyncio.gather(*self._readers)
        for place in self._places.values():
            place.crash()

    def _page(self, number: int) -> None:
        place = self._places[FROM]
        if self._awaited and self._receiving is not None:
            self._receiving.expect(AWAITED_S)
        place.router.run([place.post((TO,), params=PageNew(note=str(number)))])

    def _hear(self, event: Event) -> None:
        if isinstance(event, Arrived) and isinstance(event.params, PageNew):
            self.arrived.put((int(event.params.note), time.perf_counter()))
            self._places[TO].router.run([Acknowledge(event.envelope.id, event.envelope.sender, "presented")])

    def _address_of(self, station: str) -> Recipient | None:
        if station not in MAILBOXES:
            return None
        keys = self._people.people[station]
        return Recipient(self._servers.address(MAILBOXES[station]), keys.kid, keys.receive)

    def _settings(self, station: str) -> MailSettings:
        name = MAILBOXES[station]
        return MailSettings(
            me=self._people.people[station],
            address=self._servers.address(name),
            imap=("localhost", self._servers.imap_port),
            smtp=("localhost", self._servers.smtp_port),
            password=self._servers.passwords[name],
            ca_pem=self._servers.ca.read_bytes(),
        )


async def _hand_up(session: MailSession, place: Place) -> None:
    try:
        async for delivery in session.received():
            place.router.arrived(delivery)
    except LinkDown:
        return  # it was left


@contextmanager
def our_mail(servers: MailServers, folder: Path, *, awaited: bool = False) -> Iterator[OurMail]:
    """A pair that is connected, and hangs up at the end; `awaited`: the receiver has reason to look often."""
    pair = OurMail(servers, folder, awaited=awaited)
    pair.start()
    try:
        yield pair
    finally:
        pair.close()
