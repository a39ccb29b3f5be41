"""The rooms below the desk, tested by Python for Windows itself: its time, files and network are another system's."""

import os
from pathlib import Path

import pytest

from tests.servers.wine import windows

ROOMS = ("domain", "wire", "routing", "station", "system")
ELSEWHERE = ("system/test_paths.py", "system/test_control_windows.py")
"""The former is about Linux too, the latter starts wine."""


@pytest.mark.long
@pytest.mark.wine
@pytest.mark.timeout(600)
def test_what_the_rooms_promise_they_keep_on_windows(tmp_path: Path) -> None:
    rooms = [f"tests/{room}" for room in ROOMS]
    without = [f"--ignore=tests/{name}" for name in ELSEWHERE]
    with windows(os.environ, tmp_path, "test") as wine:
        done = wine.run("-m", "pytest", "-q", "-p", "no:cacheprovider", *rooms, *without, seconds=500)
    assert done.process.returncode == 0, done.said
