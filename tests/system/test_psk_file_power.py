"""When the power goes while a bundle is replaced, the old one or the new one is there: never neither, never half."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from agent.system import files, psk_file
from agent.system.crash import EXIT_CODE
from agent.system.files import write_atomically
from agent.system.psk_file import KeyUnusable, load_bundle, save_bundle
from agent.system.wrapping_key import WrappingKey, make_key
from tests.system.cut_disk import Recording, recording
from tests.system.test_psk_file import OURS, bundle

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="descriptors of folders are a POSIX matter")
CUTS = 1000
Write = Callable[..., None]


def beside(path: Path) -> Path:
    """Where the new one is written first."""
    return path.with_name(f"{path.name}.0.new")


def in_place(path: Path, data: bytes, **_: object) -> None:
    """Weak: writes over the old bundle."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.write(descriptor, data)
    os.fsync(descriptor)
    os.close(descriptor)


def unsynced(path: Path, data: bytes, **_: object) -> None:
    """Weak: the name may reach the disk before what it names."""
    descriptor = os.open(beside(path), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    os.write(descriptor, data)
    os.close(descriptor)
    beside(path).replace(path)
    files.sync_folder(path.parent)


def nameless(path: Path, data: bytes, **_: object) -> None:
    """Weak: what it names is safe, the name itself is not."""
    files._write_synced(beside(path), data, 0o600)
    beside(path).replace(path)


def removed_first(path: Path, data: bytes, **_: object) -> None:
    """Weak: there is a moment without any bundle."""
    files._write_synced(beside(path), data, 0o600)
    path.unlink()
    files.sync_folder(path.parent)
    files.swap_in(beside(path), path)


def replaced(folder: Path, gen: int, key: WrappingKey, monkeypatch: pytest.MonkeyPatch) -> Recording:
    """What is done to the disk while generation `gen` takes the place of the one before."""
    with recording(folder, monkeypatch) as tape:
        save_bundle(folder, *OURS, bundle(gen), key)
    return tape


def lost(tmp_path: Path, write: Write, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Cut the power at random moments; what is wrong with what was left."""
    folder, chance, wrong = tmp_path / "secrets", Random(77), list[str]()
    key = make_key(folder, keyring=False)
    save_bundle(folder, *OURS, bundle(1), key)
    monkeypatch.setattr(psk_file, "write_atomically", write)
    for turn in range(CUTS):
        if turn % 50 == 0:
            gen = 2 + turn // 50
            if chance.random() < 0.5:
                (folder / f"psk.bin.{turn}.new").write_bytes(b"of a crash before")
            tape = replaced(folder, gen, key, monkeypatch)
        after, left = chance.randrange(len(tape.deeds) + 1), tmp_path / "left" / str(turn)
        left.mkdir(mode=0o700, parents=True)
        tape.cut(left, after, chance)
        try:
            found = load_bundle(left, *OURS).gen
        except KeyUnusable as error:
            wrong.append(f"{error.fault} after {after}")
        else:
            allowed = (gen,) if after == len(tape.deeds) else (gen - 1, gen)
            wrong += [] if found in allowed else [f"generation {found} after {after}"]
            wrong += [path.name for path in left.glob("*.new")]
    return wrong


def test_a_thousand_power_cuts_leave_the_old_bundle_or_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lost(tmp_path, write_atomically, monkeypatch) == []


@pytest.mark.parametrize("weak", [in_place, unsynced, nameless, removed_first])
def test_a_careless_replacement_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weak: Write) -> None:
    assert len(lost(tmp_path, weak, monkeypatch)) >= 5


def test_the_cut_disk_sees_every_step_of_a_replacement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key = make_key(tmp_path / "secrets", keyring=False)
    save_bundle(tmp_path / "secrets", *OURS, bundle(1), key)
    tape = replaced(tmp_path / "secrets", 2, key, monkeypatch)
    assert [deed for deed, _ in tape.deeds] == ["open", "name", "sync", "name", "sync folder"]


SAVE = """
import sys
from pathlib import Path
from agent.system.psk_file import save_bundle
from tests.system.test_psk_file import OURS, bundle
save_bundle(Path(sys.argv[1]), *OURS, bundle(2))
"""


@pytest.mark.parametrize(("name", "gen", "leftovers"), [("before", 1, 0), ("written", 1, 1), ("after", 2, 0)])
def test_a_process_killed_at_a_named_point_leaves_the_bundle_of_that_moment(
    tmp_path: Path, name: str, gen: int, leftovers: int
) -> None:
    make_key(tmp_path, keyring=False)
    save_bundle(tmp_path, *OURS, bundle(1))
    killed = subprocess.run(
        [sys.executable, "-c", SAVE, str(tmp_path)],
        env={**os.environ, "NMR_KILL_AT": f"station.write.bundle.{name}:1"},
        stdin=subprocess.DEVNULL,
    )
    assert killed.returncode == EXIT_CODE
    assert len(list(tmp_path.glob("*.new"))) == leftovers
    assert load_bundle(tmp_path, *OURS) == bundle(gen)
    assert list(tmp_path.glob("*.new")) == []


def test_what_was_read_once_is_still_there_when_the_power_goes_after_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever wrote it was killed before its name was safe; the hub may have heard of it since."""
    folder = tmp_path / "secrets"
    key = make_key(folder, keyring=False)
    save_bundle(folder, *OURS, bundle(1), key)
    with monkeypatch.context() as dying, recording(folder, monkeypatch) as tape:
        dying.setattr(psk_file, "write_atomically", nameless)
        save_bundle(folder, *OURS, bundle(2), key)
        assert load_bundle(folder, *OURS).gen == 2
    for turn in range(20):
        left = tmp_path / "left" / str(turn)
        left.mkdir(mode=0o700, parents=True)
        tape.cut(left, len(tape.deeds), Random(turn))
        assert load_bundle(left, *OURS).gen == 2
