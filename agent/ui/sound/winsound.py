"""Sounds through Windows itself: the standard library's winsound."""

from typing import Any

from agent.system.assets import asset
from agent.ui.reason import reason
from agent.ui.sound.base import Played, Tone


class WinsoundPlayer:
    """Plays with PlaySound, which returns at once and plays one sound at a time."""

    name = "winsound"

    async def play(self, tone: Tone) -> Played:
        """Start `tone` (a running one is stopped first); returns when it started."""
        try:
            _play_sound(str(asset(f"sounds/{tone}.wav")))
        except Exception as error:  # noqa: BLE001 - a player never raises
            return Played(ok=False, by=self.name, why=reason(error))
        return Played(ok=True, by=self.name)

    async def stop(self) -> None:
        """Be quiet now."""
        try:
            _play_sound(None)
        except Exception:  # noqa: BLE001 - then nothing plays
            return


def _play_sound(file: str | None) -> None:
    """Start `file`; None ends what is playing. Raises RuntimeError when Windows cannot."""
    import winsound

    windows: Any = winsound  # its types exist on Windows only
    windows.PlaySound(file, windows.SND_FILENAME | windows.SND_ASYNC | windows.SND_NODEFAULT)
