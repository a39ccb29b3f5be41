"""What a sound player is to the rest of the agent: it plays a named sound, or says why it could not."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Tone(StrEnum):
    """The sounds we ship, as WAV files in assets/sounds."""

    PAGE = "page"
    URGENT = "urgent"
    ORDER = "order"
    LATE = "late"


@dataclass(frozen=True, slots=True)
class Played:
    """What became of a sound: started by the player `by`, or `why` it was not."""

    ok: bool
    by: str
    why: str = ""


class Player(Protocol):
    """One way to make a sound. Nothing here raises."""

    @property
    def name(self) -> str:
        """`simpleaudio`, `winsound`, `pw-play`, `paplay`, `aplay` or `silent`; shown in status."""

    async def play(self, tone: Tone) -> Played:
        """Start `tone` (a running one is stopped first); returns when it started."""

    async def stop(self) -> None:
        """Be quiet now."""
