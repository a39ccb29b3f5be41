"""A desktop with a whole site on it: a hub and stations as processes, used by pixels and by keys."""

import re
import tempfile
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from PIL import Image

from agent.demo.site import Site
from tests.desktop.overheard import Asked, Overheard
from tests.desktop.tray import PATIENCE, TrayArea, runs
from tests.servers.desktop import Desktop
from tests.servers.popups import popups
from tests.servers.programs import until
from tests.servers.sight import Box

WINDOW = "^No More Running$"
PAGE_BUTTONS = 3
NARROWEST_BUTTON = 40
"""Pixels."""


class Workplace:
    """One desktop, one site; `desktop`, `site`, `bus` and `tray` are there to be used directly."""

    def __init__(self, theme: Literal["dark", "light"] = "dark") -> None:
        self._closing = ExitStack()
        self.desktop = Desktop(notify="xfce", theme=theme)

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._closing.close()

    def _open(self) -> None:
        enter = self._closing.enter_context
        enter(self.desktop)
        self.bus = enter(Overheard(self.desktop.env["DBUS_SESSION_BUS_ADDRESS"]))
        self._folder = Path(enter(tempfile.TemporaryDirectory(prefix="nmr-site.", ignore_cleanup_errors=True)))
        self.site = Site(self._folder)
        self._closing.callback(self.site.stop)
        self.sink = enter(self.desktop.record())
        self.tray = TrayArea(self.desktop, self.bus)
        self.site.start_hub()

    def join(self, station: str, person: str, role: str, config: str = "") -> None:
        """Enrol a station and start its agent on this desktop; returns when its icon is drawn and it may page."""
        self.site.enrol(station, person, role)
        profile = self.site.profile(station)
        profile.config_file.parent.mkdir(parents=True, exist_ok=True)
        profile.config_file.write_text(config)
        self.start(station)

    def start(self, station: str) -> None:
        """Start a station that has joined before."""
        before = len(self.tray.icons())
        self.site.start_station(station, self.desktop.env)
        until(lambda: len(self.tray.icons()) == before + 1, f"icon of {station}", PATIENCE)
        until(lambda: self.state(station)["status"]["can"]["page"], f"orders at {station}", PATIENCE)
        self.tray.meet()

    def logs(self) -> dict[str, str]:
        """What each agent has written so far, by station."""
        files = self._folder.glob("*/log/agent.log")
        return {file.parent.parent.name: file.read_text(encoding="utf-8") for file in files}

    # ---- speaking to an agent ----
    def ask(self, station: str, do: str, **with_: Any) -> Any:
        """Ask an agent over its control socket."""
        with self.site.talk(station) as line:
            return line.request(do, **with_)

    def state(self, station: str) -> dict[str, Any]:
        """Everything a station's window shows."""
        with self.site.talk(station) as line:
            return next(iter(line.watch()))

    def order(self, title: str) -> str:
        """Make an order at anna's, if there is none of that title; returns its id when ben has it too."""
        known = {one["title"]: str(one["id"]) for one in self.state("kitchen")["orders"]}
        if title in known:
            return known[title]
        made = str(self.ask("front", "order.add", fields={"title": title})["order"])
        until(lambda: made in [one["id"] for one in self.state("kitchen")["orders"]], f"{title} at ben's", PATIENCE)
        return made

    def page(self, station: str, title: str) -> dict[str, Any]:
        """The newest page about the order of this title as that station has it, or one without state."""
        found = (page for page in self.state(station)["pages"] if page["order_title"] == title)
        return next(found, {"state": "", "targets": []})

    def reaches(self, station: str, title: str, state: str) -> None:
        """Return when a station has the page about that order in a state."""
        until(lambda: self.page(station, title)["state"] == state, f"{title} {state} at {station}", PATIENCE)

    # ---- the tray ----
    def lines(self, station: str) -> list[str]:
        """The words of a station's menu, without submenus."""
        return [line.text for line in self.bus.menu(self.site.pid(station)).children if line.text]

    def says(self, station: str, pattern: str, seconds: float = PATIENCE) -> None:
        """Return when a line of a station's menu has this pattern."""

        def found() -> bool:
            return any(re.fullmatch(pattern, line) for line in self.lines(station))

        until(found, f"{pattern} in the menu of {station}", seconds)

    def choose(self, station: str, *labels: str, shot: str = "") -> None:
        """Open a station's menu and click along the labels, by pixels; keeps a picture before the last click."""
        self.tray.choose(self.site.pid(station), labels, lambda: self.shot(shot) if shot else None)

    # ---- notices, windows, sound ----
    def asked(self, station: str, title: str) -> Asked:
        """What a station asked the notification daemon to show under that title, as soon as it did."""

        def found() -> list[Asked]:
            pid = self.site.pid(station)
            return [notice for notice in list(self.bus.notices) if (notice.pid, notice.title) == (pid, title)]

        until(found, f"the notice “{title}”", PATIENCE)
        return found()[-1]

    def pages_shown(self, count: int = 1) -> list[Box]:
        """The boxes of all notices of pages on the screen, once there are so many and they stand still.

        With xfce4-notifyd a page is the notice that has three buttons; others come and go as they like.
        """
        until(lambda: len(self._pages_shown()) == count, f"{count} pages on the screen", PATIENCE)
        self.still()
        return self._pages_shown()

    def press(self, box: Box, place: int) -> None:
        """Press a button of a notice."""
        self.desktop.click(self._buttons(box)[place], box[3] - 30)

    def _pages_shown(self) -> list[Box]:
        return [box for box in popups(self.desktop, "NOTIFICATION") if len(self._buttons(box)) == PAGE_BUTTONS]

    def _buttons(self, box: Box) -> list[int]:
        """Where the buttons of a notice are, from left to right: xfce4-notifyd draws them along its lower edge."""
        left, _, right, bottom = box
        row = self.desktop.pixels().convert("RGB").crop((left + 4, bottom - 42, right - 4, bottom - 41))
        drawn = runs([row.getpixel((x, 0)) != row.getpixel((0, 0)) for x in range(row.width)])
        return [left + 4 + (start + end) // 2 for start, end in drawn if end - start > NARROWEST_BUTTON]

    def use_notifier(self, which: str | None) -> None:
        """End the notification daemon that runs; start another one, or none."""
        self.desktop.stop_notify()
        if which is not None:
            self.desktop.start_notify("dunst" if which == "dunst" else "xfce")

    def window(self) -> Box | None:
        """The box of the window that is open, if one is."""
        return self.desktop.window_box(WINDOW)

    def close_windows(self) -> None:
        """Close every window that is open, by its keys."""
        while (number := self.desktop.find_window(WINDOW)) is not None:
            if box := self.window():
                self.desktop.click(box[0] + 20, box[3] - 200)

            def closed(one: int = number) -> bool:
                return self.desktop.find_window(WINDOW) != one

            self.desktop.press_key("ctrl+w", closed, "the end of the window")

    def colours(self, box: Box) -> dict[tuple[int, int, int], int]:
        """How many pixels of each colour there are in a box of the screen."""
        found = self.desktop.pixels().convert("RGB").crop(box).getcolors(1 << 20) or []
        return {colour: count for count, colour in found if isinstance(colour, tuple) and len(colour) == 3}

    def still(self) -> None:
        """Return when two looks at the screen were alike; ages in a window move only every few seconds."""
        seen: list[bytes] = []

        def alike() -> bool:
            seen.append(self.desktop.pixels().tobytes())
            return len(seen) > 1 and seen[-1] == seen[-2]

        until(alike, "a screen that stands still", PATIENCE)

    def silent(self, seconds: float) -> None:
        """Return when nothing was to be heard for so long."""
        heard = self.sink.from_here()
        marks = [0.0, 0.0]  # loud so far, and when it became more

        def quiet() -> bool:
            if (loud := heard.loud_seconds()) > marks[0]:
                marks[:] = loud, heard.seconds
            return heard.seconds - marks[1] >= seconds

        until(quiet, f"{seconds:g} s of silence", PATIENCE + seconds)

    def calm(self, *stations: str) -> None:
        """Answer what is open and clear the screen of notices, so that the next test begins with nothing to see."""
        self.tray.away()
        for station in stations:
            for page in self.state(station)["pages"]:
                if not page["settled"] and not page["out"]:
                    self.ask(station, "answer", page=page["id"], answer="declined")
            until(lambda: self.state(station)["status"]["unanswered"] == 0, f"nothing open at {station}", PATIENCE)  # noqa: B023 - waited for here
        self.use_notifier("xfce")  # its notices go with it, and no page is open that it would show again
        self.silent(0.3)

    def picture(self) -> Image.Image:
        """The screen as soon as it stands still."""
        self.still()
        return self.desktop.pixels()

    def shot(self, name: str) -> Path:
        """Keep the screen for people to look at."""
        self.still()
        return self.desktop.screenshot(f"walk-{name}")
