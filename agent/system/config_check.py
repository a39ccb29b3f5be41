"""Compare a configuration file with the schema: every problem at once, with its line and what is allowed."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import NODEFAULT, Struct
from msgspec.inspect import (
    BoolType,
    Field,
    FloatType,
    IntType,
    LiteralType,
    Metadata,
    StrType,
    StructType,
    Type,
    VarTupleType,
    type_info,
)

from agent.system.toml_lines import Place

_SHOWN = 60
_LONGEST_NUMBER = 64


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong or unknown in a file; `line` counts from 1, `key` is "" where no key is to blame."""

    file: Path
    line: int
    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.key + ': ' if self.key else ''}{self.text}"


@dataclass(frozen=True, slots=True)
class Setting:
    """One leaf of the schema as people see it."""

    key: str
    allowed: str
    about: str
    default: Any
    required: bool
    table_about: str
    """One line about the table it stands in."""


def check(
    raw: Mapping[str, Any], schema: type[Struct], file: Path, lines: Mapping[Place, int]
) -> tuple[dict[str, Any], list[Problem], list[Problem]]:
    """The values of one file that are in order, its mistakes, and its unknown keys."""
    checker = _Checker(file, lines)
    values = checker.table(raw, _struct(schema), ())
    return values, checker.mistakes, checker.unknown


def settings(schema: type[Struct]) -> Iterator[Setting]:
    """Every setting of the schema in its order; those of an array of tables have keys such as `quick_page[].to`."""
    yield from _settings(_struct(schema), "")


def spoken(place: Place) -> str:
    """`("quick_page", 0, "to")` as people read it: `quick_page[1].to`."""
    return "".join(f"[{key + 1}]" if isinstance(key, int) else f".{_bare_or_quoted(key)}" for key in place)[1:]


def _bare_or_quoted(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)


def written(value: Any) -> str:
    """A value as it stands in a TOML file."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {written(one)}" for key, one in value.items()) + " }" if value else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, str | bool):
        return json.dumps(value, ensure_ascii=False)
    # Python refuses to print numbers of thousands of digits
    return hex(value) if isinstance(value, int) and value.bit_length() > _LONGEST_NUMBER else str(value)


def _struct(schema: type[Struct]) -> StructType:
    found = type_info(schema)
    assert isinstance(found, StructType)
    return found


def _settings(table: StructType, prefix: str) -> Iterator[Setting]:
    for one in table.fields:
        key, (bare, extra) = prefix + one.encode_name, _unwrap(one.type)
        if isinstance(bare, StructType):
            yield from _settings(bare, f"{key}.")
        elif isinstance(bare, VarTupleType) and isinstance(bare.item_type, StructType):
            yield from _settings(bare.item_type, f"{key}[].")
        else:
            default = () if one.default is NODEFAULT else one.default
            about = extra.get("description", "")
            yield Setting(key, _allowed(bare, extra), about, default, one.required, table.cls.__doc__ or "")


def _unwrap(kind: Type) -> tuple[Type, dict[str, Any]]:
    """The type without its Metadata, and what that said: description, allowed, check."""
    if not isinstance(kind, Metadata):
        return kind, {}
    return kind.type, (kind.extra_json_schema or {}) | (kind.extra or {})


def _allowed(bare: Type, extra: Mapping[str, Any]) -> str:
    """What may stand there, in words."""
    match bare:
        case BoolType():
            return "true or false"
        case IntType() | FloatType():
            return f"a {'whole ' * isinstance(bare, IntType)}number from {bare.ge} to {bare.le}"
        case LiteralType():
            *most, last = map(written, bare.values)
            return f"{', '.join(most)} or {last}"
        case VarTupleType():
            return f"a list of at most {bare.max_length}, each {_allowed(*_unwrap(bare.item_type))}"
        case StructType():
            return "a table"
    return str(extra["allowed"])


def _fits(value: object, bare: Type, extra: Mapping[str, Any]) -> bool:
    match bare:
        case BoolType():
            return isinstance(value, bool)
        case IntType():
            return type(value) is int and (bare.ge or 0) <= value <= (bare.le or 0)
        case FloatType():
            return type(value) in (int, float) and (bare.ge or 0) <= value <= (bare.le or 0)  # type: ignore[operator]
        case LiteralType():
            return value in bare.values
        case StrType():
            right: Callable[[str], bool] = extra["check"]
            return isinstance(value, str) and right(value)
    return False


@dataclass
class _Checker:
    """Walks through one file's values and the schema side by side."""

    file: Path
    lines: Mapping[Place, int]
    mistakes: list[Problem] = field(default_factory=list)
    unknown: list[Problem] = field(default_factory=list)

    def table(self, raw: Mapping[str, Any], kind: StructType, place: Place) -> dict[str, Any]:
        fields = {one.encode_name: one for one in kind.fields}
        values = {}
        for key, value in raw.items():
            if key in fields:
                values[key] = self._value(value, fields[key].type, (*place, key))
            else:
                self.unknown.append(self._problem((*place, key), "unknown, ignored" + _nearest(key, fields)))
        for key, one in fields.items():
            if one.required and key not in raw:
                allowed = _allowed(*_unwrap(one.type))
                self.mistakes.append(self._problem((*place, key), f"missing; needed is {allowed}"))
        return values

    def _value(self, value: Any, kind: Type, place: Place) -> Any:
        bare, extra = _unwrap(kind)
        if isinstance(bare, StructType) and isinstance(value, dict):
            return self.table(value, bare, place)
        if isinstance(bare, VarTupleType) and isinstance(value, list):
            if len(value) > (bare.max_length or 0):
                self._refuse(f"{len(value)} entries are", bare, extra, place)
            return tuple(self._value(one, bare.item_type, (*place, index)) for index, one in enumerate(value))
        if not _fits(value, bare, extra):
            text = written(value)
            self._refuse((text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…") + " is", bare, extra, place)
        return value

    def _refuse(self, found: str, bare: Type, extra: Mapping[str, Any], place: Place) -> None:
        self.mistakes.append(self._problem(place, f"{found} not allowed; allowed is {_allowed(bare, extra)}"))

    def _problem(self, place: Place, text: str) -> Problem:
        known = place
        while known and known not in self.lines:
            known = known[:-1]
        return Problem(self.file, self.lines.get(known, 1), spoken(place), text)


def _nearest(key: str, fields: Mapping[str, Field]) -> str:
    from difflib import get_close_matches

    near = get_close_matches(key, fields, n=1)
    return f'; did you mean "{near[0]}"?' if near else ""
