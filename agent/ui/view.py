"""What staff see, computed from the agent's state and nothing else."""

from dataclasses import dataclass, field
from enum import StrEnum


class IconState(StrEnum):
    """The four faces of the tray icon; the best link decides between the first three."""

    OK = "ok"
    DEGRADED = "degraded"
    OFFLINE = "offline"
    ATTENTION = "attention"


@dataclass(frozen=True, slots=True)
class Entry:
    """One menu entry; `text` "" is a separator.

    `key` never changes while the entry means the same thing, so an open menu survives updates.
    `intent` is handed back when a person clicks; None is an entry that only informs.
    """

    key: str
    text: str
    intent: object = None
    enabled: bool = True
    checked: bool | None = None
    default: bool = False
    submenu: tuple["Entry", ...] = field(default=())


@dataclass(frozen=True, slots=True)
class TrayView:
    """Everything the tray shows: icon, number of unanswered pages on it, tooltip, menu."""

    icon: IconState
    count: int
    tooltip: str
    menu: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class OpenWindow:
    """A person wants to see `orders`, `new-order`, `pages` or `status`."""

    window: str


@dataclass(frozen=True, slots=True)
class Quit:
    """A person wants the agent to end."""
