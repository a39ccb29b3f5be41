"""One step of a build: run a program, and let its words be seen only if it fails."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class BuildFailed(Exception):
    """A step did not do its deed; the text says which and why."""


def run(command: Sequence[str | Path], folder: Path = ROOT, **env: str) -> str:
    """Run one step in `folder` and return what it said; raises BuildFailed with its words."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C.UTF-8", **env},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except OSError as error:
        raise BuildFailed(f"{command[0]}: {error.strerror}") from error
    if done.returncode:
        raise BuildFailed(f"{command[0]} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout
