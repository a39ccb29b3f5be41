"""Read one TOML file of settings, and tell on which line it is broken."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from agent.system.config.check import Problem, Where
from agent.system.config.layer import Layer, Rank, checked
from agent.system.config.toml_place import Place

_LARGEST_FILE = 256 * 1024


class FileSource:
    """A file that may be there; what reads TOML is loaded where one is."""

    def __init__(self, rank: Rank, file: Path) -> None:
        self.rank: Rank = rank
        self.file = file

    def stamp(self) -> object:
        """What tells that it changed: time, size and inode; None for a missing one."""
        try:
            found = self.file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def read(self, schema: type[msgspec.Struct]) -> Layer:
        """Compare it with the schema; a missing file says nothing, an unreadable one is a mistake."""
        name = str(self.file)
        try:
            source = source_of(self.file)
            raw, lines = _parsed(source)
        except FileNotFoundError:
            return Layer(self.rank, name, {}, lines_of(self.file, {}))
        except (OSError, ValueError, RecursionError) as failure:
            return Layer(self.rank, name, {}, lines_of(self.file, {}), (_unreadable(self.file, failure),))
        return checked(self.rank, name, raw, schema, lines_of(self.file, lines))


def _parsed(source: str) -> tuple[dict[str, Any], dict[Place, int]]:
    import tomllib

    from agent.system.config.toml_lines import key_lines

    return tomllib.loads(source), key_lines(source)


def lines_of(file: Path, lines: Mapping[Place, int]) -> Where:
    """Where each value of a file stands."""

    def where(place: Place) -> tuple[Path, int]:
        while place and place not in lines:
            place = place[:-1]
        return file, lines.get(place, 1)

    return where


def source_of(file: Path) -> str:
    """The text of a file, with or without the mark Windows editors put in front; raises OSError, ValueError."""
    with file.open("rb") as opened:
        content = opened.read(_LARGEST_FILE + 1)
    if len(content) > _LARGEST_FILE:
        raise ValueError(f"larger than {_LARGEST_FILE // 1024} KiB")
    return content.decode("utf-8-sig").replace("\r\n", "\n")


def _unreadable(file: Path, failure: Exception) -> Problem:
    from tomllib import TOMLDecodeError

    match failure:
        case UnicodeDecodeError():
            return Problem(file, failure.object.count(b"\n", 0, failure.start) + 1, "", "not UTF-8; save it as UTF-8")
        case TOMLDecodeError():
            text, line = _told(str(failure))
            return Problem(file, line or source_of(file).rstrip().count("\n") + 1, "", f"no TOML: {text}")
        case RecursionError():
            return Problem(file, 1, "", "nested too deeply")
        case OSError():
            return Problem(file, 1, "", f"cannot be read: {failure.strerror}")
    return Problem(file, 1, "", str(failure))


def _told(failure: str) -> tuple[str, int]:
    """What the parser says, and on which line; 0 where it says that the text ended too early."""
    import re

    line = re.search(r"at line (\d+)", failure)
    return re.sub(r" \(at .*\)$", "", failure), int(line[1]) if line else 0
