"""Commit precedes acknowledgement: what a killed process had acknowledged is there when the store opens again."""

import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO

import pytest

from agent.system.store import Store
from tests.system.store_child import SCHEMA

ROOT = Path(__file__).resolve().parents[2]
killing = pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is a POSIX matter")


def child(path: Path, mode: str, burst: int) -> list[str]:
    return [sys.executable, "-m", "tests.system.store_child", str(path), mode, str(burst)]


@contextmanager
def running(command: list[str]) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """A process and the lines it prints; ended with the block."""
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.kill()


def crash(path: Path, mode: str, burst: int, after: int) -> set[int]:
    """Let the child write, kill it when it has acknowledged `after` rows; all the rows it acknowledged."""
    with running(child(path, mode, burst)) as (process, lines):
        said = list(islice(lines, after))
        process.kill()
        said += lines
    assert len(said) >= after, "the child ended by itself"
    return {int(line) for line in said if line.endswith("\n")}


def lost(path: Path, acknowledged: set[int]) -> set[int]:
    """What was acknowledged and is not there; an open store must be whole besides."""
    store = Store.open(path, [SCHEMA])
    assert store.set_aside is None
    there = {number for (number,) in store.read("SELECT id FROM note")}
    assert store.read("PRAGMA integrity_check") == [("ok",)]
    store.close()
    return acknowledged - there


def crashes(folder: Path, mode: str, seeds: range) -> Iterator[set[int]]:
    """The acknowledged and lost rows of each crash; every third store lives through several."""
    for seed in seeds:
        chance = random.Random(seed)
        path = folder / f"{mode}-{seed // 3}.db"
        yield lost(path, crash(path, mode, chance.choice([1, 7, 64, 300]), chance.randrange(1, 500)))


@killing
def test_a_killed_process_loses_nothing_it_acknowledged(tmp_path: Path) -> None:
    assert list(crashes(tmp_path, "sound", range(15))) == [set()] * 15


@killing
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_a_thousand_killed_processes_lose_nothing_they_acknowledged(tmp_path: Path) -> None:
    assert list(crashes(tmp_path, "sound", range(1000))) == [set()] * 1000


@killing
def test_a_store_that_acknowledges_before_it_commits_is_caught(tmp_path: Path) -> None:
    assert any(crashes(tmp_path, "hasty", range(30)))


# kill -9 leaves what the kernel has already taken; a power cut does not. So the order of the calls must be right, too:
#   pwrite64(4</…/s.db-wal>, …)    fdatasync(4</…/s.db-wal>) = 0    write(1<pipe:…>, "17\n", 3)
# A call that lets others go first is in two lines: "fdatasync(4</…> <unfinished ...>", "<... fdatasync resumed>) = 0".
_WRITE = re.compile(r"pwrite64\(\d+<[^>]*-wal>")
_SYNC = re.compile(r"fdatasync\(\d+<[^>]*-wal>\) += 0|fdatasync resumed>")
_SAY = re.compile(r'write\(1<.*"(\d+)\\n"')


def too_early(trace: str) -> list[str]:
    """The acknowledgements that were not each preceded by bytes of its own that had reached the disk."""
    written = safe = False
    early = []
    for line in trace.splitlines():
        if _WRITE.search(line):
            written, safe = True, False
        elif _SYNC.search(line):
            safe = written
        elif said := _SAY.search(line):
            if not safe:
                early.append(said[1])
            written = safe = False
    return early


@killing
@pytest.mark.parametrize("mode", ["sound", "hasty"])
def test_each_acknowledgement_comes_after_the_bytes_reached_the_disk(tmp_path: Path, mode: str) -> None:
    if shutil.which("strace") is None:
        pytest.skip("strace is not here")
    calls = ["strace", "-f", "-y", "-e", "trace=pwrite64,fdatasync,fsync,write", "-o", str(tmp_path / "trace")]
    with running([*calls, *child(tmp_path / "s.db", mode, 1)]) as (process, lines):
        said = list(islice(lines, 200))
        lines.close()  # the next acknowledgement finds nobody to read it, and the child ends
        process.wait(60)
    if not said:
        pytest.skip("strace may not trace here")
    trace = (tmp_path / "trace").read_text(errors="replace")
    assert len(_SAY.findall(trace)) >= 200
    early = too_early(trace)
    assert early == [] if mode == "sound" else len(early) > 100
