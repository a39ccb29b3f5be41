"""The window's line to the agent: sends what people want, hands replies and states to Tk, and never polls.

Besides the states of `watch` (described in `agent.system.control`) the agent may tell the window to come up:

    ← {"id": 1, "event": "show", "window": "orders"}
"""

from __future__ import annotations

import time

from agent.domain.errors import Unavailable
from agent.system.control import connect_to

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from tkinter import Misc
    from typing import Any

    from agent.system.control import ControlLine
    from agent.ui.window.model.shapes import Reply

    Line = dict[str, Any]
    Lines = list[Line]
    Done = Callable[[Reply], None]
    Wake = Callable[[Lines | None], None]
    """Called in Tk with lines that came, or None when the agent has gone."""

GONE: Reply = {"ok": False, "error": {"code": "no-agent", "title": "", "message": "", "field": None}}
"""The reply to whatever was asked when the agent has gone."""
READABLE = 2  # tk.READABLE, for this module is loaded before tkinter
SPOKE = "<<AgentSpoke>>"


class AgentLine:
    """One connection at a time; `told` gets every event of the watch, `lost` is called when the agent goes away."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.told: Callable[[Line], None] = lambda _: None
        self.lost: Callable[[], None] = lambda: None
        self._line: ControlLine | None = None
        self._asked: dict[int, Done] = {}
        self._watch = 0
        self._let_go: Callable[[], None] = lambda: None

    @property
    def open(self) -> bool:
        """Whether there is a connection."""
        return self._line is not None

    def connect(self) -> bool:
        """Connect and begin to watch; False when the agent is not running."""
        try:
            self._line = connect_to(self.address)
            self._watch = self._line.post("watch")
        except Unavailable:
            self._drop()
        return self.open

    def first(self, seconds: float) -> Lines:
        """The first events, waited for; none when it takes longer or the agent has gone."""
        end = time.monotonic() + seconds
        try:
            while self._line is not None and (left := end - time.monotonic()) > 0:
                if lines := self._line.ready(left):
                    return [line for line in lines if self._is_event(line)]
        except Unavailable:
            self._drop()
        return []

    def attach(self, root: Misc) -> None:
        """Let Tk hand over what arrives from now on."""
        if self._line is None:
            return
        watch = _by_descriptor if self._line.fileno() >= 0 else _by_thread
        self._let_go = watch(root, self._line, self._arrived)

    def ask(self, do: str, given: Line, done: Done) -> None:
        """Ask the agent to do something; `done` gets its reply, later."""
        if self._line is None:
            done(GONE)
            return
        try:
            self._asked[self._line.post(do, **given)] = done
        except Unavailable:
            done(GONE)

    def close(self) -> None:
        """Hang up without telling anybody."""
        self._asked.clear()
        self._drop()

    def _is_event(self, line: Line) -> bool:
        return line.get("id") == self._watch and "event" in line

    def _arrived(self, lines: Lines | None) -> None:
        for line in lines or ():
            if self._is_event(line):
                self.told(line)
            elif "ok" in line and (done := self._asked.pop(line.get("id", 0), None)):
                done(line)
        if lines is None and self.open:
            self._lose()

    def _lose(self) -> None:
        self._drop()
        asked, self._asked = self._asked, {}
        for done in asked.values():
            done(GONE)
        self.lost()

    def _drop(self) -> None:
        self._let_go()
        self._let_go = lambda: None
        if self._line is not None:
            self._line.close()
        self._line = None


def _ready(line: ControlLine, within: float | None) -> Lines | None:
    try:
        return line.ready(within)
    except Unavailable:
        return None


def _by_descriptor(root: Misc, line: ControlLine, wake: Wake) -> Callable[[], None]:
    """Linux: Tk watches the socket like a window."""
    # By its number: with the object itself Tk would not call us at the end of the stream.
    loop: Any = root.tk  # its type has no such methods on Windows
    number = line.fileno()
    loop.createfilehandler(number, READABLE, lambda *_: wake(_ready(line, 0.0)))
    return lambda: loop.deletefilehandler(number)


def _by_thread(root: Misc, line: ControlLine, wake: Wake) -> Callable[[], None]:
    """Windows: Tk cannot watch a pipe, so a thread waits for it and sends Tk an event."""
    from contextlib import suppress
    from queue import SimpleQueue
    from threading import Thread

    come: SimpleQueue[Lines | None] = SimpleQueue()
    attached = [True]

    def wait() -> None:
        lines: Lines | None = []
        while lines is not None and attached:
            lines = _ready(line, None)
            come.put(lines)
            with suppress(Exception):  # while the window closes there is nothing left to wake
                root.event_generate(SPOKE, when="tail")

    def spoke(_: object) -> None:
        while not come.empty() and attached:
            wake(come.get())

    root.bind(SPOKE, spoke)
    Thread(target=wait, name="agent line", daemon=True).start()
    return attached.clear
