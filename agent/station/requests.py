"""What commands and windows ask of the running agent, turned into events; the wire is described in system/control."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from agent.domain.audience import Audience
from agent.domain.errors import BadInput
from agent.domain.events import (
    AnswerGiven,
    Event,
    OrderChanged,
    OrderDropped,
    PageAsked,
    QuietAsked,
    ResolveAsked,
    WithdrawAsked,
)
from agent.domain.order import DONE
from agent.domain.task import TaskEvent
from agent.station.request_fields import Line, choice, fields_of, flag, needed, text
from agent.system.log import event

if TYPE_CHECKING:
    from agent.station.tasks.room import TaskRoom

log = logging.getLogger(__name__)

Say = Callable[[Line | Callable[[], Line]], None]
LOG_AFTER_S = 0.01
ANSWERS = ("accepted", "declined", "later")
WINDOWS = ("orders", "new-order", "status", "pages", "settings")
KINDS = ("order", "item")


class Station(Protocol):
    """What requests need of the agent."""

    @property
    def tasks(self) -> "TaskRoom":
        """Where tasks are."""

    def handle(self, event: Event | TaskEvent) -> None:
        """Tell the core."""

    def status(self) -> Line:
        """The Status."""

    def state(self) -> Line:
        """The State."""

    def page(self, page_id: str) -> Line | None:
        """One Page, sent or received."""

    async def open_window(self, window: str) -> None:
        """Show the window."""

    async def ping(self, station: str, ask: Callable[[Callable[[int], Event]], Awaitable[object]]) -> Line:
        """Measure the direct way to a station; `ask` tells the core an event with a ticket and waits for its Reply."""

    async def set_setting(self, key: str, value: object) -> Line:
        """Write a setting into the user's file and use it."""

    def reload(self) -> None:
        """Look at the settings now."""

    async def retry(self) -> None:
        """Ask the hub again at once, perhaps as another station."""

    def quit(self) -> None:
        """End."""


