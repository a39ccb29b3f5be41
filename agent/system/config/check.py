"""Compare settings with the schema: every problem at once, with its line and what is allowed."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import NODEFAULT, Struct
from msgspec.inspect import (
    BoolType,
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

from agent.system.config.toml_place import Place

_SHOWN = 60
_LONGEST_NUMBER = 64
_REFUSED: Any = object()
"""What stands for a value that is not in order: it counts as if it were not there."""

Where = Callable[[Place], tuple[Path | str, int]]
"""Tells which file and line gave the value of a place, or what else did; then the line is 0."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong or unknown in a file, the registry, the environment or the command line.

    `line` counts from 1 and is 0 for what has no lines; `key` is "" where no key is to blame.
    """

    file: Path | str
    line: int
    key: str
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else str(self.file)
        return f"{place}: {self.key + ': ' if self.key else ''}{self.text}"


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
    kind: Type
    secret: bool = False
    """Whether its value is shown to nobody."""

    @property
    def place(self) -> Place:
        """Where it stands in a file."""
        return tuple(self.key.split("."))


def check(
    raw: Mapping[str, Any], schema: type[Struct], where: Where
) -> tuple[dict[str, Any], list[Problem], list[Problem]]:
    """The values of one source that are in order, its mistakes, and its unknown keys.

    A key with a mistake counts as if it were not there.
    """
    checker = _Checker(where)
    values = checker.table(raw, struct_of(schema), ())
    return values or {}, checker.mistakes, checker.unknown


def settings(schema: type[Struct]) -> Iterator[Setting]:
    """Every setting of the schema in its order; those of an array of tables have keys such as `quick_page[].to`."""
    yield from _settings(struct_of(schema), "")


@lru_cache(maxsize=2)
def whole_settings(schema: type[Struct]) -> tuple[Setting, ...]:
    """Every setting as one decides about it: an array of tables is one, `quick_page`."""
    found: dict[str, Setting] = {}
    for one in settings(schema):
        key, array, _ = one.key.partition("[]")
        if not array:
            found[key] = one
        elif key not in found:
            (table,) = (field for field in struct_of(schema).fields if field.encode_name == key)
            kind, _ = unwrap(table.type)
            found[key] = Setting(key, f"tables [[{key}]]", one.table_about, (), False, "", kind)
    return tuple(found.values())


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


@lru_cache(maxsize=2)
def struct_of(schema: type[Struct]) -> StructType:
    """The table a schema's file is."""
    found = type_info(schema)
    assert isinstance(found, StructType)
    return found


def _settings(table: StructType, prefix: str) -> Iterator[Setting]:
    for one in table.fields:
        key, (bare, extra) = prefix + one.encode_name, unwrap(one.type)
        if isinstance(bare, StructType):
            yield from _settings(bare, f"{key}.")
        elif isinstance(bare, VarTupleType) and isinstance(bare.item_type, StructType):
            yield from _settings(bare.item_type, f"{key}[].")
        else:
            default = () if one.default is NODEFAULT else one.default
            about, doc, secret = extra.get("description", ""), table.cls.__doc__ or "", extra.get("secret", False)
            yield Setting(key, allowed(bare, extra), about, default, one.required, doc, bare, secret)


def unwrap(kind: Type) -> tuple[Type, dict[str, Any]]:
    """The type without its Metadata, and what that said: description, allowed, check."""
    if not isinstance(kind, Metadata):
        return kind, {}
    return kind.type, (kind.extra_json_schema or {}) | (kind.extra or {})


def allowed(bare: Type, extra: Mapping[str, Any]) -> str:
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
            return f"a list of at most {bare.max_length}, each {allowed(*unwrap(bare.item_type))}"
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
    """Walks through one source's values and the schema side by side."""

    where: Where
    mistakes: list[Problem] = field(default_factory=list)
    unknown: list[Problem] = field(default_factory=list)

    def table(self, raw: Mapping[str, Any], kind: StructType, place: Place) -> Any:
        """What is in order of a table; nothing of one that lacks what it needs."""
        fields = {one.encode_name: one for one in kind.fields}
        values = {}
        for key, value in raw.items():
            if key not in fields:
                self.unknown.append(self._problem((*place, key), "unknown, ignored" + nearest(key, fields)))
            elif (good := self._value(value, fields[key].type, (*place, key))) is not _REFUSED:
                values[key] = good
        for key, one in fields.items():
            if one.required and key not in raw:
                needed = allowed(*unwrap(one.type))
                self.mistakes.append(self._problem((*place, key), f"missing; needed is {needed}"))
        return values if all(key in values or not one.required for key, one in fields.items()) else _REFUSED

    def _value(self, value: Any, kind: Type, place: Place) -> Any:
        bare, extra = unwrap(kind)
        if isinstance(bare, StructType) and isinstance(value, dict):
            return self.table(value, bare, place)
        if isinstance(bare, VarTupleType) and isinstance(value, list):
            return self._list(value, bare, extra, place)
        if not _fits(value, bare, extra):
            text = written(value)
            return self._refuse((text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…") + " is", bare, extra, place)
        return value

    def _list(self, value: list[Any], bare: VarTupleType, extra: Mapping[str, Any], place: Place) -> Any:
        """A list in which every entry is in order."""
        before = len(self.mistakes)
        if len(value) > (bare.max_length or 0):
            self._refuse(f"{len(value)} entries are", bare, extra, place)
        entries = tuple(self._value(one, bare.item_type, (*place, index)) for index, one in enumerate(value))
        return entries if len(self.mistakes) == before else _REFUSED

    def _refuse(self, found: str, bare: Type, extra: Mapping[str, Any], place: Place) -> Any:
        shown = "what stands there is" if extra.get("secret") else found
        self.mistakes.append(self._problem(place, f"{shown} not allowed; allowed is {allowed(bare, extra)}"))
        return _REFUSED

    def _problem(self, place: Place, text: str) -> Problem:
        return Problem(*self.where(place), spoken(place), text)


def nearest(key: str, known: Iterable[str]) -> str:
    """A hint at the known name that is most like `key`, if one is."""
    from difflib import get_close_matches

    near = get_close_matches(key, list(known), n=1)
    return f'; did you mean "{near[0]}"?' if near else ""
