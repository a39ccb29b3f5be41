"""Sounds through the simpleaudio library, inside this process."""

import asyncio
import sys
from typing import Any

from agent.system.assets import asset
from agent.ui.reason import reason
from agent.ui.sound.base import Played, Tone

PATCHED = "simpleaudio-patched"
"""The distribution that works on every Python; both are imported as `simpleaudio`."""


class SimpleaudioPlayer:
    """Plays with simpleaudio, loaded with the first sound.

    Opening the device took 13 ms the first time and may take long with radio headphones, so it has its own thread.
    """

    name = "simpleaudio"

    def __init__(self) -> None:
        self._waves: dict[Tone, Any] = {}
        self._playing: Any = None
        self._turn = asyncio.Lock()  # a stop that comes while a sound starts waits for it, or it would ring on

    async def play(self, tone: Tone) -> Played:
        """Start `tone` (a running one is stopped first); returns when it started."""
        async with self._turn:
            try:
                self._end()
                self._playing = await asyncio.to_thread(self._start, tone)
            except Exception as error:  # noqa: BLE001 - a player never raises
                return Played(ok=False, by=self.name, why=reason(error))
        return Played(ok=True, by=self.name)

    async def stop(self) -> None:
        """Be quiet now."""
        async with self._turn:
            self._end()

    def _start(self, tone: Tone) -> Any:
        if tone not in self._waves:
            check_distribution()
            import simpleaudio

            self._waves[tone] = simpleaudio.WaveObject.from_wave_file(str(asset(f"sounds/{tone}.wav")))
        return self._waves[tone].play()

    def _end(self) -> None:
        playing, self._playing = self._playing, None
        if playing is not None:
            playing.stop()


def check_distribution(version: tuple[int, ...] = sys.version_info[:2]) -> None:
    """Return if `simpleaudio` may be loaded in Python `version`.

    Raises:
        ImportError: it may be the original simpleaudio, which from Python 3.12 on takes the whole process down.
    """
    if version < (3, 12):
        return
    from importlib.metadata import PackageNotFoundError, distribution

    try:
        distribution(PATCHED)
    except PackageNotFoundError:
        raise ImportError(f"{PATCHED} is not installed, and the original simpleaudio crashes here") from None
