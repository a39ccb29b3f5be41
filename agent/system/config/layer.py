r"""One layer of settings: what one file, registry key, the environment or the command line says.

Strongest first; what a policy says is locked, nobody below can change it:

    machine policy     HKLM\Software\Policies\NoMoreRunning        /etc/no-more-running/policy.toml
    user policy        HKCU\Software\Policies\NoMoreRunning        /etc/no-more-running/user-policy/ACCOUNT.toml
    command line       nmr --set ring.again_seconds=20
    environment        NMR_RING__AGAIN_SECONDS=20
    user file          %APPDATA%\NoMoreRunning\config.toml         ~/.config/no-more-running/config.toml
    machine defaults   HKLM\Software\NoMoreRunning, then
                       %ProgramData%\NoMoreRunning\config.toml     /etc/no-more-running/config.toml
    built-in           the defaults of the schema
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from agent.system.config.check import Problem, Where, check
from agent.system.config.toml_place import Place

Rank = Literal[
    "machine policy", "user policy", "command line", "environment", "user file", "machine defaults", "built-in"
]
RANKS: tuple[Rank, ...] = (
    "machine policy",
    "user policy",
    "command line",
    "environment",
    "user file",
    "machine defaults",
    "built-in",
)
"""Strongest first."""
PREFIX = "NMR_"
"""What the environment variables of settings begin with."""
POLICIES: tuple[Rank, ...] = ("machine policy", "user policy")


@dataclass(frozen=True, slots=True)
class Layer:
    """What one source contributes; two sources can have the same rank, the stronger comes first."""

    rank: Rank
    name: str
    """Which source it is."""
    values: dict[str, Any] = field(repr=False)
    """What it says; not in its text, for there may be a secret among it."""
    where: Where
    mistakes: tuple[Problem, ...] = ()
    unknown: tuple[Problem, ...] = ()

    @property
    def locked(self) -> bool:
        """Whether nobody below can change what it says."""
        return self.rank in POLICIES

    def value(self, place: Place) -> Any:
        """What it says about a setting, or None."""
        return value_at(self.values, place)

    def origin(self, place: Place) -> str:
        """Where it says so, for people."""
        file, line = self.where(place)
        return f"{file}, line {line}" if line else str(file)

    def fault(self, key: str) -> Problem | None:
        """Its mistake about a setting or a part of it."""
        below = (f"{key}.", f"{key}[")
        return next((one for one in self.mistakes if one.key == key or one.key.startswith(below)), None)


def checked(rank: Rank, name: str, raw: Mapping[str, Any], schema: type[msgspec.Struct], where: Where) -> Layer:
    """The layer of a source whose values are not yet compared with the schema."""
    values, mistakes, unknown = check(raw, schema, where)
    return Layer(rank, name, values, where, tuple(mistakes), tuple(unknown))


def value_at(values: Any, place: Place) -> Any:
    """The value at a place of nested tables, or None."""
    for key in place:
        values = values.get(key) if isinstance(values, dict) else None
    return values


def put(values: dict[str, Any], place: Place, value: Any) -> None:
    """Put a value at a place of nested tables, where nothing but a table stands in the way."""
    *tables, name = map(str, place)
    for key in tables:
        below = values.setdefault(key, {})
        if not isinstance(below, dict):
            return
        values = below
    values[name] = value
