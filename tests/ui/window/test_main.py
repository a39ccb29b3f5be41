"""The window as a program: how it is called, and what it says where it cannot open."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from agent.ui.window.__main__ import main

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--control"],
        ["--control", "x", "--show", "nothing"],
        ["--control", "x", "--colour", "red"],
        ["--show", "orders"],
    ],
)
def test_wrong_use_is_explained(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("Usage: ")


def called(*python: str, **changed: str) -> subprocess.CompletedProcess[str]:
    """The program on an agent that is not there, with a changed environment."""
    env = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    return subprocess.run(
        [sys.executable, *python, "--control", "/nowhere"],
        cwd=ROOT, env=env | changed, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is always a screen")
def test_without_a_screen_it_says_so_and_ends() -> None:
    ended = called("-m", "agent.ui.window")
    assert ended.returncode == 69
    assert ended.stderr.startswith("The window cannot be opened: ")
    assert len(ended.stderr.splitlines()) == 1, "no traceback"


def test_without_tk_it_says_what_to_install() -> None:
    without = "import sys; sys.modules['tkinter'] = None; from agent.ui.window.__main__ import main"
    ended = called("-c", f"{without}; sys.exit(main(sys.argv[1:]))")
    assert ended.returncode == 69
    assert "python3-tk" in ended.stderr


def test_what_is_loaded_before_the_window_stands_is_little() -> None:
    heavy = ("typing", "dataclasses", "asyncio", "msgspec", "pathlib", "logging", "inspect", "ssl", "contextlib")
    load = "import agent.ui.window.line, agent.ui.window.app, agent.ui.window.orders; print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-I", "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {load}"],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, check=True,
    )  # fmt: skip
    loaded = set(ended.stdout.split())
    assert "agent.ui.window.orders" in loaded
    assert loaded.isdisjoint(heavy)
