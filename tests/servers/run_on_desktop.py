"""Runs a command on a virtual desktop of its own, or without one where this computer lacks the programs for it.

python -m tests.servers.run_on_desktop COMMAND ARGS...
"""

import subprocess
import sys
from collections.abc import Sequence

from tests.servers.desktop import Desktop


def main(command: Sequence[str]) -> int:
    """Return the command's exit code."""
    if missing := Desktop.missing():
        print(  # noqa: T201 - it talks to whoever started it
            f"no virtual desktop: {', '.join(missing)} missing; tray, notices and sound stay silent",
            file=sys.stderr,
        )
        return subprocess.run(command, check=False).returncode
    with Desktop() as desktop:
        return subprocess.run(command, env=desktop.env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
