"""The control pipe, the lock and the places on Windows, as wine has it."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMISES = 14


@pytest.fixture
def windows(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What Python for Windows needs around it; NMR_WINE_PYTHON names its python.exe, with msgspec and platformdirs."""
    if shutil.which("wine") is None or "NMR_WINE_PYTHON" not in os.environ:
        pytest.skip("no wine, or NMR_WINE_PYTHON does not name a python.exe with msgspec and platformdirs")
    env = os.environ | {
        "WINEPREFIX": os.environ.get("NMR_WINE_PREFIX", str(tmp_path / "prefix")),
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml=",
        "PYTHONPATH": "Z:" + str(ROOT).replace("/", "\\"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
    }
    quiet = subprocess.DEVNULL
    subprocess.run(["wineboot"], env=env, stdin=quiet, stdout=quiet, stderr=quiet, timeout=110, check=True)
    yield env
    subprocess.run(["wineserver", "-k"], env=env, check=False)


@pytest.mark.wine
def test_every_promise_of_the_pipe_is_kept_under_windows(windows: dict[str, str]) -> None:
    program = subprocess.run(
        ["wine", os.environ["NMR_WINE_PYTHON"], "-m", "tests.system.windows_program"],
        env=windows,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
    )
    if "No module named 'msgspec'" in program.stderr:
        pytest.skip("the python.exe has no msgspec")
    assert "BROKEN" not in program.stdout
    assert program.stdout.count("kept ") == PROMISES, program.stdout + program.stderr
    assert program.returncode == 0
