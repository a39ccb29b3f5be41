"""What every link promises, as far as one can that keeps nothing for whoever is away."""

import asyncio
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from agent.links.base import INBOX, Delivery, Link, LinkDown
from agent.links.p2p.link import P2pLink, P2pSession
from tests.links.contract import LinkContract
from tests.links.p2p.place import Place

PATIENCE_S = 8.0


class Patient:
    """A session whose first message to a station waits for the channel, as the router repeats what a link refuses."""

    def __init__(self, session: P2pSession) -> None:
        self._session = session

    def received(self) -> AsyncIterator[Delivery]:
        """As it is."""
        return self._session.received()

    async def send(self, to: str, sealed: bytes, channel: str = INBOX) -> None:
        """Try until it goes, unless the session has ended."""
        end = asyncio.get_running_loop().time() + PATIENCE_S
        while True:
            try:
                return await self._session.send(to, sealed, channel)
            except LinkDown:
                self._session._arrivals.check_up()
                if asyncio.get_running_loop().time() > end:
                    raise
                await asyncio.sleep(0.01)


class PatientLink:
    """A link of such sessions."""

    def __init__(self, link: P2pLink) -> None:
        self._link, self.name = link, link.name

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Patient]:
        """Connect."""
        async with self._link.connect() as session:
            yield Patient(session)


class P2pScene:
    """Two stations and their relay, which listens in a thread of its own: each test has a loop for itself."""

    a, b = "anna", "bert"

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._place = Place(self.a, self.b)
        self.mend()

    def link(self, station: str) -> Link:
        """The station's link."""
        return PatientLink(self._place.link(station))

    def stranger(self, station: str) -> Link:
        """The same with other keys."""
        return PatientLink(self._place.stranger(station))

    def cut(self) -> None:
        """Stop the relay."""
        self._do(self._place.relay.stop())

    def mend(self) -> None:
        """Start it again."""
        self._do(self._place.relay.start())

    def end(self) -> None:
        """Stop everything."""
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _do(self, deed: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(deed, self._loop).result(10)


@pytest.fixture
def scene() -> Iterator[P2pScene]:
    made = P2pScene()
    yield made
    made.end()


class TestP2p(LinkContract):
    """All but three promises: a channel keeps nothing, so nothing comes again and nothing waits."""

    test_what_was_not_accepted_comes_again_and_what_was_accepted_does_not = None  # type: ignore[assignment]
    test_accepting_twice_or_after_the_end_does_no_harm = None  # type: ignore[assignment]
    test_what_is_sent_to_a_station_that_is_away_waits_for_it = None  # type: ignore[assignment]
