"""Secrets come back as they were saved, from a place nobody else can open, or the agent says what to do."""

import random
import stat
import sys
from pathlib import Path

import pytest

from agent.system.secrets import FileVault, SecretsUnreadable, Vault, choose_vault

posix = pytest.mark.skipif(sys.platform == "win32", reason="owners and modes are POSIX matters")
BLOB = bytes(range(256))


def saved(folder: Path) -> Path:
    FileVault().save(folder, BLOB)
    (path,) = folder.iterdir()
    return path


def refusal(folder: Path) -> SecretsUnreadable:
    with pytest.raises(SecretsUnreadable) as told:
        FileVault().load(folder)
    return told.value


def test_the_vault_of_this_computer_says_how_weak_it_is() -> None:
    vault: Vault = choose_vault()
    assert vault.storage == "weak storage"


def test_a_station_not_enrolled_has_no_secrets_and_no_folder(tmp_path: Path) -> None:
    assert FileVault().load(tmp_path / "profile") is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("blob", [b"", b"x", BLOB * 100])
def test_secrets_come_back_as_they_were_saved(tmp_path: Path, blob: bytes) -> None:
    vault = FileVault()
    vault.save(tmp_path / "profile", BLOB)
    vault.save(tmp_path / "profile", blob)
    assert vault.load(tmp_path / "profile") == blob
    assert len(list((tmp_path / "profile").iterdir())) == 1


@posix
def test_secrets_rest_in_a_file_and_folder_shut_to_others(tmp_path: Path) -> None:
    (tmp_path / "profile").mkdir(mode=0o755)
    path = saved(tmp_path / "profile")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@posix
def test_secrets_others_could_read_are_refused_and_the_command_is_told(tmp_path: Path) -> None:
    path = saved(tmp_path)
    path.chmod(0o644)
    assert f"chmod 600 {path}" in refusal(tmp_path).message


@posix
def test_secrets_behind_a_link_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "real")
    (tmp_path / "profile").mkdir()
    (tmp_path / "profile" / path.name).symlink_to(path)
    (tmp_path / "folder").symlink_to(tmp_path / "real")
    assert "is a link" in refusal(tmp_path / "profile").message
    assert "is a link" in refusal(tmp_path / "folder").message


def test_every_cut_and_flipped_bit_shows(tmp_path: Path) -> None:
    path = saved(tmp_path)
    whole, chance = path.read_bytes(), random.Random(8)
    flipped = [bytearray(whole) for _ in range(500)]
    for copy in flipped:
        copy[chance.randrange(len(copy))] ^= 1 << chance.randrange(8)
    for damaged in [bytes(copy) for copy in flipped] + [whole[:end] for end in range(len(whole))]:
        path.write_bytes(damaged)
        assert "enrol" in refusal(tmp_path).message


def test_secrets_of_a_newer_version_are_not_called_damaged(tmp_path: Path) -> None:
    path = saved(tmp_path)
    path.write_bytes(b"NMRK1\x01" + path.read_bytes()[6:])
    assert refusal(tmp_path).code == "secrets-too-new"
