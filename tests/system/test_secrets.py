"""Secrets come back as they were saved, from a place nobody else can open, or the agent says what to do."""

import os
import random
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.domain.keys import pae
from agent.system.secrets import load_secrets, save_secrets
from agent.system.wrapping_key import SecretsUnreadable, load_key, make_key, storage_of

posix = pytest.mark.skipif(sys.platform == "win32", reason="owners and modes are POSIX matters")
root = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="giving files away needs root")
BLOB = bytes(range(256))
FILES = ["secrets.bin", "wrap.key"]


def saved(folder: Path) -> Path:
    save_secrets(folder, BLOB, make_key(folder, keyring=False))
    return folder / "secrets.bin"


def refusal(folder: Path) -> SecretsUnreadable:
    with pytest.raises(SecretsUnreadable) as told:
        load_secrets(folder)
    return told.value


def test_a_station_not_enrolled_has_no_secrets_and_no_folder(tmp_path: Path) -> None:
    assert load_secrets(tmp_path / "profile") is None
    assert load_key(tmp_path / "profile") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("blob", [b"", b"x", BLOB * 100])
def test_secrets_come_back_as_they_were_saved(tmp_path: Path, blob: bytes) -> None:
    saved(tmp_path)
    key = load_key(tmp_path)
    assert key
    save_secrets(tmp_path, blob, key)
    assert load_secrets(tmp_path) == load_secrets(tmp_path, key) == blob
    assert sorted(path.name for path in tmp_path.iterdir()) == FILES


def test_without_a_session_bus_the_key_rests_in_a_file_and_the_storage_is_called_weak(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.system.os_keyring._environment", lambda: None)
    assert make_key(tmp_path, keyring=True) == load_key(tmp_path)
    assert storage_of(tmp_path) == storage_of(tmp_path / "empty") == "weak storage"


def test_the_sealed_file_shows_nothing_of_the_secrets_and_the_key_nothing_of_itself(tmp_path: Path) -> None:
    assert BLOB[:16] not in saved(tmp_path).read_bytes()
    key = load_key(tmp_path)
    assert key
    assert repr(key) == "WrappingKey(backend=1)"


@posix
def test_secrets_rest_in_files_and_a_folder_shut_to_others(tmp_path: Path) -> None:
    (tmp_path / "profile").mkdir(mode=0o755)
    folder = saved(tmp_path / "profile").parent
    assert [stat.S_IMODE((folder / name).stat().st_mode) for name in FILES] == [0o600, 0o600]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@posix
@pytest.mark.parametrize("name", FILES)
def test_secrets_others_could_read_are_refused_and_the_command_is_told(tmp_path: Path, name: str) -> None:
    saved(tmp_path)
    (tmp_path / name).chmod(0o644)
    assert f"chmod 600 {tmp_path / name}" in refusal(tmp_path).message
    assert not refusal(tmp_path).lost


@posix
@pytest.mark.parametrize("name", FILES)
def test_secrets_behind_a_link_are_refused(tmp_path: Path, name: str) -> None:
    folder = saved(tmp_path / "profile").parent
    (folder / name).rename(tmp_path / name)
    (folder / name).symlink_to(tmp_path / name)
    (tmp_path / "folder").symlink_to(saved(tmp_path / "real").parent)
    assert "is a link" in refusal(folder).message
    assert "is a link" in refusal(tmp_path / "folder").message


@root
@pytest.mark.parametrize("name", [*FILES, "."])
def test_secrets_of_somebody_else_are_refused(tmp_path: Path, name: str) -> None:
    folder = saved(tmp_path / "profile").parent
    os.chown(folder / name, 65534, 65534)
    assert "belongs to somebody else" in refusal(folder).message


@pytest.mark.parametrize("name", FILES)
def test_every_cut_and_flipped_bit_shows(tmp_path: Path, name: str) -> None:
    saved(tmp_path)
    path, chance = tmp_path / name, random.Random(8)
    whole = path.read_bytes()
    flipped = [bytearray(whole) for _ in range(500)]
    for copy in flipped:
        copy[chance.randrange(len(copy))] ^= 1 << chance.randrange(8)
    for damaged in [bytes(copy) for copy in flipped] + [whole[:end] for end in range(len(whole))]:
        path.write_bytes(damaged)
        assert "nmr enrol INVITE" in refusal(tmp_path).message or refusal(tmp_path).code == "secrets-too-new"


def test_secrets_without_their_key_are_lost_for_good(tmp_path: Path) -> None:
    saved(tmp_path)
    (tmp_path / "wrap.key").unlink()
    assert refusal(tmp_path).lost


@pytest.mark.parametrize("swap", ["secrets.bin", "wrap.key"])
def test_secrets_of_one_profile_do_not_open_with_the_key_of_another(tmp_path: Path, swap: str) -> None:
    saved(tmp_path / "a"), saved(tmp_path / "b")
    (tmp_path / "a" / swap).replace(tmp_path / "b" / swap)
    assert refusal(tmp_path / "b").code == "secrets-damaged"


def test_what_is_sealed_for_one_purpose_opens_for_no_other(tmp_path: Path) -> None:
    key = make_key(tmp_path, keyring=False)
    (tmp_path / "secrets.bin").write_bytes(key.seal(BLOB, pae("enrol")))
    (tmp_path / "secrets.bin").chmod(0o600)
    assert refusal(tmp_path).code == "secrets-damaged"


@pytest.mark.parametrize(("backend", "code"), [(b"\x00", "secrets-too-old"), (b"\x09", "secrets-too-new")])
def test_secrets_of_another_version_are_not_called_damaged(tmp_path: Path, backend: bytes, code: str) -> None:
    path = saved(tmp_path)
    path.write_bytes(b"NMRK1" + backend + path.read_bytes()[6:])
    assert refusal(tmp_path).code == code


def test_what_a_crash_left_is_gone_after_the_next_write(tmp_path: Path) -> None:
    saved(tmp_path)
    leave: Callable[[str], int] = lambda name: (tmp_path / name).write_bytes(b"half")  # noqa: E731
    leave("secrets.bin.7.new"), leave("wrap.key.7.new"), leave("ledger.pin.7.new")
    saved(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ledger.pin.7.new", *FILES]
