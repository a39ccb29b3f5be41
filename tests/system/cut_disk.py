"""A disk whose power can be cut: notes what is done to one folder, and makes what may be left of it afterwards.

Until a file is synced it may hold anything that was on its way; until a folder is synced each change of a name may be
there or not. That is harsher than most file systems, and what POSIX promises.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import pytest


@dataclass(eq=False)
class _File:
    """One file, under whatever name: what it held when the recording began, and what at its end."""

    before: bytes | None = None
    content: bytes = b""


@dataclass
class Recording:
    """What was done, in order: "open" and "sync" of a file, "name" of some names, "sync folder"."""

    folder: Path
    deeds: list[tuple[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._files: dict[int, _File] = {}
        self._names: dict[str, _File | None] = {}
        for path in self.folder.iterdir():
            held = path.read_bytes()
            self._names[path.name] = self._files[path.stat().st_ino] = _File(held, held)

    def opened(self, path: Any, flags: int, *rest: Any) -> int:
        """`os.open`."""
        there = Path(path).exists()
        descriptor = _open(path, flags, *rest)
        if flags & (os.O_CREAT | os.O_TRUNC) and Path(path).parent == self.folder:
            one = self._files.setdefault(os.fstat(descriptor).st_ino, _File())
            self.deeds.append(("open", one))
            if not there:
                self.deeds.append(("name", {Path(path).name: one}))
        return descriptor

    def fsync(self, descriptor: int) -> None:
        """`os.fsync`."""
        _fsync(descriptor)
        number = os.fstat(descriptor).st_ino
        folder = number == self.folder.stat().st_ino
        self.deeds.append(("sync folder", None) if folder else ("sync", self._files[number]))

    def replace(self, old: Any, new: Any) -> None:
        """`os.replace`."""
        one = self._files[Path(old).stat().st_ino]
        _replace(old, new)
        self.deeds.append(("name", {Path(old).name: None, Path(new).name: one}))

    def unlink(self, path: Any) -> None:
        """`os.unlink`; the number of a file that is gone may be another one's soon."""
        self._files.pop(Path(path).stat().st_ino, None)
        _unlink(path)
        self.deeds.append(("name", {Path(path).name: None}))

    def end(self) -> None:
        """Look what everything holds at last."""
        for path in self.folder.iterdir():
            self._files[path.stat().st_ino].content = path.read_bytes()

    def cut(self, left: Path, after: int, chance: Random) -> None:
        """Make `left` what the folder may be when the power goes after the first `after` deeds."""
        names = dict(self._names)
        holds: dict[_File, bytes | None] = {one: one.before for one in names.values() if one}
        loose: list[dict[str, _File | None]] = []
        for deed, what in self.deeds[:after]:
            if deed == "name":
                loose.append(what)
            elif deed == "sync folder":
                for change in loose:
                    names.update(change)
                loose = []
            else:
                holds[what] = what.content if deed == "sync" else None
        for change in _some(loose, chance):
            names.update(change)
        for name, one in names.items():
            if one is not None:
                held = holds[one]
                (left / name).write_bytes(_half(one, chance) if held is None else held)
                (left / name).chmod(0o600)


_open, _fsync, _replace, _unlink = os.open, os.fsync, os.replace, os.unlink


@contextmanager
def recording(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Recording]:
    """Note what this process does to the files of `folder`."""
    tape = Recording(folder)
    with monkeypatch.context() as listening:
        listening.setattr(os, "open", tape.opened)
        listening.setattr(os, "fsync", tape.fsync)
        listening.setattr(os, "replace", tape.replace)
        listening.setattr(os, "unlink", tape.unlink)
        yield tape
    tape.end()


def _some(loose: list[dict[str, _File | None]], chance: Random) -> list[dict[str, _File | None]]:
    """Which changes of names reached the disk: the first of them, as with a journal, or any."""
    if chance.random() < 0.5:
        return loose[: chance.randrange(len(loose) + 1)]
    return [change for change in loose if chance.random() < 0.5]


def _half(one: _File, chance: Random) -> bytes:
    """What may be in a file that was written and not synced."""
    whole, end = one.content, chance.randrange(len(one.content) + 1)
    rests = [b"", whole[:end], whole[:end] + bytes(len(whole) - end), chance.randbytes(len(whole)), whole]
    return chance.choice(rests if one.before is None else [*rests, one.before])
