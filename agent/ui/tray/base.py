"""What a tray is to the rest of the agent: it shows a view and tells which entry was clicked."""

from collections.abc import Callable
from typing import Protocol

from agent.ui.view import TrayView


class Tray(Protocol):
    """One icon beside the clock. Nothing here raises: a broken tray never hurts a page."""

    @property
    def name(self) -> str:
        """`sni`, `native` or `silent`; shown in status."""

    @property
    def registered(self) -> bool:
        """Whether a panel shows the icon right now."""

    async def start(self, clicked: Callable[[object], None]) -> None:
        """Put the icon up; `clicked` gets the entry's intent, in the event loop."""

    def show(self, view: TrayView) -> None:
        """Draw `view`; called in the event loop, as often as anything changes."""

    async def stop(self) -> None:
        """Take the icon away."""
