"""Read one TOML file of settings, and tell on which line it is broken."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from agent.system.config_check import Problem, Where
from agent.system.config_layer import Layer, Rank, checked
from agent.system.toml_lines import Place, key_lines

_LARGEST_FILE = 256 * 1024


@dataclass(frozen=True, slots=True)
class FileSource:
    """A file that may be there."""

    rank: Rank
    file: Path

    def stamp(self) -> object:
        """What tells that it changed: time, size and inode; None for a missing one."""
        try:
            found = self.file.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_size, found.st_ino

    def read(self, schema: type[msgspec.Struct]) -> Layer:
        """Compare it with the schema; a missing file says nothing, an unreadable one is a mistake."""
        try:
            source = source_of(self.file)
            raw = tomllib.loads(source)
            lines = key_lines(source)
        except FileNotFoundError:
            return Layer(self.rank, str(self.file), {}, lines_of(self.file, {}))
        except (OSError, ValueError, RecursionError) as failure:
            return Layer(self.rank, str(self.file), {}, lines_of(self.file, {}), (_unreadable(self.file, failure),))
        return checked(self.rank, str(self.file), raw, schema, lines_of(self.file, lines))


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
    match failure:
        case UnicodeDecodeError():
            return Problem(file, failure.object.count(b"\n", 0, failure.start) + 1, "", "not UTF-8; save it as UTF-8")
        case tomllib.TOMLDecodeError():
            text = re.sub(r" \(at .*\)$", "", str(failure))
            return Problem(file, _line_of(failure, file), "", f"no TOML: {text}")
        case RecursionError():
            return Problem(file, 1, "", "nested too deeply")
        case OSError():
            return Problem(file, 1, "", f"cannot be read: {failure.strerror}")
    return Problem(file, 1, "", str(failure))


def _line_of(failure: tomllib.TOMLDecodeError, file: Path) -> int:
    """The parser tells the line in its message, or that the text ended too early."""
    told = re.search(r"at line (\d+)", str(failure))
    return int(told[1]) if told else source_of(file).rstrip().count("\n") + 1
