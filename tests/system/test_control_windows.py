"""The control pipe, the lock and the places on Windows, as wine has it."""

import os
from pathlib import Path

import pytest

from tests.servers.wine import windows

PROMISES = 14


@pytest.mark.wine
@pytest.mark.timeout(300)
def test_every_promise_of_the_pipe_is_kept_under_windows(tmp_path: Path) -> None:
    with windows(os.environ, tmp_path) as wine:
        program = wine.run("-m", "tests.system.windows_program", seconds=100)
    assert "BROKEN" not in program.said
    assert program.said.count("kept ") == PROMISES, program.said
    assert program.process.returncode == 0