class Requests:
    """Answers requests; a ticket leads the core's Reply back to whoever asked."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._tickets: dict[int, asyncio.Future[Mapping[str, object]]] = {}
        self._last = 0
        self._watchers: set[Callable[[], None]] = set()
        self._windows: set[Say] = set()
        self._commands: dict[str, Callable[[Line, Say], Awaitable[object]]] = {
            "status": self._status,
            "watch": self._watch,
            "orders": self._orders,
            "page": self._page,
            "answer": self._answer,
            "withdraw": self._withdraw,
            "order.add": self._order_add,
            "order.edit": self._order_edit,
            "order.done": self._order_done,
            "order.delete": self._order_delete,
            "dnd": self._quiet,
            "open": self._open,
            "p2p.ping": self._ping,
            "members": self._members,
            "ledger.resolve": self._resolve,
            "settings.set": self._set_setting,
            "settings.reload": self._reload,
            "retry": self._retry,
            "quit": self._quit,
        }

    async def answer(self, do: str, with_: Line, say: Say) -> object:
        """Do what was asked; raises NmrError."""
        command = self._commands.get(do) or self._task_command(do)
        if command is None:
            raise BadInput("Unknown request", f"This agent does not know “{do}”; update whoever asked", code="unknown")
        return await command(with_, say)

    def _task_command(self, do: str) -> Callable[[Line, Say], Awaitable[object]] | None:
        """Return what answers `task.…`; loaded by whoever asks first."""
        if not do.startswith("task."):
            return None
        from agent.station.tasks.requests import TaskRequests

        return TaskRequests(self._station.tasks, self._ask, self._watchers).commands.get(do)

    def replied(self, ticket: int, result: Mapping[str, object], error: Exception | None) -> None:
        """The core's Reply."""
        future = self._tickets.pop(ticket, None)
        if future is None or future.done():
            return
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)

    def changed(self) -> None:
        """Something people see has changed."""
        for watcher in list(self._watchers):
            watcher()

    def show(self, window: str) -> None:
        """Raise the window that is open: it watches."""
        for say in list(self._windows):
            say({"event": "show", "window": window})

    async def _ask(self, make: Callable[[int], Event | TaskEvent]) -> Mapping[str, object]:
        self._last += 1
        ticket = self._last
        future: asyncio.Future[Mapping[str, object]] = asyncio.get_running_loop().create_future()
        self._tickets[ticket] = future
        try:
            self._station.handle(make(ticket))
            return await future
        finally:
            self._tickets.pop(ticket, None)

    async def _status(self, _: Line, __: Say) -> object:
        return self._station.status()

    async def _orders(self, _: Line, __: Say) -> object:
        return self._station.state()["orders"]

    async def _watch(self, _: Line, say: Say) -> object:
        """Say the state at once and after every change, until the asker hangs up."""

        def tell() -> None:
            say(lambda: {"event": "state", "state": self._station.state()})

        self._watchers.add(tell)
        self._windows.add(say)
        tell()
        try:
            return await asyncio.get_running_loop().create_future()
        finally:
            self._watchers.discard(tell)
            self._windows.discard(say)

    async def _page(self, with_: Line, say: Say) -> object:
        audience = Audience.from_wire(with_.get("to"))
        if audience is None:
            raise BadInput(
                "Whom?", 'Say who is paged, such as {"role": "kitchen"}', code="no-such-audience", field="to"
            )
        order, note = text(with_, "order"), text(with_, "note")
        urgent, wait, began = flag(with_, "urgent"), flag(with_, "wait"), time.time_ns()
        result = await self._ask(lambda ticket: PageAsked(audience, order or None, note, urgent, ticket))
        later = asyncio.get_running_loop().call_later  # writing a line would keep the network thread waiting
        later(LOG_AFTER_S, lambda: event(log, "page-asked", page=result["page"], ns=began))
        if wait:
            await self._follow(str(result["page"]), say)
        return result

    async def _follow(self, page_id: str, say: Say) -> None:
        """Say the page after every change until it is settled."""
        changed, last = asyncio.Event(), None
        self._watchers.add(changed.set)
        try:
            while True:
                changed.clear()
                page = self._station.page(page_id)
                if page is None:
                    return
                if page != last:
                    say({"event": "page", "page": page})
                last = page
                if page["settled"]:
                    return
                await changed.wait()
        finally:
            self._watchers.discard(changed.set)

    async def _answer(self, with_: Line, _: Say) -> object:
        page, answer = needed(with_, "page"), choice(with_, "answer", ANSWERS)
        return await self._ask(lambda ticket: AnswerGiven(page, answer, text(with_, "text"), ticket))

    async def _withdraw(self, with_: Line, _: Say) -> object:
        page = needed(with_, "page")
        return await self._ask(lambda ticket: WithdrawAsked(page, ticket))

    async def _order_add(self, with_: Line, _: Say) -> object:
        kind, fields = choice(with_, "kind", KINDS, "order"), fields_of(with_)
        return await self._ask(lambda ticket: OrderChanged("", kind, fields, create=True, ticket=ticket))  # type: ignore[arg-type]  # choice made sure

    async def _order_edit(self, with_: Line, _: Say) -> object:
        order, fields = needed(with_, "order"), fields_of(with_)
        return await self._ask(lambda ticket: OrderChanged(order, "order", fields, ticket=ticket))

    async def _order_done(self, with_: Line, _: Say) -> object:
        order = needed(with_, "order")
        return await self._ask(lambda ticket: OrderChanged(order, "order", {DONE: True}, ticket=ticket))

    async def _order_delete(self, with_: Line, _: Say) -> object:
        order = needed(with_, "order")
        return await self._ask(lambda ticket: OrderDropped(order, ticket))

    async def _quiet(self, with_: Line, _: Say) -> object:
        minutes = with_.get("minutes")
        if not isinstance(minutes, int) or isinstance(minutes, bool):
            raise BadInput("How long?", "Say a number of minutes, 0 to end it", field="minutes")
        return await self._ask(lambda ticket: QuietAsked(minutes, ticket))

    async def _open(self, with_: Line, _: Say) -> object:
        await self._station.open_window(choice(with_, "window", WINDOWS, "orders"))
        return {}

    async def _ping(self, with_: Line, _: Say) -> object:
        return await self._station.ping(needed(with_, "station"), self._ask)

    async def _members(self, _: Line, __: Say) -> object:
        state = self._station.state()
        return {"members": state["members"], "ledger": state["status"]["ledger"]}

    async def _resolve(self, _: Line, __: Say) -> object:
        return await self._ask(ResolveAsked)

    async def _set_setting(self, with_: Line, _: Say) -> object:
        return await self._station.set_setting(needed(with_, "key"), with_.get("value"))

    async def _reload(self, _: Line, __: Say) -> object:
        self._station.reload()
        return {}

    async def _retry(self, _: Line, __: Say) -> object:
        await self._station.retry()
        return {}

    async def _quit(self, _: Line, __: Say) -> object:
        asyncio.get_running_loop().call_later(0.05, self._station.quit)
        return {}
