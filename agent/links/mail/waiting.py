"""What waits to be sent, gathered so that everything for one recipient goes as one mail."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from agent.links.mail.pack import MOST, ROOM, room_for
from agent.links.mail.settings import Recipient


@dataclass(slots=True, eq=False)
class Batch:
    """The containers of one mail; `tickets` are those of whoever waits for each, in the same order."""

    station: str
    recipient: Recipient
    containers: list[bytes] = field(default_factory=list)
    tickets: list[Any] = field(default_factory=list)
    room: int = ROOM

    def takes(self, container: bytes) -> bool:
        """Whether there is room for one more."""
        return room_for(container) <= self.room and len(self.containers) < MOST

    def add(self, container: bytes, ticket: object) -> None:
        """Put one more in."""
        self.containers.append(container)
        self.tickets.append(ticket)
        self.room -= room_for(container)


class Waiting:
    """Batches in the order in which their first container came; for one thread at a time."""

    def __init__(self) -> None:
        self._batches: deque[Batch] = deque()
        self._open: dict[tuple[str, Recipient], Batch] = {}

    def __len__(self) -> int:
        """How many containers wait."""
        return sum(len(batch.containers) for batch in self._batches)

    def put(self, station: str, recipient: Recipient, container: bytes, ticket: object) -> None:
        """Add a container to what waits for its recipient already."""
        batch = self._open.get((station, recipient))
        if batch is None or not batch.takes(container):
            batch = self._open[station, recipient] = Batch(station, recipient)
            self._batches.append(batch)
        batch.add(container, ticket)

    def take(self) -> Batch | None:
        """The next mail, with all that waits for its recipient now and fits; None if nothing waits."""
        if not self._batches:
            return None
        batch = self._batches.popleft()
        if self._open.get((batch.station, batch.recipient)) is batch:
            del self._open[batch.station, batch.recipient]
        return batch

    def take_all(self, station: str | None = None) -> list[Batch]:
        """All mails for a station, or for everybody."""
        taken = [batch for batch in self._batches if station in {None, batch.station}]
        self._batches = deque(batch for batch in self._batches if batch not in taken)
        self._open = {key: batch for key, batch in self._open.items() if batch not in taken}
        return taken
