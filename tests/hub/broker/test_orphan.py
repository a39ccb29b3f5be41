"""Only the very process that was noted is ended, never a later one with its number."""

import os
import subprocess
import sys
from pathlib import Path

from agent.hub.broker.files import write_private
from agent.hub.broker.orphan import birth, end_orphan, note


def sleeper() -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], stdin=subprocess.DEVNULL)


def test_ends_the_process_it_noted(tmp_path: Path) -> None:
    with sleeper() as process:
        note(tmp_path / "pid", process.pid)
        assert end_orphan(tmp_path / "pid")
        assert birth(process.pid) == 0


def test_leaves_alone_who_only_has_the_same_number(tmp_path: Path) -> None:
    write_private(tmp_path / "pid", f"{os.getpid()} {birth(os.getpid()) - 1}\n")
    assert not end_orphan(tmp_path / "pid")


def test_nothing_noted_or_already_gone_is_no_orphan(tmp_path: Path) -> None:
    assert not end_orphan(tmp_path / "pid")
    with sleeper() as process:
        note(tmp_path / "pid", process.pid)
        process.kill()
    assert not end_orphan(tmp_path / "pid")
    (tmp_path / "pid").write_text("torn")
    assert not end_orphan(tmp_path / "pid")
