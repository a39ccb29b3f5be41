"""The programs of tasks and their guard on Windows, as wine has it.

Wine limits no memory and has no console without a window: memory and Ctrl+Break are for a real Windows to show.
"""

import os
from pathlib import Path

import pytest

from tests.servers.wine import windows

PROMISES = 13


@pytest.mark.wine
@pytest.mark.timeout(300)
def test_every_promise_to_a_worker_is_kept_under_windows(tmp_path: Path) -> None:
    with windows(os.environ, tmp_path) as wine:
        program = wine.run("-m", "tests.windows.task_program", seconds=150)
    assert "BROKEN" not in program.said, program.said
    assert program.said.count("kept ") == PROMISES, program.said
    assert program.process.returncode == 0
