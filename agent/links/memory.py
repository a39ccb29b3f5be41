"""A link inside one process, as forgetful, doubling and unruly as it is told to be: for walks, tests and the demo."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from random import Random

from agent.domain.envelope import SEALED_BYTES
from agent.links.arrivals import Arrivals
from agent.links.base import AUTH, HUB, INBOX, Delivery, LinkDown, LinkRefused, check_way, checked


@dataclass(frozen=True, slots=True)
class Faults:
    """What the net does to a message: chances between 0 and 1, and the longest delay in seconds."""

    loss: float = 0.0
    double: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0


class MemoryNet:
    """Stations by name, each with a mailbox that keeps a message until it is accepted, as a broker does.

    What is sent to a station that never had a link is lost; so is what comes on another channel than the inbox while
    the station does not listen there. `chance` decides the faults and is the caller's, so that
    the same seed makes the same faults.
    """

    def __init__(self, faults: Faults | None = None, chance: Random | None = None) -> None:
        self.faults = faults or Faults()
        self._chance = chance or Random(0)  # noqa: S311 - chance of a fault, no secret
        self._boxes: dict[str, _Mailbox] = {}

    def link(self, station: str, *, gated: bool = False) -> "MemoryLink":
        """The link of `station`, whose mailbox exists from now on; with `gated` somebody has to open its inbox."""
        return MemoryLink(station, self, self._boxes.setdefault(station, _Mailbox()), gated=gated)

    def cut(self, *stations: str) -> None:
        """End the sessions of these stations, of all if none is named, and let none begin until `heal`."""
        for box in self._named(stations):
            box.shut(LinkDown("the net is cut"))

    def refuse(self, *stations: str) -> None:
        """End the sessions of these stations, of all if none is named, and refuse them until `heal`."""
        for box in self._named(stations):
            box.shut(LinkRefused("the net does not accept this station"))

    def heal(self, *stations: str) -> None:
        """Let these stations, all if none is named, connect again."""
        for box in self._named(stations):
            box.shut_by = None

    def carry(self, sender: str, to: str, sealed: bytes, channel: str = INBOX) -> None:
        """Bring one message to a station, or not, or twice, or later: the faults decide."""
        box, faults, chance = self._boxes.get(to), self.faults, self._chance
        if box is None or chance.random() < faults.loss:
            return
        letter = _Letter(sender, sealed, channel)
        for _ in range(2 if chance.random() < faults.double else 1):
            place = chance.random() if chance.random() < faults.reorder else 1.0
            seconds = chance.random() * faults.delay
            if seconds:
                asyncio.get_running_loop().call_later(seconds, box.put, letter, place)
            else:
                box.put(letter, place)

    def _named(self, stations: tuple[str, ...]) -> list["_Mailbox"]:
        return [self._boxes[station] for station in stations or tuple(self._boxes)]


class MemoryLink:
    """The way of one station into the net."""

    name = "memory"

    def __init__(self, station: str, net: MemoryNet, box: "_Mailbox", *, gated: bool) -> None:
        self._station = station
        self._net = net
        self._box = box
        self.gated = gated

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["MemorySession"]:
        """Open the mailbox; an older session of the same station ends. Raises LinkDown or LinkRefused."""
        session = MemorySession(self._station, self._net, gated=self.gated)
        self._box.open(session)
        try:
            yield session
        finally:
            session.arrivals.end(LinkDown("closed"))


class MemorySession:
    """A station while it is in the net."""

    rtt: float | None = 0.0

    def __init__(self, station: str, net: MemoryNet, *, gated: bool) -> None:
        self.arrivals = Arrivals(gated=gated)
        self._station = station
        self._net = net
        self._channels = {AUTH} if gated else set[str]()

    async def send(self, to: str, sealed: bytes, channel: str = INBOX) -> None:
        """Bring `sealed` to `to`; raises LinkDown.

        ValueError for more than any link carries, or for a channel that does not lead to `to`.
        """
        if len(sealed) > SEALED_BYTES:
            raise ValueError(f"{len(sealed)} bytes are more than the {SEALED_BYTES} a link carries")
        check_way(self._station, to, channel)
        self.arrivals.check_up()
        self._net.carry(self._station, to, sealed, channel)

    def received(self) -> AsyncIterator[Delivery]:
        """Yield what arrives until the session ends, then raise why."""
        return self.arrivals.stream()

    def hears(self, channel: str) -> bool:
        """Whether a message on `channel` would be taken now; the hub hears all."""
        return channel == INBOX or channel in self._channels or self._station == HUB

    async def listen(self, channel: str) -> None:
        """Hear `channel` from now on; raises LinkDown."""
        self.arrivals.check_up()
        self._channels.add(checked(channel))

    async def unlisten(self, channel: str) -> None:
        """Hear `channel` no more; raises LinkDown."""
        self.arrivals.check_up()
        self._channels.discard(channel)

    async def open_inbox(self) -> None:
        """Hand over what waited and what comes; raises LinkDown."""
        self.arrivals.check_up()
        self.arrivals.open()

    def abort(self, error: LinkDown | LinkRefused) -> None:
        """End the session: `received` raises exactly this error at once."""
        self.arrivals.end(error, drop=True)


@dataclass(frozen=True, slots=True)
class _Letter:
    sender: str
    sealed: bytes
    channel: str


class _Mailbox:
    """What is on its way to one station: kept until accepted, given again to each new session."""

    def __init__(self) -> None:
        self.shut_by: LinkDown | LinkRefused | None = None
        self._kept: dict[int, _Letter] = {}
        self._last = 0
        self._reader: MemorySession | None = None

    def open(self, reader: MemorySession) -> None:
        """Give everything kept to `reader`, and from now on what comes."""
        if self.shut_by is not None:
            raise type(self.shut_by)(*self.shut_by.args)
        self._end("the station connected a second time")
        self._reader = reader
        for number, letter in self._kept.items():
            self._give(letter, partial(self._accept, reader, number))

    def shut(self, why: LinkDown | LinkRefused) -> None:
        """End the session and let none begin."""
        self.shut_by = why
        self._end(str(why))

    def put(self, letter: _Letter, place: float = 1.0) -> None:
        """Give a letter to the session, if there is one; `place` 0 is before all others, 1 behind.

        One for the inbox is kept until it is accepted.
        """
        if letter.channel != INBOX:
            self._give(letter, lambda: None, place)
            return
        self._last += 1
        self._kept[self._last] = letter
        self._give(letter, partial(self._accept, self._reader, self._last), place)

    def _end(self, why: str) -> None:
        if self._reader is not None:
            self._reader.arrivals.end(LinkDown(why))

    def _give(self, letter: _Letter, accept: Callable[[], None], place: float = 1.0) -> None:
        reader = self._reader
        if reader is not None and reader.arrivals.ended is None and reader.hears(letter.channel):
            delivery = Delivery("memory", letter.sender, letter.sealed, accept, letter.channel)
            reader.arrivals.put(delivery, round(place * reader.arrivals.waiting(letter.channel)))

    def _accept(self, reader: MemorySession | None, number: int) -> None:
        """Forget a message; from an ended session that comes too late, as it does with a broker."""
        if reader is not None and reader.arrivals.ended is None:
            self._kept.pop(number, None)
