"""A real keyring on a private session bus: the daemon of GNOME, with the collection of a login, open or locked."""

import os
import shutil
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tests.servers.programs import until
from tests.servers.session_bus import Bus, owned

NAME, PLACE = "org.freedesktop.secrets", "/org/freedesktop/secrets"
LOGIN = f"{PLACE}/collection/login"
BACKEND = "keyring.backends.SecretService.Keyring"


class GnomeKeyring:
    """The keyring of one account, whose files lie in `folder`; `env` is what programs of its session see.

    Who starts it again with the same folder logs in again.
    """

    def __init__(self, folder: Path, *, password: str = "of the login") -> None:
        self._folder, self._password, self._stack = folder, password, ExitStack()
        self.env: dict[str, str] = {}
        self._pid = 0

    @staticmethod
    def missing() -> list[str]:
        """Programs this needs and does not find."""
        here = shutil.which("gnome-keyring-daemon") is not None
        return Bus.missing() + ([] if here else ["gnome-keyring-daemon"])

    def __enter__(self) -> Self:
        with self._stack as stack:
            self._start(stack.enter_context(Bus()))
            self._stack = stack.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.frozen(False)
        self._stack.close()

    def lock(self) -> None:
        """Lock the collection, as at the end of a break."""
        self._call("Service.Lock", f"array:objpath:{LOGIN}")
        until(lambda: b"boolean true" in self._locked(), "a locked collection")

    def frozen(self, still: bool) -> None:
        """Let the daemon keep everybody waiting, or go on."""
        os.kill(self._pid, signal.SIGSTOP if still else signal.SIGCONT)

    def _start(self, bus: Bus) -> None:
        self.env = {
            "DBUS_SESSION_BUS_ADDRESS": bus.address,
            "XDG_DATA_HOME": str(self._folder),
            "PYTHON_KEYRING_BACKEND": BACKEND,
        }
        self._folder.mkdir(exist_ok=True)
        given = bus.folder / "password"
        given.write_text(self._password)
        daemon = 'exec gnome-keyring-daemon --foreground --unlock --components=secrets --control-directory="$1" <"$2"'
        program = bus.programs.start(
            "keyring", "sh", "-c", daemon, "sh", str(bus.folder), str(given), env={**bus.env, **self.env}
        )
        self._pid = program.pid
        until(lambda: owned(self._whole(), NAME), "the keyring on the bus")
        until(lambda: b"boolean false" in self._locked(), "an open collection")

    def _locked(self) -> bytes:
        return self._call(f"string:{NAME.replace('secrets', 'Secret')}.Collection", "string:Locked")

    def _call(self, *what: str) -> bytes:
        """Ask by dbus-send, not by code under test: a method of the service, or a property of the collection."""
        if what[0].startswith("Service."):
            asked = (PLACE, f"org.freedesktop.Secret.{what[0]}", *what[1:])
        else:
            asked = (LOGIN, "org.freedesktop.DBus.Properties.Get", *what)
        words = ["dbus-send", "--session", "--print-reply", f"--dest={NAME}", *asked]
        return subprocess.run(words, env=self._whole(), capture_output=True).stdout

    def _whole(self) -> dict[str, str]:
        return {**os.environ, **self.env}
