"""Notices over D-Bus: shown with buttons, changed in place, closed, and their buttons heard."""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from dbus_fast import Variant
from dbus_fast.aio import MessageBus

from agent.ui.notify.base import Happened, Notice, Shown, Urgency
from agent.ui.notify.daemon import TIMEOUT, Daemon, NoAnswer
from agent.ui.notify.plain import escaped, lines, one_line
from agent.ui.reason import reason

DESKTOP_ENTRY = "no-more-running"
"""Our .desktop file; desktops take icon and settings from it."""
_BODY_CLICK = "default"
_EXPIRED, _DISMISSED = 1, 2
_READS_MARKUP = frozenset({"body-markup", "body-hyperlinks", "body-images"})
"""Capabilities of daemons that parse the body; dunst 1.9 does and, left at its defaults, only owns up to hyperlinks."""
_log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Open:
    """A notice on the screen, or on its way there (`number` is 0)."""

    notice: Notice
    number: int = 0
    pressed: bool = False
    asked: int = 0
    """Calls of `show` under way."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)  # changes of one notice keep their order


class DbusNotifier:
    """Shows notices through the desktop's own daemon. Without a bus it says so and shows nothing.

    A daemon that dies takes its notices with it; critical ones are shown again as soon as another one comes.

    Args:
        bus: the session bus; None where there was none.
        reconnect: gives a new one when the old one is lost.
        timeout: seconds the daemon has for each answer.
    """

    name = "dbus"

    def __init__(
        self,
        bus: MessageBus | None,
        *,
        reconnect: Callable[[], Awaitable[MessageBus | None]] | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self._reconnect, self._timeout = reconnect, timeout
        self._daemon = self._behind(bus) if bus else None
        self._happened: Happened = _nobody
        self._open: dict[str, _Open] = {}
        self._keys: dict[int, str] = {}
        self._sending = 0
        self._early: list[tuple[str, int, str | int]] = []  # signals that overtook the reply with the id
        self._again: set[asyncio.Task[Shown]] = set()

    async def start(self, happened: Happened) -> None:
        """Begin to listen for what people do with notices."""
        self._happened = happened
        if self._daemon:
            await self._watch(self._daemon)

    async def show(self, notice: Notice) -> Shown:
        """Show or change a notice; returns when the daemon took it."""
        one = self._open.setdefault(notice.key, _Open(notice))
        one.asked += 1
        try:
            async with one.turn:
                await self._notify(await self._reached(), one, notice)
        except Exception as error:  # noqa: BLE001 - a notifier never raises
            return Shown(ok=False, by=self.name, why=reason(error))
        finally:
            one.asked -= 1
            if not one.asked and not one.number:
                self._forget(notice.key, one)
        return Shown(ok=True, by=self.name)

    async def close(self, key: str) -> None:
        """Take the notice away, if it is still there."""
        if (one := self._open.get(key)) is None or self._daemon is None:
            return
        async with one.turn:
            number = self._forget(key, one)
        if number:
            with contextlib.suppress(NoAnswer):  # then there is nothing left to close
                await self._daemon.close(number)

    async def stop(self) -> None:
        """Close all own notices and let go of the bus, which belongs to others too."""
        for task in self._again:
            task.cancel()
        await asyncio.gather(*(self.close(key) for key in list(self._open)))
        self._happened = _nobody
        if self._daemon:
            with contextlib.suppress(NoAnswer):
                await self._daemon.unwatch()

    def _behind(self, bus: MessageBus) -> Daemon:
        return Daemon(bus, self._signalled, self._changed, self._timeout)

    async def _watch(self, daemon: Daemon) -> None:
        try:
            await daemon.watch()
        except Exception as error:  # noqa: BLE001 - a notifier never raises; `show` says why it cannot
            _log.warning("cannot hear what people do with notices: %s", reason(error))

    async def _reached(self) -> Daemon:
        """The daemon, over a new connection if the old one broke."""
        before = self._daemon
        if self._reconnect and not (before and before.connected):
            bus = await self._reconnect()
            if bus and self._daemon is before:  # else another notice was quicker
                self._daemon = self._behind(bus)
                await self._watch(self._daemon)
        if self._daemon is None:
            raise NoAnswer("no session bus")
        return self._daemon

    async def _notify(self, daemon: Daemon, one: _Open, notice: Notice) -> None:
        can = await daemon.can()
        body = lines(notice.body)
        self._sending += 1
        try:
            number = await daemon.notify(
                one_line(notice.title),
                escaped(body) if can & _READS_MARKUP else body,
                replaces=one.number,
                actions=_actions(notice) if "actions" in can else (),
                hints=_hints(notice.urgency),
                expire=0 if notice.urgency is Urgency.CRITICAL else -1,
            )
        finally:
            self._sending -= 1
        self._keys.pop(one.number, None)
        one.notice, one.number, one.pressed = notice, number, False
        self._open[notice.key], self._keys[number] = one, notice.key
        early, self._early = self._early, []
        for signal in early:
            self._signalled(*signal)

    def _forget(self, key: str, one: _Open) -> int:
        if self._open.get(key) is one:
            del self._open[key]
        self._keys.pop(one.number, None)
        number, one.number = one.number, 0
        return number

    def _signalled(self, member: str, number: int, value: str | int) -> None:
        key = self._keys.get(number)
        if key is None:
            if self._sending:
                self._early.append((member, number, value))
            return
        one = self._open[key]
        if member == "ActionInvoked":
            self._pressed(key, one, str(value))
        elif member == "NotificationClosed":
            self._forget(key, one)
            if value == _EXPIRED:
                self._tell(key, "expired")
            elif value == _DISMISSED and not one.pressed:  # daemons close a notice whose button was pressed
                self._tell(key, "dismissed")

    def _pressed(self, key: str, one: _Open, action: str) -> None:
        if action == _BODY_CLICK:
            action = "open"
        elif action not in dict(one.notice.buttons):
            return  # not a button of ours
        one.pressed = True
        self._tell(key, action)

    def _tell(self, key: str, action: str) -> None:
        try:
            self._happened(key, action)
        except Exception:  # noqa: BLE001 - the notice is a notice still
            _log.exception("nobody could take %r for notice %r", action, key)

    def _changed(self, daemon: str) -> None:
        self._keys.clear()
        self._early.clear()
        for key, one in list(self._open.items()):
            one.number = 0
            if one.asked:
                continue  # on its way, perhaps to the new daemon
            if one.notice.urgency is not Urgency.CRITICAL:
                del self._open[key]
            elif daemon:
                task = asyncio.create_task(self.show(one.notice), name=f"show {key} again")
                self._again.add(task)
                task.add_done_callback(self._again.discard)


def _actions(notice: Notice) -> list[str]:
    actions: list[str] = []
    for action, label in notice.buttons:
        actions += action, one_line(label)
    # last, because xfce4-notifyd draws it as a button too
    return [*actions, _BODY_CLICK, one_line(notice.opens)] if notice.opens else actions


def _hints(urgency: Urgency) -> dict[str, Variant]:
    hints = {
        "urgency": Variant("y", int(urgency)),
        "desktop-entry": Variant("s", DESKTOP_ENTRY),
        "category": Variant("s", "im.received"),
        "suppress-sound": Variant("b", True),  # the agent rings by itself
    }
    if urgency is Urgency.CRITICAL:
        hints["resident"] = Variant("b", True)
    return hints


def _nobody(key: str, action: str) -> None:
    """What happens before `start` and after `stop` concerns nobody."""
