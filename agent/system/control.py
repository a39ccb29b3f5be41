r"""Talk to the running agent over its local socket: JSON lines, from a command or a window, without asyncio.

UTF-8, one object a line. Linux: Unix socket, 0600. Windows: named pipe. A request line has at most 64 KiB.

→ {"id": 7, "do": "page", "with": {"to": {"role": "kitchen"}, "note": "now please"}}
← {"id": 7, "ok": true, "result": {...}}
← {"id": 7, "ok": false, "error": {"code": "no-such-order", "title": "…", "message": "…", "field": null, "exit": 1}}
→ {"id": 8, "do": "watch"}                      stream until the connection closes
← {"id": 8, "event": "state", "state": {...}}   at once, then on every change, at least 100 ms apart

The line with "ok" is the last one of its id. A line that cannot be read is answered with "id": null.

do           with                                                       result
status       -                                                          Status
watch        -                                                          never; State lines
page         to {"station"|"person"|"role": name} or {"all": true},     {"page": id}; with wait before it
             order (uuid or null), note, urgent, wait                   {"id", "event": "page", "page": Page} lines
answer       page, answer ("accepted"|"declined"|"later"), text         {}
withdraw     page                                                       {}
order.add    kind ("order"|"item"), fields                              {"order": uuid}
order.edit   order, fields {title, subtitle, flag_a, flag_b}            {}
order.done   order                                                      {}
order.delete order                                                      {}
orders       -                                                          [Order]
dnd          minutes (0 = off)                                          {}
open         window ("orders"|"new-order"|"status"|"pages")             {}
p2p.ping     station                                                    {station, route, opened_ms|null, rtt_ms: [ms]}
quit         -                                                          {}
task.…       what is asked about tasks: station/tasks/requests.py

State   {status: Status, orders: [Order], pages: [Page], members: [Member], texts}
texts   {language, theme, order_name, item_name, subtitle_name, flag_a, flag_b, mask, timer, fields {title: 120, …}}
Status  {station, person, roles[], site, version, state: "ok"|"degraded"|"offline", dnd_until_ms|null, unanswered,
         links: [{name, state: "up"|"connecting"|"down"|"refused"|"off", since_ms, detail, rtt_ms|null}],
         peers: [{station, state: "open"|"suspect"|"connecting"|"away", route: "direct"|"relayed"|null, rtt_ms|null}],
         hub: {state, seen_ms|null}, tray, notifier, sound, storage, notices: [str], can: {page, edit, create}}
Order   {id, kind, title, subtitle, flag_a, flag_b, created_ms, by, done, pending (not yet at the hub)}
Page    {id, out, from_person, to, order, order_title, note, urgent, asked_ms, state, answered_by, answered_text,
         seconds|null, settled, late, title,
         targets: [{station, person, state, link, why, at_ms, mark: "hollow"|"full"|"done"|"bad"}]}
        state: queued sent stored presented seen accepted declined expired undeliverable withdrawn missed
Member  {station, person, roles[], live, seen_ms|null, self, revoked}

This module is imported by the window, which opens in 75 ms: no asyncio, no msgspec, no typing.
"""

import json
import sys
import time
from collections.abc import Iterator

from agent.domain.errors import Unavailable, from_wire

TYPE_CHECKING = False
if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from typing import Any, Protocol, Self

    from agent.system.paths import Profile

    class Stream(Protocol):
        """A connection as bytes, blocking."""

        def send(self, content: bytes) -> None:
            """Write all of it; raises OSError when the other end is gone."""

        def receive(self, seconds: float | None) -> bytes | None:
            """What came, b"" at the end, None if nothing came in time (None: wait for ever)."""

        def fileno(self) -> int:
            """A descriptor for select and Tk, or -1 where the system has none: look every 50 ms then."""

        def close(self) -> None:
            """Let go of it."""

    class Ends(Protocol):
        """What each platform provides, `control_unix` and `control_windows`."""

        def open_stream(self, address: str) -> Stream:
            """Connect; raises OSError if nobody of ours listens."""

        async def listen(
            self, address: str, met: Callable[[asyncio.StreamReader, asyncio.StreamWriter], None], longest_line: int
        ) -> Callable[[], Awaitable[None]]:
            """Call `met` with every connection of this user until the returned function is called."""


def ends() -> "Ends":
    """The module that has both ends for this platform."""
    if sys.platform == "win32":
        from agent.system import control_windows as found
    else:
        from agent.system import control_unix as found
    return found


