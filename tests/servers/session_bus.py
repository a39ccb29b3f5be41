"""A private D-Bus session bus for tests; no X server, no desktop."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from string import Template
from types import TracebackType
from typing import Self

from tests.servers.programs import Programs, until

CONFIG = Path(__file__).parent / "desktop_config"


def owned(env: Mapping[str, str], name: str) -> bool:
    """Whether somebody owns the bus name `name`; the question is asked by dbus-send, not by code under test."""
    answer = subprocess.run(
        [
            *("dbus-send", "--session", "--print-reply", "--dest=org.freedesktop.DBus", "/"),
            *("org.freedesktop.DBus.NameHasOwner", f"string:{name}"),
        ],
        env=dict(env),
        capture_output=True,
        check=False,
    )
    return b"boolean true" in answer.stdout


def start_bus(programs: Programs, env: Mapping[str, str]) -> str:
    """Start dbus-daemon among `programs` and return its address; `env` is what its neighbours see."""
    place, config = programs.folder / "bus", programs.folder / "session-bus.conf"
    config.write_text(Template((CONFIG / config.name).read_text()).substitute(socket=place))
    programs.start("dbus", "dbus-daemon", f"--config-file={config}", "--nofork", "--nopidfile", env=env)
    until(lambda: _listens(place), "session bus")
    return f"unix:path={place}"


def _listens(place: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as caller:  # its file is there a moment before anybody listens
        return caller.connect_ex(str(place)) == 0


class Bus:
    """A session bus alone: enough for a tray item and a notifier that speak D-Bus themselves."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="nmr-bus."))
        self.programs = Programs(self.folder)
        self.env = dict(os.environ)

    @staticmethod
    def missing() -> list[str]:
        """Programs this needs and does not find."""
        return [name for name in ("dbus-daemon", "dbus-send") if shutil.which(name) is None]

    @property
    def address(self) -> str:
        """Where the bus listens."""
        return self.env["DBUS_SESSION_BUS_ADDRESS"]

    def __enter__(self) -> Self:
        self.env["DBUS_SESSION_BUS_ADDRESS"] = start_bus(self.programs, self.env)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.programs.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
