"""No tray: pages still ring and the window and the command line still work."""

from collections.abc import Callable

from agent.ui.view import TrayView


class SilentTray:
    """A tray nobody sees, for sessions without a desktop and for tests; it remembers the last view."""

    name = "silent"
    registered = False

    def __init__(self) -> None:
        self.view: TrayView | None = None
        self.clicked: Callable[[object], None] | None = None

    async def start(self, clicked: Callable[[object], None]) -> None:
        """Keep `clicked`; there is nothing to click on."""
        self.clicked = clicked

    def show(self, view: TrayView) -> None:
        """Keep `view`."""
        self.view = view

    async def stop(self) -> None:
        """Nothing to take away."""
