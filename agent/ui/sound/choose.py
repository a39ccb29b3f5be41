"""Which sound players this computer has, in the order in which they are tried."""

import os
import sys
from collections.abc import Sequence

from agent.domain.errors import BadConfiguration
from agent.ui.sound.base import Player
from agent.ui.sound.fallback import Fallback

OVERRIDE = "NMR_SOUND"
"""Environment: names of players, separated by commas, instead of those of the platform."""
_PROGRAMS = ("pw-play", "paplay", "aplay")
_ORDERS = {"linux": ("simpleaudio", *_PROGRAMS), "win32": ("simpleaudio", "winsound")}


async def choose_player(*, force: str | None = None) -> Player:
    """The player for this computer; whether it works is found out, and told, with each sound.

    Args:
        force: as the environment variable NMR_SOUND, which it overrides.

    Raises:
        BadConfiguration: a forced name is not known.
    """
    forced = os.environ.get(OVERRIDE, "") if force is None else force
    return Fallback([_make(name) for name in _names(forced)])


def _names(forced: str) -> Sequence[str]:
    return [name.strip() for name in forced.split(",") if name.strip()] or _ORDERS.get(sys.platform, ("silent",))


def _make(name: str) -> Player:
    match name:
        case "simpleaudio":
            from agent.ui.sound.simpleaudio import SimpleaudioPlayer

            return SimpleaudioPlayer()
        case "winsound":
            from agent.ui.sound.winsound import WinsoundPlayer

            return WinsoundPlayer()
        case "silent":
            from agent.ui.sound.silent import SilentPlayer

            return SilentPlayer()
        case program if program in _PROGRAMS:
            from agent.ui.sound.program import ProgramPlayer

            return ProgramPlayer(program)
    known = ", ".join(("simpleaudio", "winsound", *_PROGRAMS, "silent"))
    raise BadConfiguration("Unknown sound player", f"{OVERRIDE} knows {known}, not “{name}”.")
