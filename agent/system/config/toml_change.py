"""Change one key in the text of a TOML file; everything else, comments above all, stays as it was."""

import re
import tomllib
from collections.abc import Iterator
from typing import Any

from agent.system.config.check import written
from agent.system.config.layer import put, value_at
from agent.system.config.toml_lines import Scanner, scanned
from agent.system.config.toml_place import Place


class CannotChange(Exception):
    """The text is written in a way that only a person can change."""


def with_value(source: str, place: Place, value: Any) -> str:
    """`source` (valid TOML) with that key set; raises CannotChange."""
    wanted, text = tomllib.loads(source), written(value)
    put(wanted, place, tomllib.loads(f"value = {text}")["value"])
    return _first_that_says(wanted, _settings(source, place, text))


def without(source: str, place: Place) -> str:
    """`source` (valid TOML) without that key; raises CannotChange."""
    wanted = tomllib.loads(source)
    table = value_at(wanted, place[:-1])
    if not isinstance(table, dict) or place[-1] not in table:
        return source
    del table[place[-1]]
    return _first_that_says(_tidied(wanted), _removals(source, place))


def _first_that_says(wanted: dict[str, Any], candidates: Iterator[str]) -> str:
    for candidate in candidates:
        try:
            said = tomllib.loads(candidate)
        except tomllib.TOMLDecodeError:
            continue
        if wanted in (said, _tidied(said)):
            return candidate
    raise CannotChange


def _settings(source: str, place: Place, value: str) -> Iterator[str]:
    """Ways to set the key, the tidiest first; not all of them are right for every file."""
    found = scanned(source)
    if place in found.pairs:
        _, began, ended = found.pairs[place]
        yield source[:began] + value + source[ended:]
        return
    *tables, name = place
    line = f"{name} = {value}"
    if tuple(tables) in found.headers:
        end = _end_of_table(source, found, tuple(tables))
        yield f"{source[:end]}\n{line}{source[end:]}"
    header = f"[{'.'.join(map(str, tables))}]\n" if tables else ""
    gap = "\n" if source.strip() and header else ""
    yield f"{_ended(source)}{gap}{header}{line}\n"
    yield f"{'.'.join(map(str, place))} = {value}\n{source}"
    for depth in range(len(tables), 0, -1):
        _, began, ended = found.pairs.get(place[:depth], (0, 0, 0))
        if source[began:ended].startswith("{"):
            inside = source[began + 1 : ended - 1].strip()
            rest = f"{'.'.join(map(str, place[depth:]))} = {value}"
            yield f"{source[:began]}{{ {inside}{', ' if inside else ''}{rest} }}{source[ended:]}"


def _end_of_table(source: str, found: Scanner, table: Place) -> int:
    """Where the last pair of a `[table]` ends, its comment included; at first that is the header."""
    ends = [
        end for place, (_, _, end) in found.pairs.items() if place[: len(table)] == table and len(place) > len(table)
    ]
    following = [at for at in found.headers.values() if at > found.headers[table]]
    own = [end for end in ends if found.headers[table] < end < min(following, default=len(source) + 1)]
    last = max(own, default=found.headers[table])
    line_end = source.find("\n", last)
    return len(source) if line_end < 0 else line_end


def _removals(source: str, place: Place) -> Iterator[str]:
    found = scanned(source)
    if place not in found.pairs:
        return
    began, _, ended = found.pairs[place]
    line = source.rfind("\n", 0, began) + 1
    line_end = source.find("\n", ended)
    yield source[:line] + ("" if line_end < 0 else source[line_end + 1 :])
    yield source[:began] + re.sub(r"^\s*,\s*", "", source[ended:])
    yield re.sub(r"\s*,\s*$", " ", source[:began]) + source[ended:].lstrip()


def _tidied(values: dict[str, Any]) -> dict[str, Any]:
    """Without empty tables: an empty `[ring]` says nothing."""
    inner = {key: _tidied(value) if isinstance(value, dict) else value for key, value in values.items()}
    return {key: value for key, value in inner.items() if value != {}}


def _ended(source: str) -> str:
    return source if not source or source.endswith("\n") else f"{source}\n"
