"""Files are whole or not there, and what must be ours alone is."""

import errno
import os
import stat
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.system import files
from agent.system.files import (
    NotPrivate,
    NotRead,
    NotWritten,
    clean_leftovers,
    private_folder,
    read_private,
    write_atomically,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="owners and modes are POSIX matters")
root = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="giving files away needs root")


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_written_file_has_the_new_content_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "key"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert names(tmp_path) == ["key"]


@posix
def test_a_written_file_has_its_mode_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        write_atomically(tmp_path / "open", b"", 0o644)
        os.umask(0)
        write_atomically(tmp_path / "shut", b"")
    finally:
        os.umask(before)
    assert (mode(tmp_path / "open"), mode(tmp_path / "shut")) == (0o644, 0o600)


@pytest.mark.parametrize("step", ["fsync", "open"])
def test_a_failed_write_leaves_the_old_file_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "key"
    write_atomically(path, b"old")
    monkeypatch.setattr(os, step, no_space)
    with pytest.raises(NotWritten, match="No space left") as told:
        write_atomically(path, b"new")
    monkeypatch.undo()
    assert told.value.title == "key could not be written"
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["key"]


def test_content_reaches_the_disk_before_its_name_and_its_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deeds: list[str] = []

    def noting(name: str, deed: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*given: Any, **named: Any) -> Any:
            deeds.append(name)
            return deed(*given, **named)

        return noted

    monkeypatch.setattr(os, "fsync", noting("sync", os.fsync))
    monkeypatch.setattr(Path, "replace", noting("rename", Path.replace))
    write_atomically(tmp_path / "key", b"content")
    assert deeds == (["sync", "rename"] if sys.platform == "win32" else ["sync", "rename", "sync"])


@pytest.mark.parametrize("moments", [2, 99])
def test_a_file_held_for_a_moment_by_another_program_is_replaced_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moments: int
) -> None:
    left = [moments]
    replace = Path.replace

    def held(new: Path, path: Path) -> Path:
        left[0] -= 1
        if left[0] >= 0:
            raise PermissionError(errno.EACCES, "Permission denied")
        return replace(new, path)

    monkeypatch.setattr(Path, "replace", held)
    monkeypatch.setattr(files, "_PAUSES", (0.001,) * 4)
    if moments > 4:
        with pytest.raises(NotWritten):
            write_atomically(tmp_path / "key", b"x")
        assert names(tmp_path) == []
    else:
        write_atomically(tmp_path / "key", b"x")
        assert (tmp_path / "key").read_bytes() == b"x"


def test_leftovers_go_and_everything_else_stays(tmp_path: Path) -> None:
    for name in ("key", "key.12.new", "other.new"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder.new").mkdir()
    clean_leftovers(tmp_path)
    assert names(tmp_path) == ["folder.new", "key"]


@posix
def test_a_private_folder_is_made_with_its_parents_and_shut_to_others(tmp_path: Path) -> None:
    folder = private_folder(tmp_path / "a" / "b")
    assert mode(folder) == 0o700
    folder.chmod(0o755)
    assert mode(private_folder(folder)) == 0o700


@posix
@pytest.mark.parametrize("target", ["there", "nowhere"])
def test_a_private_folder_is_never_a_link(tmp_path: Path, target: str) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / target)
    with pytest.raises(NotPrivate, match="link"):
        private_folder(tmp_path / "link")


def test_a_private_folder_is_never_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(NotPrivate, match="is not a folder"):
        private_folder(tmp_path / "file")


@root
def test_a_private_folder_or_file_of_somebody_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    write_atomically(tmp_path / "file", b"theirs")
    for path in (tmp_path / "folder", tmp_path / "file"):
        os.chown(path, 65534, 65534)
    with pytest.raises(NotPrivate, match="belongs to somebody else"):
        private_folder(tmp_path / "folder")
    with pytest.raises(NotPrivate, match="belongs to somebody else"):
        read_private(tmp_path / "file")


def test_a_private_file_reads_as_it_was_written_and_as_none_where_there_is_none(tmp_path: Path) -> None:
    write_atomically(tmp_path / "key", b"\r\n\x1a\x00")
    assert read_private(tmp_path / "key") == b"\r\n\x1a\x00"
    assert read_private(tmp_path / "none") is None


@posix
def test_a_private_file_open_to_others_linked_or_no_file_is_refused(tmp_path: Path) -> None:
    write_atomically(tmp_path / "open", b"x", 0o640)
    (tmp_path / "link").symlink_to(tmp_path / "open")
    os.mkfifo(tmp_path / "pipe", 0o600)
    for name, why in (("open", "open to others"), ("link", "is a link"), ("pipe", "is not a file")):
        with pytest.raises(NotPrivate, match=why):
            read_private(tmp_path / name)


def test_a_private_file_too_long_to_be_ours_is_not_read(tmp_path: Path) -> None:
    write_atomically(tmp_path / "key", b"12345")
    assert read_private(tmp_path / "key", limit=5) == b"12345"
    with pytest.raises(NotRead, match="longer than 4"):
        read_private(tmp_path / "key", limit=4)
