"""Runs the effects that touch people and this computer; each one small, none may hurt a page."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from agent.domain import effects as do
from agent.domain.events import AnswerGiven, Event, Presented, Seen
from agent.domain.page import NOT_SHOWN, InPage
from agent.domain.task import PutQuestion
from agent.station.desk import Desk
from agent.station.notices import page_notice, question_notice, told
from agent.station.requests import Requests
from agent.station.surface import Surface
from agent.station.wakes import Wakes
from agent.system.clock import AnchoredClock
from agent.system.log import event as log_event
from agent.ui.notify.base import Shown
from agent.ui.sound.base import Tone
from agent.ui.texts import Texts

log = logging.getLogger(__name__)

SETTLE_S = 2.0
"""A desktop that does not answer must not keep the agent from ending."""


class Performer:
    """Bound to one app; `handle` tells the core what came of it, `door` runs what concerns the hub's proof."""

    def __init__(
        self,
        *,
        surface: Surface,
        requests: Requests,
        wakes: Wakes,
        clock: AnchoredClock,
        handle: Callable[[Event], None],
        page: Callable[[str], InPage | None],
        desk: Desk,
        texts: Callable[[], Texts],
        grew: Callable[[int, bytes], None],
        refresh: Callable[[], None],
        clock_set: Callable[[int], None],
        door: Mapping[type, Callable[[Any], None]],
    ) -> None:
        self._surface, self._handle, self._page, self._desk, self._texts = surface, handle, page, desk, texts
        self._clock_set = clock_set
        self._tasks: set[asyncio.Task[None]] = set()
        self._last: dict[str, asyncio.Task[None]] = {}
        self._run: dict[type, Callable[[Any], None]] = {
            do.Notify: self._notify,
            do.Unnotify: lambda e: self._in_turn(e.page, lambda: surface.notifier.close(e.page)),
            do.Tell: self._tell,
            PutQuestion: self._put_question,
            do.Sound: lambda e: self._aside(surface.sound(e.tone)),
            do.Hush: lambda _: self._aside(surface.hush()),
            do.Refresh: lambda _: refresh(),
            do.WakeAt: lambda e: wakes.at(e.mono),
            do.Reply: lambda e: requests.replied(e.ticket, e.result, e.error),
            do.Anchor: lambda e: self._anchor(clock.anchor(e.hub_ms, e.mono)),
            do.NotBefore: lambda e: clock.not_before(e.hub_ms),
            do.LedgerGrew: lambda e: grew(e.seq, e.head),
            do.Note: lambda e: log_event(log, e.event, logging.WARNING, **e.fields),
            **door,
        }

    def perform(self, effect: do.Effect) -> None:
        """Run one effect; the router has run its own already."""
        self._run[type(effect)](effect)

    def happened(self, key: str, action: str) -> None:
        """A person did something with a notice."""
        page = self._page(key)
        if page is None:
            return
        if action in ("accepted", "declined", "later"):
            self._handle(AnswerGiven(key, action))
        elif action in ("open", "dismissed"):
            self._handle(Seen(key))

    async def settle(self) -> None:
        """Wait a moment for what is under way."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=SETTLE_S)

    def _notify(self, effect: do.Notify) -> None:
        self._in_turn(effect.page, lambda: self._present(effect))

    async def _present(self, effect: do.Notify) -> None:
        page = self._page(effect.page)
        if page is None:
            return
        if not page.open:  # answered or withdrawn before it could be shown: that is all there was to do
            self._handle(Presented(page.id, ok=True, why="over"))
            return
        tone = (Tone.URGENT if page.urgent else Tone.PAGE) if effect.sound else None
        try:
            shown = await self._surface.present(page_notice(page, self._desk.person(page.sender), self._texts()), tone)
        except Exception as error:
            log.exception("a page could not be shown")
            shown = Shown(ok=False, by="", why=type(error).__name__)
        quiet = self._desk.quiet(time.monotonic())
        why = shown.why or ("" if effect.sound or effect.again else "dnd" if quiet else "muted")
        self._handle(Presented(page.id, ok=shown.ok, why=why if shown.ok else f"{NOT_SHOWN}: {why}"))

    def _anchor(self, shift_ms: int | None) -> None:
        if shift_ms is not None:
            self._clock_set(shift_ms)

    def _tell(self, effect: do.Tell) -> None:
        notice = told(effect.key, effect.text, effect.values, self._texts())
        self._in_turn(effect.key, lambda: self._surface.notifier.show(notice))

    def _put_question(self, asked: PutQuestion) -> None:
        notice = question_notice(asked, self._desk.person(asked.owner), self._texts())
        silent = self._desk.quiet(time.monotonic()) or not self._desk.habits.page_sound
        self._in_turn(asked.job, lambda: self._surface.present(notice, None if silent else Tone.PAGE))

    def _in_turn(self, key: str, deed: Callable[[], Awaitable[object]]) -> None:
        """Run deeds about one notice in the order they were decided: a closing never overtakes its showing."""
        before = self._last.get(key)

        async def run() -> None:
            if before is not None:
                await asyncio.wait([before])
            await deed()

        self._last[key] = task = self._spawn(run())
        task.add_done_callback(lambda done: self._last.pop(key, None) if self._last.get(key) is done else None)

    def _aside(self, deed: Coroutine[Any, Any, None]) -> None:
        self._spawn(deed)

    def _spawn(self, deed: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(deed)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("an effect failed", exc_info=error)
