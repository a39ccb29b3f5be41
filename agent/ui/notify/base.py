"""What a notifier is to the rest of the agent: it shows a notice, or says why it could not."""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Protocol


class Urgency(IntEnum):
    """How much a notice insists; the numbers are those of the desktop notification standard."""

    LOW = 0
    NORMAL = 1
    CRITICAL = 2


@dataclass(frozen=True, slots=True)
class Notice:
    """One notification. The same `key` again changes the notice in place.

    `title` and `body` are plain text; the notifier escapes what its system would read as markup.
    `buttons` are (action, label) pairs, first is the main one. `opens` says what a click on the body does, for
    systems that draw a button for it; with "" a click does nothing.
    """

    key: str
    title: str
    body: str
    buttons: tuple[tuple[str, str], ...] = field(default=())
    urgency: Urgency = Urgency.NORMAL
    opens: str = "Open"


@dataclass(frozen=True, slots=True)
class Shown:
    """What became of a notice: taken by the notifier `by`, or `why` it was not."""

    ok: bool
    by: str
    why: str = ""


Happened = Callable[[str, str], None]
"""Called in the event loop with (key, action); action is a button's, `open` for a click on the body,
`dismissed` when a person closed it, `expired` when the system did."""


class Notifier(Protocol):
    """One way to put a notice before a person. Nothing here raises."""

    @property
    def name(self) -> str:
        """`dbus`, `winrt`, `plyer` or `silent`; shown in status."""

    async def start(self, happened: Happened) -> None:
        """Begin to listen for what people do with notices."""

    async def show(self, notice: Notice) -> Shown:
        """Show or change a notice; returns when the system took it."""

    async def close(self, key: str) -> None:
        """Take the notice away, if it is still there."""

    async def stop(self) -> None:
        """Close all own notices and let go of the system."""
