"""The player for a computer that shall not ring: it plays nothing, and says so."""

from agent.ui.sound.base import Played, Tone


class SilentPlayer:
    """Plays nothing, and says so: a page that did not ring must not count as heard."""

    name = "silent"

    async def play(self, tone: Tone) -> Played:  # noqa: ARG002 - as the port has it
        """Say that nothing is played."""
        return Played(ok=False, by=self.name, why="sound is switched off")

    async def stop(self) -> None:
        """It is quiet already."""
