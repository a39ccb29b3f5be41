"""The end of a process at a named point: exactly there, and nowhere else."""

import subprocess
import sys

import pytest

PROGRAM = "from agent.system.crash import point\nfor name in 'abab': point(name); print(name, flush=True)"


def run(kill_at: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], env={"NMR_KILL_AT": kill_at}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout.replace("\n", "")


@pytest.mark.parametrize(
    ("kill_at", "code", "reached"),
    [
        ("", 0, "abab"),
        ("c:1", 0, "abab"),
        ("a:3", 0, "abab"),
        ("a:1", 137, ""),
        ("b:1", 137, "a"),
        ("b:2", 137, "aba"),
        ("b", 0, "abab"),
    ],
)
def test_a_process_ends_at_the_named_point(kill_at: str, code: int, reached: str) -> None:
    assert run(kill_at) == (code, reached)
