"""The station's composition root: puts the parts together and keeps them running."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from agent.domain.effects import ExpectMail, UseServers
from agent.domain.errors import NmrError, Unavailable
from agent.domain.events import Arrived, Event, Woke
from agent.domain.keys import from_b64u
from agent.domain.task import TaskEvent
from agent.links.base import Link
from agent.routing import rows
from agent.routing.admission import Admission
from agent.routing.bucket import Buckets
from agent.routing.router import Router
from agent.station.door import Door
from agent.station.drawing import Drawing
from agent.station.further_links import mail_arrivals, make_direct, make_mail
from agent.station.ledger.giving_back import deeds
from agent.station.loading import load_core
from agent.station.performer import Performer
from agent.station.picture import habits_of, language_of, take_picture
from agent.station.requests import Requests
from agent.station.staff_settings import staff_settings
from agent.station.surface import Surface
from agent.station.tasks.room import TaskRoom
from agent.station.wakes import Wakes
from agent.station.window import WindowChild
from agent.system.beside import beside
from agent.system.clock import AnchoredClock
from agent.system.config.load import ConfigurationProblems, Loaded, reload_if_changed
from agent.system.config.schema import Config
from agent.system.credentials import Credentials, load_credentials
from agent.system.ids import new_id
from agent.system.log import event
from agent.system.memory import give_back
from agent.system.paths import Profile
from agent.system.pin import Pin, save_pin
from agent.system.store import Store
from agent.system.wrapping_key import storage_of
from agent.ui.menu import tray_view
from agent.ui.report import received, sent, state, status
from agent.ui.snapshot import Snapshot
from agent.ui.texts import Texts
from agent.ui.view import OpenWindow, Quit
from agent.wire.keys import Identity

if TYPE_CHECKING:
    from agent.station.direct import Ask, Direct

log = logging.getLogger(__name__)

CONFIG_S = 30.0
STARTED_S = 3.0
"""By then everything is loaded that an idle agent needs, seconds."""
TIDY_S = 3600.0
ANSWER_S = 0.05
"""So long whoever asked for the end has for hearing that it comes, seconds."""


class App:
    """One running station; everything in it happens in one event loop."""

    def __init__(
        self,
        profile: Profile,
        loaded: Loaded[Config],
        credentials: Credentials,
        surface: Surface,
        make_router: Callable[..., Router] = Router,
    ) -> None:
        self._profile, self._loaded, self._config, self._surface = profile, loaded, loaded.config, surface
        self._clock, self._ended, self._notices = AnchoredClock(), asyncio.Event(), dict[str, str]()
        self._texts = Texts.of(language_of(self._config))
        self._credentials, self.enrolled_anew = credentials, False
        self._store = Store.open(profile.data_file, rows.MIGRATIONS)
        self._storage = storage_of(profile.secrets_folder)
        me = Identity.of(
            credentials.site,
            credentials.station,
            from_b64u(credentials.sign_key),
            from_b64u(credentials.receive_key),
        )
        self.core = core = load_core(profile, self._store, credentials, self._config, self._clock.now(), me.kid)
        self.tasks = TaskRoom(
            me,
            self._config,
            profile.control_address,
            self._store,
            core.reach,
            ledger=lambda: core.desk.ledger,
            tell=self.handle,
            show=lambda effect: self._performer.perform(effect),  # noqa: PLW0108 - it is made below
            now=self._clock.now,
        )
        limits = self._config.limits
        admission = Admission(me, Buckets(limits.peer_rate, limits.peer_burst))
        self._window = WindowChild(profile.control_address)
        self.requests, self.drawing = Requests(self), Drawing(self._draw)
        self._wakes = Wakes(time.monotonic, lambda: self.handle(Woke()))
        self._door = Door.at(
            profile.secrets_folder, credentials.site, credentials.station, lambda: self.router, self.handle
        )
        self._performer = Performer(
            surface=surface,
            requests=self.requests,
            wakes=self._wakes,
            clock=self._clock,
            handle=self.handle,
            page=self.core.ringing.pages.get,
            desk=self.core.desk,
            texts=lambda: self._texts,
            grew=self._ledger_grew,
            refresh=self.drawing.soon,
            clock_set=lambda shift_ms: self.router.clock_set(shift_ms),  # noqa: PLW0108 - it is made below
            door={
                **self._door.deeds,
                **self.tasks.deeds,
                UseServers: self._use,
                ExpectMail: self._expect,
                **deeds(self._store, lambda effects: self.router.run(effects)),  # noqa: PLW0108 - it is made below
            },
        )
        self.router = make_router(
            me=me,
            store=self._store,
            admission=admission,
            ledger=lambda: self.core.desk.ledger,
            now=self._clock.now,
            new_id=new_id,
            handle=self.handle,
            perform=self._performer.perform,
        )
        self._direct = self._make_direct(me, admission) if self._config.link.p2p.enabled else None
        self._mail = make_mail(
            self._config.link.mail, me, profile, credentials, lambda: self.router, lambda: core.desk.ledger, self.handle
        )

    def _make_direct(self, me: Identity, admission: Admission) -> "Direct":
        return make_direct(
            self._credentials,
            self._config.link.p2p,
            me,
            admission,
            router=lambda: self.router,
            handle=self.handle,
            ledger=lambda: self.core.desk.ledger,
            now=self._clock.now,
            warm=self.core.paging.often,
        )

    async def run(self, links: list[Link]) -> None:
        """Run until `quit`; the surface is started already."""
        if self._store.set_aside is not None:
            self._notices["store"] = self._texts("notice.store-damaged", path=self._store.set_aside.name)
        self._tell_mistakes()
        self.router.run([*self.core.start(self._clock.now()), *self.tasks.start()])
        self.router.start()
        keepers = [asyncio.create_task(self._door.keep(link), name=f"keep {link.name}") for link in links]
        if self._mail is not None:
            arrived = mail_arrivals(self.router.arrived, self._profile)
            keepers.append(asyncio.create_task(self._door.keep(self._mail, arrived), name="keep mail"))
        if self._direct is not None:
            keepers.append(asyncio.create_task(self._direct.keep(), name="direct ways"))
        ticking = asyncio.create_task(self._tick(), name="configuration")
        try:
            await self._ended.wait()
        finally:
            await self._end([ticking, *keepers])

    async def _end(self, tasks: list[asyncio.Task[None]]) -> None:
        """Say good-bye, commit everything, leave nothing behind."""
        self.router.run([*self.core.reach.leaving(), *self.core.membership.last_seen.keep(), *self.tasks.leave()])
        await self.router.drain(for_good=True)
        self.router.stop()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._door.close()
        self._wakes.stop()
        await self._window.close()
        await asyncio.gather(self._performer.settle(), self.tasks.settle())
        self._store.close()

    def handle(self, event: Event | TaskEvent) -> None:
        """Tell the core and run what it decides. A defect there never stops the agent, nor loops on one message."""
        arrived = event.envelope.id if isinstance(event, Arrived) and rows.is_stored(event.envelope.type) else None
        try:
            ours = [] if isinstance(event, TaskEvent) else self.core.handle(event, self._clock.now())
            effects = [*ours, *self.tasks.handle(event)]
        except Exception:
            log.exception("the core failed on %s", type(event).__name__)
            effects, ticket = [], getattr(event, "ticket", None)
            if ticket is not None:
                self.requests.replied(
                    ticket, {}, NmrError("That did not work", "See the log, and tell IT", code="internal")
                )
        self.router.run(effects, arrived)

    def snapshot(self) -> Snapshot:
        """What the views are computed from, now."""
        notices = list(self._notices.values())
        now, asked = self._clock.now(), self.tasks.questions()
        return take_picture(self.core, self._config, self._surface, notices, self._storage, now, asked)

    def status(self) -> dict[str, Any]:
        """The control socket's Status."""
        peers = self._direct.peers() if self._direct is not None else []
        more = {"peers": peers, "refused": self.router.refused, "open_rows": self.router.open_rows}
        return {**status(self.snapshot()), **more}

    def state(self) -> dict[str, Any]:
        """The control socket's State."""
        more = {"status": self.status(), "settings": staff_settings(self._loaded)}
        return {**state(self.snapshot(), self._texts), **more}

    def page(self, page_id: str) -> dict[str, Any] | None:
        """The control socket's Page."""
        mine, theirs = self.core.paging.pages.get(page_id), self.core.ringing.pages.get(page_id)
        if mine is not None:
            return sent(mine, self.snapshot(), self._texts)
        return received(theirs, self.snapshot(), self._texts) if theirs is not None else None

    def clicked(self, intent: object) -> None:
        """A menu entry was clicked: windows and quitting are ours, everything else is an event for the core."""
        match intent:
            case None:
                return
            case OpenWindow(window):
                self._opening = asyncio.ensure_future(self.open_window(window))
            case Quit():
                self.quit()
            case _:
                self.handle(intent)  # type: ignore[arg-type]  # the menu holds nothing but these

    def happened(self, key: str, action: str) -> None:
        """A person did something with a notice; a click on it shows the pages."""
        if (answered := self.tasks.pressed(key, action)) is not None:
            self.handle(answered)
            return
        if action == "open":
            self.clicked(OpenWindow("pages"))
        self._performer.happened(key, action)

    async def open_window(self, window: str) -> None:
        """Open the window, or raise the one that is open."""
        if self._window.open:
            self.requests.show(window)
        else:
            await self._window.show(window)

    async def retry(self) -> None:
        """Something has changed: ask the hub again at once, or begin anew where this is another station by now."""
        folder = self._profile.secrets_folder
        found = await beside(lambda: load_credentials(folder))
        if found is None or found == self._credentials:
            self._door.retry()
            if self._direct is not None:
                self._direct.retry()
            return
        self.enrolled_anew = True
        asyncio.get_running_loop().call_later(ANSWER_S, self.quit)

    async def set_setting(self, key: str, value: object) -> dict[str, Any]:
        """Write a setting into the user's file and use it; raises NmrError."""
        from agent.system.config.change import change

        file, loaded = self._profile.config_file, self._loaded
        note = await beside(lambda: change(file, loaded, key, value))
        self.reload()
        return {"note": note}

    async def ping(self, station: str, ask: "Ask") -> dict[str, Any]:
        """Measure the direct way to a station, which is opened if need be; raises NmrError."""
        if self._direct is None:
            raise Unavailable("Peer-to-peer is off", "Switch it on with link.p2p.enabled = true", code="p2p-off")
        return await self._direct.ping(station, ask)

    def quit(self) -> None:
        """End."""
        self._ended.set()

    def _draw(self) -> None:
        """Draw the tray and tell the watchers."""
        self._surface.show(tray_view(self.snapshot(), self._texts))
        self.requests.changed()

    def _ledger_grew(self, seq: int, head: bytes) -> None:
        """Whoever is no member any more gets nothing more from us; pin the new head, which a full disk may refuse."""
        self.router.revoked()
        self.router.run(self.tasks.ledger_grew())
        if self._direct is not None:
            self._direct.ledger_grew()
        if self._mail is not None:
            self._mail.look()
        save_pin(self._profile.secrets_folder, Pin(seq, head))

    def _expect(self, effect: ExpectMail) -> None:
        if self._mail is not None:
            self._mail.expect(effect.seconds)

    def _use(self, effect: UseServers) -> None:
        if self._direct is not None:
            self._direct.use(effect.ice)

    async def _tick(self) -> None:
        """Look at the configuration every 30 seconds (N-10) and tidy the store every hour."""
        await asyncio.sleep(STARTED_S)
        give_back()
        tidied = time.monotonic()
        while True:
            await asyncio.sleep(CONFIG_S)
            self.reload()
            if self._direct is not None:
                self._direct.rewarm()
            now = self._clock.now()
            if now.sure_ms and now.mono - tidied >= TIDY_S:  # a clock that is wrong would forget what it must not
                tidied = now.mono
                self._store.submit(lambda db, now_ms=now.sure_ms: rows.forget_old(db, now_ms))  # type: ignore[misc]
                self.router.run(self.core.ordering.forget_old(now))

    def reload(self) -> None:
        """Take changed settings; where they have mistakes these are told, and what was running stays."""
        found = reload_if_changed(self._loaded, self._profile)
        if found is not None:
            self._loaded, self._config = found, found.config
            self._texts = Texts.of(language_of(self._config))
            self.core.desk.habits = habits_of(self._config)
            self._tell_mistakes()
        self.drawing.soon()

    def _tell_mistakes(self) -> None:
        """Show what is wrong with the settings, and log where; the log holds no values."""
        self._notices.pop("config", None)
        if mistakes := self._loaded.mistakes:
            reason = ConfigurationProblems(mistakes).message
            self._notices["config"] = self._texts("notice.config-invalid", reason=reason)
        for each in (*mistakes, *self._loaded.warnings):
            event(log, "setting-ignored", logging.WARNING, at=str(each.file), line=each.line, key=each.key)
