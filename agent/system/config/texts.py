"""Settings given as texts, in the environment or on the command line, turned into values by the schema's type.

    NMR_RING__AGAIN_SECONDS=20                         ring.again_seconds: NMR_, capital letters, two lines for a dot
    NMR_RING__PAGE_SOUND=off                           true, yes, on, 1; false, no, off, 0
    NMR_LINK__MQTT__ADDRESSES=hub-1:8883,hub-2:8883    a list: with commas, or as it stands in a TOML file
    NMR_QUICK_PAGE='[{ title = "Tea", to = "all" }]'   tables: as they stand in a TOML file

What does not fit its type stays a text, and the check says what is allowed.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec.inspect import BoolType, FloatType, IntType, StructType, Type, VarTupleType

from agent.system.config.check import unwrap, whole_settings
from agent.system.config.layer import PREFIX, Layer, Rank, checked, put
from agent.system.config.toml_place import Place

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


def value_of(text: str, kind: Type) -> Any:
    """The value a text means where `kind` is wanted; the text itself where it means none."""
    match kind:
        case BoolType():
            known = dict.fromkeys(_TRUE, True) | dict.fromkeys(_FALSE, False)
            return known.get(text.strip().lower(), text)
        case IntType():
            return int(text) if re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", text) else text
        case FloatType():
            return float(text) if re.fullmatch(r"\s*[+-]?[0-9]{1,18}(\.[0-9]{1,18})?\s*", text) else text
        case VarTupleType():
            return _list_of(text, kind)
    return text


def _list_of(text: str, kind: VarTupleType) -> Any:
    if text.strip().startswith("["):
        return toml_value(text)
    if isinstance(unwrap(kind.item_type)[0], StructType):
        return text
    return [part.strip() for part in text.split(",") if part.strip()]


def toml_value(text: str) -> Any:
    """The value a text is in a TOML file; the text itself where it is none."""
    try:
        found = tomllib.loads(f"value = {text.strip()}")
    except (ValueError, RecursionError):
        return text
    return found["value"] if list(found) == ["value"] else text


@dataclass(frozen=True, slots=True)
class TextSource:
    """Texts by the setting they are for; `where` names what gave each."""

    rank: Rank
    texts: tuple[tuple[Place, str], ...]
    where: Mapping[Place, str]

    def stamp(self) -> object:
        """They never change while the program runs."""
        return None

    def read(self, schema: type[msgspec.Struct]) -> Layer:
        """Turn the texts into values and compare them with the schema."""
        if not self.texts:
            return Layer(self.rank, self.rank, {}, self._where)
        kinds = {one.place: one.kind for one in whole_settings(schema)}
        raw: dict[str, Any] = {}
        for place, text in self.texts:
            put(raw, place, value_of(text, kinds[place]) if place in kinds else text)
        return checked(self.rank, self.rank, raw, schema, self._where)

    def _where(self, place: Place) -> tuple[str, int]:
        """What gave the value of a place, of a part of it, or of something below it."""
        for given, name in self.where.items():
            if given == place[: len(given)] or place == given[: len(place)]:
                return name, 0
        return self.rank, 0


def variable(key: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + key.upper().replace(".", "__")


def environment_source(
    environment: Mapping[str, str], schema: type[msgspec.Struct], other: type[msgspec.Struct]
) -> TextSource:
    """What the environment says; variables with no `__` belong to other things, those of the `other` schema to it."""
    known = {variable(one.key): one.place for one in whole_settings(schema)}
    theirs = {variable(one.key).split("__")[0] for one in whole_settings(other)} - {
        name.split("__")[0] for name in known
    }
    found: dict[Place, tuple[str, str]] = {}
    for name, text in environment.items():
        if name in known:
            found[known[name]] = name, text
        elif name.startswith(PREFIX) and "__" in name and name.split("__")[0] not in theirs:
            found[tuple(name.removeprefix(PREFIX).lower().split("__"))] = name, text
    return _source(
        "environment", ((place, text, f"environment variable {name}") for place, (name, text) in found.items())
    )


def command_line_source(given: Iterable[tuple[str, str]]) -> TextSource:
    """What `--set KEY=VALUE` said; the last of a key counts."""
    return _source("command line", ((tuple(key.split(".")), text, "--set") for key, text in given))


def _source(rank: Rank, found: Iterable[tuple[Place, str, str]]) -> TextSource:
    rows = list(found)
    return TextSource(rank, tuple((place, text) for place, text, _ in rows), {place: name for place, _, name in rows})
