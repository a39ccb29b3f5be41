"""Two agents with one mailbox on one computer never send at the same time."""

import subprocess
import sys
import tempfile
from itertools import pairwise
from pathlib import Path

import pytest

from agent.links.mail.settings import MailSettings, Pace
from agent.links.mail.turn import NoTurn, Turn
from agent.wire.keys import Identity
from tests.links.mail.scene import SITE

# Takes the lock 25 times (or not at all, if weak) and writes before and after into one file.
SENDS = """
import os, sys, time
from contextlib import nullcontext
from agent.links.mail.settings import MailSettings
from agent.links.mail.turn import Turn
from agent.wire.keys import Identity

me, log, weak = sys.argv[1], os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT), sys.argv[3] == "weak"
turn = Turn(MailSettings(Identity.new("site", me), "shop@mail.test", ("mail.test", 993), ("mail.test", 465)))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(25):
    with nullcontext() if weak else turn.taken():
        os.write(log, f"+{me}\\n".encode())
        time.sleep(0.003)
        os.write(log, f"-{me}\\n".encode())
"""


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setenv("TEMP", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def overlaps(folder: Path, kind: str) -> int:
    """How often two processes were sending at once."""
    log = folder / "log"
    words = [[sys.executable, "-c", SENDS, me, str(log), kind] for me in ("anna", "bert")]
    running = [subprocess.Popen(one, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for one in words]
    for one in running:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in running:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    for one in running:
        one.communicate(timeout=60)
        assert one.returncode == 0
    lines = log.read_text().split()
    assert len(lines) == 100
    return sum(first[0] == "+" == second[0] for first, second in pairwise(lines))


def turn(address: str = "shop@mail.test", patience: float = 0.2) -> Turn:
    me = Identity.new(SITE, "anna")
    return Turn(MailSettings(me, address, ("mail.test", 993), ("mail.test", 465), pace=Pace(turn=patience)))


def test_two_processes_take_turns(tmp_path: Path) -> None:
    assert overlaps(tmp_path, "strong") == 0


def test_without_the_lock_they_would_not(tmp_path: Path) -> None:
    assert overlaps(tmp_path, "weak") > 0


def test_who_waits_too_long_gives_up_and_gets_it_when_it_is_free() -> None:
    first, second = turn(), turn("SHOP@mail.test")
    with first.taken():
        with pytest.raises(NoTurn), second.taken():
            pytest.fail("both have it")
        with turn("other@mail.test").taken():
            pass
    with second.taken():
        pass


def test_its_name_does_not_say_whose_mailbox_it_is() -> None:
    assert "shop" not in turn().file.name
    assert turn().file.name != turn("other@mail.test").file.name


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
def test_a_link_somebody_laid_there_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    taken = turn()
    taken.file.symlink_to(tmp_path / "precious")
    with taken.taken():
        pass
    assert (tmp_path / "precious").read_text() == "precious"