def connect(profile: "Profile") -> "ControlLine":
    """Reach the profile's agent; raises Unavailable if it does not run."""
    return connect_to(profile.control_address)


def connect_to(address: str) -> "ControlLine":
    """Reach the agent at a `Profile.control_address`, for a child that got it as an argument; raises Unavailable."""
    try:
        return ControlLine(ends().open_stream(address))
    except OSError as failure:
        raise Unavailable("The agent is not running", "Start it with: nmr run", code="no-agent") from failure


class ControlLine:
    """One connection to the agent, for one thread. Everything raises Unavailable when the agent goes away."""

    def __init__(self, stream: "Stream") -> None:
        self._stream = stream
        self._last_id = 0
        self._begun = bytearray()
        self._come: list[dict[str, Any]] = []
        """Lines read and not yet asked for."""

    def request(self, do: str, /, within: float = 10.0, **with_: object) -> "Any":
        """Ask and wait for the result; raises the agent's NmrError, or Unavailable after `within` seconds."""
        return self._result(self.post(do, **with_), time.monotonic() + within)

    def follow(self, do: str, /, **with_: object) -> "Iterator[dict[str, Any]]":
        """Ask and yield every event line until the result comes; raises the agent's NmrError."""
        asked = self.post(do, **with_)
        while "ok" not in (line := self._next(asked, None)):
            yield line
        _raise_if_failed(line)

    def watch(self) -> "Iterator[dict[str, Any]]":
        """Yield the agent's state at once and after every change."""
        for line in self.follow("watch"):
            yield line["state"]

    def post(self, do: str, /, **with_: object) -> int:
        """Ask without waiting; the lines that come back have the returned id. For windows, with `ready`."""
        self._last_id += 1
        line = json.dumps({"id": self._last_id, "do": do, "with": with_}, ensure_ascii=False, separators=(",", ":"))
        try:
            self._stream.send(line.encode("utf-8", "replace") + b"\n")
        except OSError as failure:
            raise _gone() from failure
        return self._last_id

    def ready(self, within: float | None = 0.0) -> "list[dict[str, Any]]":
        """All lines that have come, waiting at most so long for something (None: for ever).

        Unavailable is raised after the last of them. A thread may wait here while another one posts.
        """
        try:
            while self._read(within):
                within = 0.0
        except Unavailable:
            if not self._come:
                raise
        come, self._come = self._come, []
        return come

    def fileno(self) -> int:
        """Readable when `ready` has something; -1 where the system has no such number: look every 50 ms then."""
        return self._stream.fileno()

    def close(self) -> None:
        """Hang up."""
        self._stream.close()

    def __enter__(self) -> "Self":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _result(self, asked: int, deadline: float) -> "Any":
        while "ok" not in (line := self._next(asked, deadline)):
            pass
        _raise_if_failed(line)
        return line.get("result")

    def _next(self, asked: int, deadline: float | None) -> "dict[str, Any]":
        """The next line of request `asked`, or a complaint about no request at all; others stay for `ready`."""
        looked_at = 0
        while True:
            for index in range(looked_at, len(self._come)):
                if self._come[index].get("id") in (asked, None):
                    return self._come.pop(index)
            looked_at = len(self._come)
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not self._read(left):
                raise Unavailable("The agent does not answer", "Wait a moment, or restart it", code="agent-silent")

    def _read(self, seconds: float | None) -> bool:
        """Take in what comes within the time; False if nothing came."""
        try:
            content = self._stream.receive(seconds)
        except OSError as failure:
            raise _gone() from failure
        if content is None:
            return False
        if not content:
            raise _gone()
        *lines, rest = content.split(b"\n")
        if lines:
            lines[0] = bytes(self._begun) + lines[0]
            self._begun.clear()
        self._begun += rest
        self._come += map(_decoded, lines)
        return True


def _decoded(line: bytes) -> "dict[str, Any]":
    try:
        decoded = json.loads(line)
    except ValueError:
        decoded = None
    if not isinstance(decoded, dict):
        raise from_wire(None)
    return decoded


def _raise_if_failed(line: "dict[str, Any]") -> None:
    if line["ok"] is not True:
        raise from_wire(line.get("error"))


def _gone() -> Unavailable:
    return Unavailable("The agent has stopped", "Start it again with: nmr run", code="agent-gone")
