"""One agent per profile, over processes and crashes."""

import os
import stat
import subprocess
import sys
from pathlib import Path

from agent.system.lock import ProfileLock

HOLD = """
import sys
from pathlib import Path
from agent.system.lock import ProfileLock
lock = ProfileLock(Path(sys.argv[1]))
print(lock.acquire(), flush=True)
sys.stdin.readline()
"""


def hold(file: Path) -> "subprocess.Popen[str]":
    """Another process that tries to take the lock, tells whether it got it, and keeps it until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def told(process: "subprocess.Popen[str]") -> bool:
    assert process.stdout
    return process.stdout.readline().strip() == "True"


def test_of_two_processes_only_one_gets_the_lock_and_its_number_is_readable(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with hold(file) as first:
        assert told(first)
        mine = ProfileLock(file)
        assert not mine.acquire()
        assert not mine.held
        assert mine.owner() == first.pid
        with hold(file) as second:
            assert not told(second)
            second.communicate()
        first.communicate()
    assert mine.acquire()
    assert mine.owner() == os.getpid()


def test_a_killed_owner_leaves_no_lock_behind(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    with hold(file) as first:
        assert told(first)
        first.kill()
        first.wait()
        with ProfileLock(file) as mine:
            assert mine.acquire()


def test_a_child_started_by_the_owner_does_not_keep_the_lock(tmp_path: Path) -> None:
    mine, other = ProfileLock(tmp_path / "lock"), ProfileLock(tmp_path / "lock")
    assert mine.acquire()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        mine.release()
        assert other.acquire()
        child.communicate(b"\n")


def test_two_objects_of_one_process_exclude_each_other_and_releasing_lets_go(tmp_path: Path) -> None:
    mine, other = ProfileLock(tmp_path / "lock"), ProfileLock(tmp_path / "lock")
    assert mine.acquire()
    assert mine.acquire()
    assert not other.acquire()
    mine.release()
    mine.release()
    assert mine.owner() is None
    assert other.acquire()
    assert sys.platform == "win32" or stat.S_IMODE((tmp_path / "lock").stat().st_mode) == 0o600


def test_what_is_no_number_names_no_owner(tmp_path: Path) -> None:
    (tmp_path / "lock").write_bytes(b"\xff who?")
    assert ProfileLock(tmp_path / "lock").owner() is None
    assert ProfileLock(tmp_path / "missing").owner() is None
