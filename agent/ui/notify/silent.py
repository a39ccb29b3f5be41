"""The notifier for a computer where nothing shall pop up: it shows nothing, and says so."""

from agent.ui.notify.base import Happened, Notice, Shown


class SilentNotifier:
    """Shows nothing. A page is then never *presented* by it, and its sender is told why."""

    name = "silent"

    async def start(self, happened: Happened) -> None:
        """Nothing will happen."""

    async def show(self, notice: Notice) -> Shown:  # noqa: ARG002 - as the port has it
        """Say that nothing is shown."""
        return Shown(ok=False, by=self.name, why="notifications are switched off")

    async def close(self, key: str) -> None:
        """Nothing to take away."""

    async def stop(self) -> None:
        """Nothing to let go of."""
