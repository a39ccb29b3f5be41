"""A station has its own bundle or is told what is wrong with it, and what the way out is."""

import errno
import os
import random
import shutil
import stat
import sys
from pathlib import Path

import pytest
from msgspec import json
from msgspec.structs import replace

from agent.domain.bundle import Bundle
from agent.domain.keys import pae
from agent.system.files import NotWritten
from agent.system.psk_file import KeyUnusable, load_bundle, save_bundle
from agent.system.wrapping_key import load_key, make_key

posix = pytest.mark.skipif(sys.platform == "win32", reason="owners and modes are POSIX matters")
root = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="giving files away needs root")
OURS = ("demo", "front")


def bundle(gen: int) -> Bundle:
    chance = random.Random(gen)
    return Bundle(
        gen=gen,
        psk_id=chance.randbytes(8),
        psk=chance.randbytes(32),
        not_after=1_700_000_000_000 + gen,
        backup_id=chance.randbytes(8),
        backup=chance.randbytes(32),
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The secrets of a station that holds its first bundle."""
    make_key(tmp_path / "secrets", keyring=False)
    save_bundle(tmp_path / "secrets", *OURS, bundle(1))
    return tmp_path / "secrets"


def refusal(folder: Path, site: str = "demo", station: str = "front") -> KeyUnusable:
    with pytest.raises(KeyUnusable) as told:
        load_bundle(folder, site, station)
    assert told.value.title
    return told.value


def forged(folder: Path, what: Bundle, gen: int) -> None:
    """Write what `save_bundle` refuses to, or what it never would."""
    key, head = load_key(folder), gen.to_bytes(8, "big")
    assert key
    who = (folder / "psk.bin").read_bytes()[14:30]
    data = key.seal(json.encode(what), pae("psk", *OURS, head), head + who)
    (folder / "psk.bin").write_bytes(data)


def test_a_bundle_comes_back_as_it_was_saved(folder: Path) -> None:
    for gen in (2, 3, 4_000_000_000):
        save_bundle(folder, *OURS, bundle(gen))
        assert load_bundle(folder, *OURS) == load_bundle(folder, *OURS, load_key(folder)) == bundle(gen)
    assert sorted(path.name for path in folder.iterdir()) == ["psk.bin", "wrap.key"]


def test_the_file_is_what_its_description_says(folder: Path) -> None:
    data = (folder / "psk.bin").read_bytes()
    assert data[:14] == b"NMRK1\x01" + (1).to_bytes(8, "big")
    assert len(data) == 14 + 16 + 12 + len(json.encode(bundle(1))) + 16


@posix
def test_the_bundle_rests_in_a_file_and_folder_shut_to_others(folder: Path) -> None:
    assert stat.S_IMODE((folder / "psk.bin").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_station_without_a_bundle_is_told_to_ask_for_an_invite(folder: Path) -> None:
    (folder / "psk.bin").unlink()
    assert refusal(folder).fault == "missing"
    assert refusal(folder).message.endswith("Ask IT for an invite and run: nmr enrol INVITE")


@posix
def test_a_bundle_others_could_read_or_that_is_a_link_is_unreadable(folder: Path) -> None:
    (folder / "psk.bin").chmod(0o640)
    assert (refusal(folder).fault, "chmod 600" in refusal(folder).message) == ("unreadable", True)
    (folder / "psk.bin").chmod(0o600)
    (folder / "psk.bin").rename(folder / "moved")
    (folder / "psk.bin").symlink_to(folder / "moved")
    assert (refusal(folder).fault, "is a link" in refusal(folder).message) == ("unreadable", True)


@root
@pytest.mark.parametrize("name", ["psk.bin", "wrap.key", "."])
def test_a_bundle_of_another_account_is_unreadable(folder: Path, name: str) -> None:
    os.chown(folder / name, 65534, 65534)
    assert (refusal(folder).fault, "belongs to somebody else" in refusal(folder).message) == ("unreadable", True)


def test_each_of_five_hundred_flipped_bits_and_each_cut_is_called_damage(folder: Path) -> None:
    path, chance = folder / "psk.bin", random.Random(5)
    whole = path.read_bytes()
    versions = {5}  # a flip of the byte that names the backend may name one that only a newer version knows
    for _ in range(500):
        place, copy = chance.randrange(len(whole)), bytearray(whole)
        copy[place] ^= 1 << chance.randrange(8)
        path.write_bytes(copy)
        assert refusal(folder).fault in ({"damaged", "unreadable"} if place in versions else {"damaged"}), place
    for end in range(30, len(whole)):
        path.write_bytes(whole[:end])
        assert refusal(folder).fault == "damaged", end
    path.write_bytes(whole)
    assert load_bundle(folder, *OURS) == bundle(1)


@pytest.mark.parametrize(("site", "station"), [("demo", "kitchen"), ("other", "front")])
def test_the_bundle_of_another_station_is_called_that(folder: Path, site: str, station: str) -> None:
    assert refusal(folder, site, station).fault == "foreign"


def test_a_bundle_copied_from_another_computer_is_not_opened(folder: Path, tmp_path: Path) -> None:
    make_key(tmp_path / "other", keyring=False)
    save_bundle(tmp_path / "other", *OURS, bundle(7))
    shutil.copy(tmp_path / "other" / "psk.bin", folder)
    assert refusal(folder).fault == "damaged"


def test_a_bundle_without_its_key_is_damaged(folder: Path) -> None:
    (folder / "wrap.key").unlink()
    assert refusal(folder).fault == "damaged"
    with pytest.raises(KeyUnusable):
        save_bundle(folder, *OURS, bundle(2))


def test_a_missing_backup_is_told_as_such(folder: Path) -> None:
    forged(folder, replace(bundle(2), backup=b""), 2)
    assert (refusal(folder).fault, "backup" in refusal(folder).message) == ("damaged", True)


@pytest.mark.parametrize("part", [{"psk": b""}, {"psk": bytes(31)}, {"psk_id": bytes(9)}, {"backup": bytes(16)}])
def test_a_part_of_the_wrong_length_is_damage_and_is_never_written(folder: Path, part: dict[str, bytes]) -> None:
    broken = replace(bundle(2), **part)
    with pytest.raises(ValueError, match="not whole"):
        save_bundle(folder, *OURS, broken)
    assert load_bundle(folder, *OURS) == bundle(1)
    forged(folder, broken, 2)
    assert refusal(folder).fault == "damaged"


def test_a_generation_that_is_another_outside_than_inside_is_damage(folder: Path) -> None:
    forged(folder, bundle(2), 3)
    assert refusal(folder).fault == "damaged"


def test_no_text_of_a_bundle_or_of_what_went_wrong_shows_a_key(folder: Path) -> None:
    broken = replace(bundle(2), backup=b"only half of a backup")
    texts = [repr(broken), str(broken)]
    with pytest.raises(ValueError, match="not whole") as told:
        save_bundle(folder, *OURS, broken)
    texts.append(repr(told.value))
    forged(folder, broken, 2)
    texts += [str(refusal(folder)), repr(refusal(folder))]
    for secret in (broken.psk, broken.backup):
        assert not any(shown in text for shown in (secret.hex(), repr(secret)[2:-1], str(secret)) for text in texts)


def test_what_crashes_left_is_gone_after_loading_and_after_saving(folder: Path) -> None:
    names = ("psk.bin.1.new", "secrets.bin.2.new", "wrap.key.3.new")
    for name in names:
        (folder / name).write_bytes(b"half")
    assert load_bundle(folder, *OURS) == bundle(1)
    (folder / names[0]).write_bytes(b"half")
    save_bundle(folder, *OURS, bundle(2))
    assert sorted(path.name for path in folder.iterdir()) == ["psk.bin", "wrap.key"]


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
@pytest.mark.parametrize("fault", [errno.ENOSPC, errno.EROFS, errno.EIO])
def test_a_disk_that_is_full_or_read_only_leaves_the_old_bundle(
    folder: Path, monkeypatch: pytest.MonkeyPatch, step: str, fault: int
) -> None:
    key = load_key(folder)

    def fails(*_: object, **__: object) -> None:
        raise OSError(fault, os.strerror(fault))

    with monkeypatch.context() as broken:
        broken.setattr(os, step, fails)
        with pytest.raises(NotWritten, match=r"psk\.bin could not be written"):
            save_bundle(folder, *OURS, bundle(2), key)
    assert load_bundle(folder, *OURS) == bundle(1)
    assert sorted(path.name for path in folder.iterdir()) == ["psk.bin", "wrap.key"]
