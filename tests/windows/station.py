"""A station whose agent is a Windows program, as a person at its screen and keyboard sees it."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from agent.demo.site import Site
from agent.system.control import connect_to
from tests.servers.desktop import Desktop
from tests.servers.popups import unmanaged
from tests.servers.programs import until
from tests.servers.sight import Box, find_icon
from tests.servers.wine import SLOW, Running, Wine

FIRST_ROW = 11
"""Pixels from the upper edge of a menu to the middle of its first entry."""
TALL = 120
"""Pixels; the menu is, tooltips and balloons are not."""
NEAR = 8
"""Pixels between a menu and the one of an entry of it, at most."""


class WindowsStation:
    """Anna at the front desk; everything she does goes through the icon, the window or `nmr`."""

    def __init__(self, wine: Wine, desktop: Desktop, site: Site, folder: Path) -> None:
        self.wine, self.desktop, self.site, self.folder = wine, desktop, site, folder
        self._empty = desktop.panel_strip()
        self.enrolled: dict[str, Any] = {}
        self.agent: Running | None = None
        self.seconds_to_icon = 0.0
        self.icon = 0, 0

    def nmr(self, *arguments: str) -> Running:
        """Run a command of this station's profile to its end."""
        return self.wine.run(*self._command(*arguments))

    def asked(self, *arguments: str) -> Any:
        """What a command with `--json` prints."""
        done = self.nmr(*arguments, "--json")
        assert done.process.returncode == 0, done.said
        return json.loads(done.said)

    def enrol(self) -> None:
        """Take an invite of the hub's, as a file, and use it."""
        with connect_to(self.site.profile("hub").hub_control_address) as hub:
            made = hub.request("hub.invite", person="anna", roles=["front-desk"], station="front")
        invite = self.folder / "front.invite.json"
        invite.write_text(json.dumps(made["invite"]))
        self.enrolled = self.asked("enrol", self.wine.path(invite))

    def start(self) -> None:
        """Start the agent; returns when its icon is on the panel and it is connected."""
        began = time.monotonic()
        self.agent = self._start()
        until(lambda: "started" in self.log, "the agent's first words", SLOW)
        self.icon = asyncio.run(find_icon(self.desktop, self._empty))
        self.seconds_to_icon = time.monotonic() - began
        until(lambda: 'name="mqtt" state="up"' in self.log, "the connection of the agent", SLOW)

    @property
    def log(self) -> str:
        """What the agent wrote into its log."""
        file = self.folder / "profile" / "log" / "agent.log"
        return file.read_text(encoding="utf-8") if file.exists() else ""

    def press_first_entry(self) -> Box:
        """Right click on the icon, then click the first entry of the menu; returns the menu's box."""
        self.desktop.click(*self.icon, button=3)
        menu = self._menu(lambda box: box[3] - box[1] > TALL)
        self._press_first_of(menu, "wine-menu")
        return menu

    def press_first_answer(self) -> None:
        """Press the first answer to the page that waits longest: the first of the first entry's own menu."""
        left, top, right, _ = self.press_first_entry()
        beside = self._menu(
            lambda box: abs(box[1] - top) < NEAR and (abs(box[2] - left) < NEAR or box[0] > right - NEAR)
        )
        self._press_first_of(beside, "wine-answers")

    def _menu(self, is_it: Callable[[Box], bool]) -> Box:
        found: list[Box] = []

        def look() -> list[Box]:
            found[:] = [box for box in unmanaged(self.desktop) if is_it(box)]
            return found

        until(look, "a menu")
        return found[0]

    def _press_first_of(self, menu: Box, name: str) -> None:
        self.desktop.screenshot(name)
        self.desktop.click((menu[0] + menu[2]) // 2, menu[1] + FIRST_ROW)

    def _start(self) -> Running:
        return self.wine.start(*self._command("run"))

    def icon_is_gone(self) -> bool:
        """Whether the panel is as empty as at first."""
        return self.desktop.panel_strip().tobytes() == self._empty.tobytes()

    def _command(self, *arguments: str) -> list[str]:
        return ["-m", "agent", "--profile", self.wine.path(self.folder / "profile"), *arguments]
