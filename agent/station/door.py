"""Keeps the station's links, the gated one closed to messages until the hub has proven itself."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.domain import effects as do
from agent.domain.bundle import Bundle
from agent.domain.errors import NmrError
from agent.domain.events import ChannelOpen, Event, KeysRead, KeysSaved, LinkChanged
from agent.links.base import Delivery, GatedSession, HubUnproven, Link, LinkDown, Session, is_gated
from agent.links.keeper import LinkState, keep_up
from agent.system.beside import beside
from agent.system.log import event as log_event
from agent.system.psk_file import KeyUnusable, load_bundle, save_bundle

if TYPE_CHECKING:
    from agent.routing.router import Router

log = logging.getLogger(__name__)

Load = Callable[[], Bundle]
Save = Callable[[Bundle], None]


class Door:
    """One for each station; `handle` is told what happened. Used in the event loop only."""

    def __init__(
        self, *, router: Callable[[], "Router"], handle: Callable[[Event], None], load: Load, save: Save
    ) -> None:
        self._router, self._handle, self._load, self._save = router, handle, load, save
        self._again = asyncio.Event()
        self._session: GatedSession | None = None
        self._name = ""
        self._tasks: set[asyncio.Task[None]] = set()
        self._keys, self._channels = asyncio.Lock(), asyncio.Lock()
        self._known = b""  # the psk_id of the keys that this process read or wrote last
        self.deeds: dict[type, Callable[[Any], None]] = {
            do.ReadKeys: lambda _: self._spawn(self._read()),
            do.SaveKeys: lambda e: self._spawn(self._write(e.bundle)),
            do.Listen: lambda e: self._at_session(lambda session: self._listen(session, e.channel)),
            do.Unlisten: lambda e: self._at_session(lambda session: session.unlisten(e.channel)),
            do.OpenInbox: lambda _: self._at_session(self._open),
            do.Abort: lambda e: self._at_session(lambda session: self._leave(session, e.why, soon=e.soon)),
        }

    @classmethod
    def at(
        cls, folder: Path, site: str, station: str, router: Callable[[], "Router"], handle: Callable[[Event], None]
    ) -> "Door":
        """The door of a station whose keys are in this secrets folder."""
        return cls(
            router=router,
            handle=handle,
            load=lambda: load_bundle(folder, site, station),
            save=lambda bundle: save_bundle(folder, site, station, bundle),
        )

    async def keep(self, link: Link, arrived: Callable[[Delivery], None] | None = None) -> None:
        """Keep a link up until cancelled; what comes over it goes to `arrived`, or to the router."""
        gated, name = is_gated(link), link.name

        def opened(session: Session) -> None:
            if gated:
                self._name, self._session = name, session  # type: ignore[assignment]  # so are a gated link's sessions
                self._router().greeted(name, session)
            else:
                self._router().opened(name, session)

        def changed(now: LinkState) -> None:
            state = "proving" if gated and now.state == "up" else now.state
            if now.state != "up":
                self._session = None if gated else self._session
                self._router().closed(name)
            self._tell(state, now.why, name, gated=gated)

        again = self._again if gated else None
        await keep_up(link, opened=opened, arrived=arrived or self._router().arrived, changed=changed, again=again)

    def retry(self) -> None:
        """Something has changed, perhaps the keys: try the gated link again at once."""
        self._again.set()

    async def close(self) -> None:
        """End what is under way; keys that are being written are written whole or not at all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _tell(self, state: str, why: str, name: str, *, gated: bool) -> None:
        log_event(log, "link", name=name, state=state, why=why)
        self._handle(LinkChanged(name, state, why, gated=gated))

    async def _read(self) -> None:
        async with self._keys:
            self._handle(await beside(self._found))

    def _found(self) -> KeysRead:
        """What the disk holds; runs beside the loop."""
        try:
            found = self._load()
            self._known = found.psk_id
            return KeysRead(found)
        except KeyUnusable as error:
            fault = "backup-missing" if error.code == "key-backup-missing" else error.fault
            return KeysRead(None, fault, error.title, error.message)
        except (NmrError, OSError) as error:
            return KeysRead(None, "unreadable", type(error).__name__, str(error))

    async def _write(self, bundle: Bundle) -> None:
        async with self._keys:
            self._handle(await beside(lambda: self._written(bundle)))

    def _written(self, bundle: Bundle) -> KeysSaved:
        """Whether the disk took it; runs beside the loop."""
        try:
            if self._others_are_there():
                return KeysSaved(ok=False, why="Other keys were put there meanwhile")
            self._save(bundle)
        except (NmrError, OSError) as error:
            return KeysSaved(ok=False, why=str(error))
        self._known = bundle.psk_id
        return KeysSaved(ok=True)

    def _others_are_there(self) -> bool:
        """Whether somebody has fetched other keys with an invite: the hub may know no others by now."""
        try:
            return self._load().psk_id != self._known
        except (NmrError, OSError):
            return False  # what cannot be used is nothing to lose

    def _at_session(self, deed: Callable[[GatedSession], Coroutine[Any, Any, None]]) -> None:
        """Do something with the session of this moment, if there is one, behind all that was decided before."""
        if self._session is not None:
            self._spawn(self._in_turn(self._session, deed))

    async def _in_turn(self, session: GatedSession, deed: Callable[[GatedSession], Coroutine[Any, Any, None]]) -> None:
        async with self._channels:
            try:
                await deed(session)
            except LinkDown as error:
                log.info("the session ended: %s", error)  # and the keeper sees it

    async def _listen(self, session: GatedSession, channel: str) -> None:
        await session.listen(channel)
        if session is self._session:
            self._handle(ChannelOpen(channel))

    async def _open(self, session: GatedSession) -> None:
        await session.open_inbox()
        if session is self._session:  # nothing is taken from it before the loop turns again
            self._router().opened(self._name, session)
            self._tell("up", "", self._name, gated=True)

    async def _leave(self, session: GatedSession, why: str, *, soon: bool) -> None:
        """End the session when what was said last is out."""
        await self._router().drain()
        if soon:
            self._again.set()
        session.abort(LinkDown(why) if soon else HubUnproven(why))

    def _spawn(self, deed: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(deed)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("the hub's proof met a mistake in this program", exc_info=error)
