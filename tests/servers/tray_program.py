"""A program with a tray and nothing else: what a tray costs, and how it fares where only a process of its own can go.

Says `tray NAME`, then `registered` when a panel has the icon, then each clicked intent, a line each; ends after `quit`.
"""

import asyncio
import sys

from agent.ui.tray.choose import choose_tray
from agent.ui.view import Entry, IconState, TrayView

MENU = (
    Entry("kitchen", "Page the kitchen", intent="page kitchen", default=True),
    Entry("bar", "Page bar & grill", intent="page bar"),
    Entry("quiet", "Do not disturb", intent="quiet", checked=True),
    Entry("quit", "Quit", intent="quit"),
)
VIEWS = {
    "quiet": TrayView(
        IconState.DEGRADED, 0, "Mail only", (MENU[0], Entry("bar", "Taken by Ben", intent=""), *MENU[2:])
    ),
    "page kitchen": TrayView(IconState.ATTENTION, 3, "3 pages wait", MENU),
}
LATE = TrayView(IconState.ATTENTION, 1, "A page waits", (Entry("kitchen", "Taken by Ben", intent="taken"), *MENU[1:]))
"""What is shown a second after a click on the bar: enough to open the menu in between."""
POLL = 0.001
"""Seconds between two looks whether the icon is registered; only until it is."""


def say(line: str) -> None:
    """Tell the test."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main() -> None:
    """Show a tray until somebody quits it."""
    bus = None
    if sys.platform != "win32":
        from agent.ui.session_bus import session_bus

        bus = await session_bus()
    tray = await choose_tray(bus)
    say(f"tray {tray.name}")
    done = asyncio.Event()

    def clicked(intent: object) -> None:
        say(str(intent))
        tray.show(VIEWS.get(str(intent), TrayView(IconState.OK, 0, "All well", MENU)))
        if intent == "page bar":
            asyncio.get_running_loop().call_later(1, tray.show, LATE)
        elif intent == "quit":
            done.set()

    tray.show(TrayView(IconState.OK, 0, "All well", MENU))
    await tray.start(clicked)
    while not tray.registered:
        await asyncio.sleep(POLL)
    say("registered")
    await done.wait()
    await tray.stop()
    say("stopped")


if __name__ == "__main__":
    asyncio.run(main())
