"""The keyring of this account, asked in a process that lives for one question: its libraries weigh 20 MiB."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

from msgspec import DecodeError, Struct, json

# Standard input and output of `python -m agent.system.os_keyring_child`, so that no key is in arguments or environment:
# → {"name": hex} | {"name": hex, "key": text}      fetch it | keep it and fetch it
# ← {"key": text} | {"fault": "none" | "locked" | "lacks", "why": "…"}

WITHIN_S = 10.0
"""Seconds a keyring has for an answer: one that waits for somebody at the screen must not keep the agent waiting."""

NO_CONSOLE = getattr(subprocess, "CREATE_NO_WINDOW", 0)
CHILD = "agent.system.os_keyring_child"
ROOT = Path(__file__).resolve().parents[2]
"""Where the child starts: Python imports from there first, and nobody else can put a module there."""

CHOICE = "PYTHON_KEYRING_BACKEND"
TURNED_OFF = ("keyring.backends.null.Keyring", "keyring.backends.fail.Keyring")
"""What the library's variable says where no keyring is wanted."""

Fault = Literal["none", "locked", "lacks"]


class KeyringRefused(Exception):
    """The keyring did not give or take a key: there is none, it is locked, or it lacks that key."""

    def __init__(self, fault: Fault, why: str) -> None:
        super().__init__(why)
        self.fault: Fault = fault


class _Answer(Struct, frozen=True):
    key: str = ""
    fault: Fault | None = None
    why: str = ""


def fetch(name: str) -> bytes:
    """Return the key that was kept under `name`; raises KeyringRefused, after WITHIN_S at the latest."""
    return _ask({"name": name})


def keep(name: str, key: bytes) -> None:
    """Put a key into the keyring and read it back; raises KeyringRefused, after WITHIN_S at the latest."""
    if _ask({"name": name, "key": key.hex()}) != key:
        raise KeyringRefused("none", "it gives back another key than it got")


def _ask(question: dict[str, str]) -> bytes:
    env = _environment()
    if env is None:
        raise KeyringRefused("none", "this login has none")
    try:
        done = subprocess.run(
            [sys.executable, "-m", CHILD],
            input=json.encode(question),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=WITHIN_S,
            cwd=ROOT,
            env=env,
            creationflags=NO_CONSOLE,
        )
        answer = json.decode(done.stdout, type=_Answer)
        if answer.fault is None:
            return bytes.fromhex(answer.key)
    except subprocess.TimeoutExpired:
        # `from None`, here and below: the causes carry what went in or came out, and tracebacks are logged.
        raise KeyringRefused("locked", f"it did not answer within {WITHIN_S:g} seconds") from None
    except (OSError, DecodeError, ValueError):
        raise KeyringRefused("none", "it cannot be asked") from None
    raise KeyringRefused(answer.fault, answer.why)


def _environment() -> dict[str, str] | None:
    """The child's environment; None where there can be no keyring, or somebody has turned it off."""
    if os.environ.get(CHOICE, "") in TURNED_OFF:
        return None
    if sys.platform == "win32" or os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return {**os.environ}
    # A login without a desktop has no bus; elsewhere this is its usual place, which the library does not look at.
    bus = Path(os.environ.get("XDG_RUNTIME_DIR", "/nowhere"), "bus")
    return {**os.environ, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={bus}"} if bus.exists() else None
