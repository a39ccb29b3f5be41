"""A link inside one process, as forgetful, doubling and unruly as it is told to be: for walks, tests and the demo."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from random import Random

from agent.domain.envelope import SEALED_BYTES
from agent.links.arrivals import Arrivals
from agent.links.base import INBOX, Delivery, LinkDown, LinkRefused


@dataclass(frozen=True, slots=True)
class Faults:
    """What the net does to a message: chances between 0 and 1, and the longest delay in seconds."""

    loss: float = 0.0
    double: float = 0.0
    reorder: float = 0.0
    delay: float = 0.0


class MemoryNet:
    """Stations by name, each with a mailbox that keeps a message until it is accepted, as a broker does.

    What is sent to a station that never had a link is lost. `chance` decides the faults and is the caller's, so that
    the same seed makes the same faults.
    """

    def __init__(self, faults: Faults | None = None, chance: Random | None = None) -> None:
        self.faults = faults or Faults()
        self._chance = chance or Random(0)  # noqa: S311 - chance of a fault, no secret
        self._boxes: dict[str, _Mailbox] = {}

    def link(self, station: str) -> "MemoryLink":
        """The link of `station`, whose mailbox exists from now on."""
        return MemoryLink(station, self, self._boxes.setdefault(station, _Mailbox()))

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

    def carry(self, sender: str, to: str, sealed: bytes) -> None:
        """Bring one message into a mailbox, or into none, or twice, or later: the faults decide."""
        box, faults, chance = self._boxes.get(to), self.faults, self._chance
        if box is None or chance.random() < faults.loss:
            return
        for _ in range(2 if chance.random() < faults.double else 1):
            place = chance.random() if chance.random() < faults.reorder else 1.0
            seconds = chance.random() * faults.delay
            if seconds:
                asyncio.get_running_loop().call_later(seconds, box.put, sender, sealed, place)
            else:
                box.put(sender, sealed, place)

    def _named(self, stations: tuple[str, ...]) -> list["_Mailbox"]:
        return [self._boxes[station] for station in stations or tuple(self._boxes)]


class MemoryLink:
    """The way of one station into the net."""

    name = "memory"

    def __init__(self, station: str, net: MemoryNet, box: "_Mailbox") -> None:
        self._station = station
        self._net = net
        self._box = box

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["MemorySession"]:
        """Open the mailbox; an older session of the same station ends. Raises LinkDown or LinkRefused."""
        session = MemorySession(self._station, self._net)
        self._box.open(session.arrivals)
        try:
            yield session
        finally:
            session.arrivals.end("closed")


class MemorySession:
    """A station while it is in the net."""

    rtt: float | None = 0.0

    def __init__(self, station: str, net: MemoryNet) -> None:
        self.arrivals = Arrivals()
        self._station = station
        self._net = net

    async def send(self, to: str, sealed: bytes, channel: str = INBOX) -> None:
        """Bring `sealed` into the mailbox of `to`; raises LinkDown, and ValueError above the limit of all links."""
        if channel != INBOX:
            raise ValueError(f"no channel {channel!r} yet")
        if len(sealed) > SEALED_BYTES:
            raise ValueError(f"{len(sealed)} bytes are more than the {SEALED_BYTES} a link carries")
        if self.arrivals.ended is not None:
            raise LinkDown(self.arrivals.ended)
        self._net.carry(self._station, to, sealed)

    def received(self) -> AsyncIterator[Delivery]:
        """Yield what arrives until the session ends, then raise LinkDown."""
        return self.arrivals.stream()


class _Mailbox:
    """What is on its way to one station: kept until accepted, given again to each new session."""

    def __init__(self) -> None:
        self.shut_by: LinkDown | LinkRefused | None = None
        self._kept: dict[int, tuple[str, bytes]] = {}
        self._last = 0
        self._reader: Arrivals | None = None

    def open(self, reader: Arrivals) -> None:
        """Give everything kept to `reader`, and from now on what comes."""
        if self.shut_by is not None:
            raise type(self.shut_by)(*self.shut_by.args)
        self._end("the station connected a second time")
        self._reader = reader
        for number in self._kept:
            self._give(number)

    def shut(self, why: LinkDown | LinkRefused) -> None:
        """End the session and let none begin."""
        self.shut_by = why
        self._end(str(why))

    def put(self, sender: str, sealed: bytes, place: float = 1.0) -> None:
        """Keep a message and give it to the session, if there is one; `place` 0 is before all others, 1 behind."""
        self._last += 1
        self._kept[self._last] = (sender, sealed)
        self._give(self._last, place)

    def _end(self, why: str) -> None:
        if self._reader is not None:
            self._reader.end(why)

    def _give(self, number: int, place: float = 1.0) -> None:
        reader = self._reader
        if reader is not None and reader.ended is None:
            sender, sealed = self._kept[number]
            accept = partial(self._accept, reader, number)
            reader.put(Delivery("memory", sender, sealed, accept), round(place * len(reader)))

    def _accept(self, reader: Arrivals, number: int) -> None:
        """Forget a message; from an ended session that comes too late, as it does with a broker."""
        if reader.ended is None:
            self._kept.pop(number, None)
