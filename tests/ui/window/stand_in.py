"""A stand-in for the agent: it speaks the control socket's JSON lines and remembers what it was asked."""

import json
import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from agent.ui.window.model.shapes import State

Answer = Callable[[dict[str, Any]], dict[str, Any]]
"""From the `with` of a request to {"result": ...} or {"error": ...}."""


class StandIn:
    """Serves one window at a time on a Unix socket; `state` is what a new watch is told first."""

    def __init__(self, folder: Path, state: State) -> None:
        self.address = str(folder / "control.sock")
        self.state = state
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.answers: dict[str, Answer] = {"order.add": lambda _: {"result": {"order": "new"}}}
        self.watchers = 0
        self._folder = folder
        self._server: socket.socket | None = None
        self._watch: tuple[socket.socket, int] | None = None
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin to listen."""
        self._server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._server.bind(self.address)
        self._server.listen()
        threading.Thread(target=self._serve, args=(self._server,), name="stand-in", daemon=True).start()

    def stop(self) -> None:
        """Hang up and stop listening, as an agent that was killed."""
        if self._server is not None:
            self._server.shutdown(socket.SHUT_RDWR)
            self._server.close()
            self._server = None
            Path(self.address).unlink()
        if self._watch is not None:
            with suppress(OSError):  # the window has hung up before
                self._watch[0].shutdown(socket.SHUT_RDWR)
            self._watch = None

    def tell(self, **parts: Any) -> None:
        """Change parts of the state and tell the window."""
        self.state = {**self.state, **parts}  # type: ignore[typeddict-item]
        self.event({"event": "state", "state": self.state})

    def event(self, event: dict[str, Any]) -> None:
        """Send an event of the watch."""
        assert self._watch is not None
        connection, number = self._watch
        self._send(connection, {"id": number, **event})

    def said(self, do: str) -> list[dict[str, Any]]:
        """What came with each request to `do`."""
        return [given for done, given in self.asked if done == do]

    def _serve(self, server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            threading.Thread(target=self._speak, args=(connection,), name="stand-in line", daemon=True).start()

    def _speak(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as lines:
            try:
                for line in lines:
                    self._react(connection, json.loads(line))
            except OSError:
                return

    def _react(self, connection: socket.socket, request: dict[str, Any]) -> None:
        number, do, given = request["id"], request["do"], request.get("with") or {}
        if do == "watch":
            self._watch = connection, number
            self._send(connection, {"id": number, "event": "state", "state": self.state})
            self.watchers += 1
            return
        self.asked.append((do, given))
        reply = self.answers[do](given) if do in self.answers else {"result": {}}
        self._send(connection, {"id": number, "ok": "error" not in reply, **reply})

    def _send(self, connection: socket.socket, line: dict[str, Any]) -> None:
        with self._lock:
            connection.sendall(json.dumps(line).encode() + b"\n")
