"""Which tasks may be done on this computer: the types IT named, each with its one command and its limits."""

import os
import shutil
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir

from agent.system.config.schema_tasks import TaskType

PYTHON, AGENT = "{python}", "{agent}"
"""Words of a command that stand for the Python of this agent and for the address of its local socket."""
_KIB, _MIB = 1 << 10, 1 << 20


@dataclass(frozen=True, slots=True)
class Allowed:
    """A type of task and what its program may take."""

    type: str
    command: tuple[str, ...]
    """The program and its words, as they are handed to the system; nobody reads them as a shell line."""
    seconds: float = 60.0
    memory_bytes: int = 256 * _MIB
    """Linux: of each of its processes; Windows: of all of them together."""
    output_bytes: int = 1024 * _KIB
    """All it says on standard output, progress counted."""
    at_once: int = 1
    once: bool = False
    """Whether it is never begun again by itself."""


def allowed(types: Iterable[TaskType], agent_address: str) -> dict[str, Allowed]:
    """The types of the configuration by name; of two with one name the first counts."""
    words = {PYTHON: sys.executable, AGENT: agent_address}
    found: dict[str, Allowed] = {}
    for one in types:
        command = tuple(words.get(word, word) for word in one.command)
        found.setdefault(one.type, _allowed(one, command))
    return found


def missing(one: Allowed) -> str:
    """Why its program cannot be started on this computer, or ""."""
    if not one.command:
        return "no command is given"
    program = one.command[0]
    if not Path(program).is_absolute() and Path(program).name != program:
        return f"{program} is neither a name nor a whole path"
    if shutil.which(program, path=environment()["PATH"]) is None:
        return f"{program} is not there, or is no program"
    return ""


def environment() -> Mapping[str, str]:
    """What a guard finds in its environment, and its program: nothing of the agent's.

    One thing is the account's: where temporary files go. The guard makes the program's folder there, which for the
    program takes that place.
    """
    if sys.platform == "win32":
        # No program of Windows starts without these; they are the system's, not the account's.
        root = os.environ.get("SystemRoot", r"C:\Windows")  # noqa: SIM112 - its real name
        fixed = {
            "SystemRoot": root,
            "windir": root,
            "SystemDrive": root[:2],
            "PATHEXT": ".COM;.EXE",
            "TEMP": gettempdir(),
        }
        return {**fixed, "PATH": f"{root}\\System32;{root}"}
    return {"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TMPDIR": gettempdir()}


def _allowed(one: TaskType, command: tuple[str, ...]) -> Allowed:
    return Allowed(
        one.type,
        command,
        seconds=one.seconds,
        memory_bytes=one.megabytes * _MIB,
        output_bytes=one.output_kib * _KIB,
        at_once=one.at_once,
        once=one.once,
    )
