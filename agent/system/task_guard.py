"""Stands between the agent and one task's program: starts it in an empty folder, and leaves nothing of it behind."""

# A process of its own, for three reasons: whatever the program started becomes the guard's child when its parent ends
# (Linux), limits are set without a fork of the agent with its threads, and with an agent that is killed the task ends.
#
# stdin    {"command": ["lp", "-d", "kitchen"], "folder": "/tmp/nmr-task-5f…", "memory_bytes": 268435456,
#          "data_bytes": 17} and a newline, then data_bytes bytes, which are the program's standard input. The folder is
#          made by the guard; the agent only names it, to remove it after a guard that was killed. After that
#          "stop" and a newline     ask the program to end; what is left of it after 5 s is ended
#          the end of stdin         end it now, all of it
# stdout   the program's
# stderr   the program's; when nothing of it is left, a newline and one line of the guard, whatever the program wrote:
#          {"code": 0, "peak_bytes": 10485760}     its exit code (Linux: -9 for signal 9), most memory one process had
#          {"failed": "No such file or directory"}    it could not be started

import contextlib
import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Protocol

POLITE_S = 5.0
"""Seconds a program has that was asked to end."""
STOP = b"stop\n"
_IN, _ERR = 0, 2
_FOLDERS = ("TEMP", "TMP", "USERPROFILE", "APPDATA", "LOCALAPPDATA") if sys.platform == "win32" else ("HOME", "TMPDIR")
"""Places a program may write to: they all are its own folder."""


class Program(Protocol):
    """One started program with everything it starts."""

    popen: "subprocess.Popen[bytes]"

    def ask(self) -> None:
        """Ask it to end."""

    def end(self) -> None:
        """End it and whatever it started."""

    def wait(self) -> tuple[int, int]:
        """When nothing of it is left: its exit code, and the most memory it had, in bytes."""


def main() -> None:
    """Be the guard of one program, and end."""
    order, data, since = _order()
    told = _guarded(order, data, since)
    with contextlib.suppress(OSError):
        os.write(_ERR, b"\n" + json.dumps(told).encode() + b"\n")
    os._exit(0)  # a thread may still wait for the agent, another for the program's input


def _order() -> tuple[dict[str, Any], bytes, bytes]:
    """What the agent wants, the data, and what it has said since; ends the guard if the agent ends first."""
    begun = b""
    while b"\n" not in begun:
        begun += _read()
    line, _, data = begun.partition(b"\n")
    order = json.loads(line)
    pieces, have, wanted = [data], len(data), order["data_bytes"]
    while have < wanted:
        pieces.append(_read())
        have += len(pieces[-1])
    whole = b"".join(pieces)
    return order, whole[:wanted], whole[wanted:]


def _read() -> bytes:
    """What comes next; raises SystemExit at the end."""
    content = os.read(_IN, 1 << 16)
    if not content:
        sys.exit(1)
    return content


def _guarded(order: dict[str, Any], data: bytes, since: bytes) -> dict[str, Any]:
    folder = order["folder"]
    try:
        Path(folder).mkdir(mode=0o700)  # refused if it is there, whoever made it
    except OSError as error:
        return {"failed": f"{folder}: {error.strerror}"}
    try:
        return _seen_through(order, data, since, folder)
    finally:
        # Windows refuses to remove what somebody has open for a moment longer; it is in its temporary place anyway.
        shutil.rmtree(folder, ignore_errors=True)


def _seen_through(order: dict[str, Any], data: bytes, since: bytes, folder: str) -> dict[str, Any]:
    theirs = {name: value for name, value in os.environ.items() if name not in ("PYTHONSAFEPATH", "PYTHONPATH")}
    around = theirs | dict.fromkeys(_FOLDERS, folder)
    try:
        program = _start(order["command"], folder, around, order["memory_bytes"])
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        return {"failed": getattr(error, "strerror", None) or str(error)}
    for deed in (lambda: _listen(program, since), lambda: _feed(program, data)):
        threading.Thread(target=deed, daemon=True).start()
    code, peak = program.wait()
    return {"code": code, "peak_bytes": peak}


def _start(command: list[str], folder: str, around: dict[str, str], memory_bytes: int) -> Program:
    if sys.platform == "win32":
        from agent.system import task_guard_windows as system
    else:
        from agent.system import task_guard_linux as system
    return system.GuardedProgram(command, folder, around, memory_bytes)


def _listen(program: Program, said: bytes) -> None:
    """Do what the agent says, until it says nothing any more."""
    while said or os.read(_IN, len(STOP)):
        said = b""
        program.ask()
        force = threading.Timer(POLITE_S, program.end)
        force.daemon = True
        force.start()
    program.end()


def _feed(program: Program, data: bytes) -> None:
    """Give it its data; one that does not want them is free to."""
    assert program.popen.stdin is not None
    with contextlib.suppress(OSError), program.popen.stdin as pipe:
        pipe.write(data)


def command_line() -> list[str]:
    """How the agent starts a guard. On Windows the product's own program takes the place of Python and knows -m."""
    return [sys.executable, "-m", __name__]


def surroundings() -> dict[str, str]:
    """What a guard has in its environment besides its program's: what led this Python to the agent leads the guard."""
    found = {"PYTHONSAFEPATH": "1"}
    if "PYTHONPATH" in os.environ:
        found["PYTHONPATH"] = os.environ["PYTHONPATH"]
    return found


if __name__ == "__main__":
    main()
