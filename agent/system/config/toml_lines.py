"""Find the line and the place on which each key of a TOML file stands, which the standard library does not tell."""

import re
import tomllib
from dataclasses import dataclass, field

from agent.system.config.toml_place import Place

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_KEY = re.compile(r"""[A-Za-z0-9_-]+|"(?:\\.|[^"\\])*"|'[^']*'""")
_STRING = re.compile(r""""{3}(?:\\.|[^\\])*?"{3,5}|'{3}.*?'{3,5}|"(?:\\.|[^"\\])*"|'[^']*\'""", re.DOTALL)
_BARE = re.compile(r"[^,\]}#\n]+")


def key_lines(source: str) -> dict[Place, int]:
    """The line (from 1) of every table, key and array element of `source`, which must be valid TOML."""
    return scanned(source).lines


def scanned(source: str) -> "Scanner":
    """Where everything of `source` stands, which must be valid TOML."""
    scanner = Scanner(source)
    scanner.document()
    return scanner


@dataclass
class Scanner:
    """Walks over text that tomllib has accepted, so it need not detect any mistake itself."""

    source: str
    at: int = 0
    lines: dict[Place, int] = field(default_factory=dict)
    pairs: dict[Place, tuple[int, int, int]] = field(default_factory=dict)
    """For each key with a value where it begins, and where its value begins and ends, counted in characters."""
    headers: dict[Place, int] = field(default_factory=dict)
    """For each `[table]` where its header ends."""
    table: Place = ()
    entries: dict[Place, int] = field(default_factory=dict)
    """How many entries each array of tables has so far."""

    def document(self) -> None:
        """Walk over all of it."""
        self._blank()
        while self.at < len(self.source):
            if self.source.startswith("[", self.at):
                self._header()
            else:
                self._pair(self.table)
            self._blank()

    def _header(self) -> None:
        array = self.source.startswith("[[", self.at)
        line = self._line()
        self.at += 2 if array else 1
        place: Place = ()
        keys = self._keys()
        for key in keys[:-1]:
            place = self._into((*place, key))
        self.table = (*place, keys[-1])
        if array:
            self.entries[self.table] = self.entries.get(self.table, 0) + 1
            self.lines.setdefault(self.table, line)
            self.table = self._into(self.table)
        self.lines[self.table] = line
        self.at += 2 if array else 1
        if not array:
            self.headers[self.table] = self.at

    def _into(self, place: Place) -> Place:
        """Where a table's keys go: for an array of tables, its latest entry."""
        count = self.entries.get(place)
        return place if count is None else (*place, count - 1)

    def _pair(self, table: Place) -> None:
        line, began = self._line(), self.at
        place = table
        for key in self._keys():
            place = (*place, key)
            self.lines.setdefault(place, line)
        self.at += 1  # the sign of equality
        self._blank()
        value = self.at
        self._value(place)
        self.pairs[place] = began, value, value + len(self.source[value : self.at].rstrip())

    def _keys(self) -> list[str]:
        """A key with its dots; stops at what follows it."""
        keys = []
        while True:
            self._blank()
            token = self._take(_KEY)
            quoted = token[0] in "\"'"
            keys.append(next(iter(tomllib.loads(f"{token} = 0"))) if quoted else token)
            self._blank()
            if not self.source.startswith(".", self.at):
                return keys
            self.at += 1

    def _value(self, place: Place) -> None:
        self._blank()
        match self.source[self.at]:
            case "[":
                self._array(place)
            case "{":
                self._inline_table(place)
            case '"' | "'":
                self._take(_STRING)
            case _:
                self._take(_BARE)

    def _array(self, place: Place) -> None:
        self.at += 1
        index = 0
        while not self._closed("]"):
            self.lines[(*place, index)] = self._line()
            self._value((*place, index))
            index += 1

    def _inline_table(self, place: Place) -> None:
        self.at += 1
        while not self._closed("}"):
            self._pair(place)

    def _closed(self, bracket: str) -> bool:
        """Step over blanks and a comma; whether the bracket came, which is stepped over too."""
        self._blank()
        if self.source.startswith(",", self.at):
            self.at += 1
            self._blank()
        closed = self.source.startswith(bracket, self.at)
        self.at += closed
        return closed

    def _take(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.source, self.at)
        assert found, f"no TOML at {self.at}"
        self.at = found.end()
        return found[0]

    def _blank(self) -> None:
        found = _BLANK.match(self.source, self.at)
        assert found
        self.at = found.end()

    def _line(self) -> int:
        return self.source.count("\n", 0, self.at) + 1
