"""A real agent in this process, with a surface that records instead of showing."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from agent.domain.page import OutPage
from agent.links.base import Link
from agent.routing import rows
from agent.routing.router import Router
from agent.station.app import App
from agent.station.surface import Surface
from agent.system.config.load import load
from agent.system.paths import Profile
from agent.system.store import Store
from agent.ui.notify.base import Happened, Notice, Shown
from agent.ui.sound.base import Played, Tone
from agent.ui.view import TrayView
from tests.walks.members import Members


class Recorded:
    """Tray, notifier and player in one: everything goes into `events`, nothing is seen."""

    name = "recorded"
    registered = True

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.notices: dict[str, Notice] = {}
        self.view: TrayView | None = None
        self.fails = ""

    async def start(self, _: Happened | Callable[[object], None]) -> None:
        return None

    async def stop(self) -> None:
        return None

    async def close(self, key: str) -> None:
        self.notices.pop(key, None)
        self.events.append(("close", key))

    async def play(self, tone: Tone) -> Played:
        self.events.append(("play", tone))
        return Played(ok=not self.fails, by=self.name, why=self.fails)

    def rung(self, key: str) -> int:
        """How often a page was shown."""
        return self.events.count(("show", key))


class Showing(Recorded):
    """The tray half and the notifier half differ only in what `show` gets."""

    async def show(self, notice: Notice) -> Shown:
        self.events.append(("show", notice.key))
        self.notices[notice.key] = notice
        return Shown(ok=not self.fails, by=self.name, why=self.fails)


class Drawing(Recorded):
    """A tray that keeps the newest view."""

    def show(self, view: TrayView) -> None:
        self.view = view


class Desk:
    """One agent with its folder; can be stopped and started again on the same store."""

    def __init__(self, folder: Path, members: Members, station: str, config: str = "") -> None:
        self.station, self._members = station, members
        self.profile = Profile.at(folder / station)
        self.profile.create()
        self.profile.config_file.write_text(config)
        self.notifier, self.tray = Showing(), Drawing()
        self.app: App

    @asynccontextmanager
    async def running(self, *links: Link, make_router: Callable[..., Router] = Router) -> AsyncIterator["Desk"]:
        """Run the agent over these links."""
        self._fill_ledger()
        surface = Surface(self.tray, self.notifier, self.notifier)
        credentials = self._members.credentials(self.station)
        self.app = App(self.profile, load(self.profile), credentials, surface, make_router)
        running = asyncio.create_task(self.app.run(list(links)))
        try:
            yield self
        finally:
            self.app.quit()
            await running

    def _fill_ledger(self) -> None:
        """Give the store the whole ledger, as a sync with the hub would."""
        store = Store.open(self.profile.data_file, rows.MIGRATIONS)

        async def fill() -> None:
            for number, frame in enumerate(self._members.frames[1:], 2):  # the genesis comes with the credentials
                await store.write(partial(rows.keep, kind="ledger", id_=f"{number:012d}", body=frame))

        loop = asyncio.new_event_loop()
        try:
            _in_thread(lambda: loop.run_until_complete(fill()))
        finally:
            store.close()
            loop.close()

    async def page(self, role: str, note: str = "") -> OutPage:
        """Page a role; returns once it is committed."""
        asked = await self.app.requests.answer("page", {"to": {"role": role}, "note": note}, lambda _: None)
        assert isinstance(asked, dict)
        return self.app.core.paging.pages[asked["page"]]


def _in_thread(work: Callable[[], None]) -> None:
    from threading import Thread

    thread = Thread(target=work)
    thread.start()
    thread.join()


async def until(condition: Callable[[], object], what: str, within: float = 30.0) -> None:
    """Wait for a condition in this loop; raises TimeoutError naming it."""
    try:
        async with asyncio.timeout(within):
            while not condition():
                await asyncio.sleep(0.005)
    except TimeoutError as error:
        raise TimeoutError(f"{what}: not within {within} s") from error
