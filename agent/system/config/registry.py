r"""Settings in the Windows registry: a table is a key, a setting a value in it; names in any case.

HKLM\Software\Policies\NoMoreRunning\ring   again_seconds   REG_DWORD      20, or REG_SZ "20"
                                           page_sound      REG_DWORD      0 or 1, or REG_SZ "off"
…\link\mqtt                                addresses       REG_MULTI_SZ   one in a line, or REG_SZ with commas
…                                          quick_page      REG_MULTI_SZ   { title = "Tea", to = "all" } in each line
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec.inspect import BoolType, StructType, Type, VarTupleType

from agent.system.config.check import Problem, nearest, struct_of, unwrap
from agent.system.config.layer import Layer, Rank, checked
from agent.system.config.texts import toml_value, value_of
from agent.system.config.toml_place import Place
from agent.system.surroundings import ReadTree, Tree


@dataclass(frozen=True, slots=True)
class RegistrySource:
    """One key of the registry and everything below it."""

    rank: Rank
    hive: str
    path: str
    read_tree: ReadTree
    shared: bool = False
    """Whether others keep values in that key, too: names unlike any of ours are theirs then."""

    def stamp(self) -> object:
        """What tells that it changed: all of it, for it is small."""
        return self.read_tree(self.hive, self.path)

    def read(self, schema: type[msgspec.Struct]) -> Layer:
        """Turn the registry's types into the schema's and compare with it."""
        tree = self.read_tree(self.hive, self.path)
        if not tree:
            return Layer(self.rank, f"{self.hive}\\{self.path}", {}, self._where)
        table = struct_of(schema)
        raw = _table(tree, table)
        if self.shared:
            known = [one.encode_name for one in table.fields]
            raw = {key: value for key, value in raw.items() if key in known or nearest(key, known)}
        return checked(self.rank, f"{self.hive}\\{self.path}", raw, schema, self._where)

    def _where(self, place: Place) -> tuple[str, int]:
        """The path of the value; parts of a value have none of their own."""
        names = [self.hive, self.path]
        for key in place:
            if isinstance(key, int):
                break
            names.append(key)
        return "\\".join(names), 0


@dataclass(frozen=True, slots=True)
class Refused:
    """A source nobody may look at: a server that does not answer would keep the agent waiting every 30 seconds."""

    rank: Rank
    name: str
    why: str

    def stamp(self) -> object:
        """It says the same as long as it is the same."""
        return self

    def read(self, _schema: type[msgspec.Struct]) -> Layer:
        """Nothing but why it does not count."""
        return Layer(self.rank, self.name, {}, lambda _: (self.name, 0), (Problem(self.name, 0, "", self.why),))


def _table(tree: Tree, table: StructType) -> dict[str, Any]:
    fields = {one.encode_name.lower(): one for one in table.fields}
    raw: dict[str, Any] = {}
    for name, value in tree.items():
        field = fields.get(name.lower())
        if field is None:
            raw[name] = value
            continue
        kind, _ = unwrap(field.type)
        table_wanted = isinstance(kind, StructType) and isinstance(value, Mapping)
        raw[field.encode_name] = _table(value, kind) if table_wanted else _value(value, kind)  # type: ignore[arg-type]
    return raw


def _value(value: Any, kind: Type) -> Any:
    """The value of one registry type where `kind` is wanted; itself where it is no such value."""
    if isinstance(value, str):
        return value_of(value, kind)
    if isinstance(kind, BoolType) and value in (0, 1):
        return bool(value)
    if isinstance(kind, VarTupleType) and isinstance(value, list):
        lines = [line for line in value if line.strip()]
        return [toml_value(line) for line in lines] if isinstance(unwrap(kind.item_type)[0], StructType) else lines
    return value
