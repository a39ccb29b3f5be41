"""Every source of settings there is, each made to say something, and two allowed values for every setting."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec.inspect import BoolType, FloatType, IntType, LiteralType, StructType, VarTupleType

from agent.system.config.check import Setting, check, unwrap, whole_settings, written
from agent.system.config.layer import put
from agent.system.config.schema import Config, HubConfig
from agent.system.config.texts import variable
from agent.system.paths import Profile
from agent.system.surroundings import Surroundings

Schema = type[Config] | type[HubConfig]
TEXTS = (
    "alpha", "beta", "127.0.0.1", "127.0.0.2", "role:kitchen", "person:ben", "hub-a:1", "hub-b:2",
    "stun:a:1", "stun:b:1", "turn:a:1", "turn:b:1", "a@shop.example", "b@shop.example",
)  # fmt: skip
"""Candidates for texts: of these two have to be allowed wherever a text is."""


class Stage:
    """A computer whose registry, environment and files a test fills; one of its profiles."""

    def __init__(self, folder: Path, schema: Schema = Config) -> None:
        self.schema, self.hub = schema, schema is HubConfig
        self.registry: dict[str, dict[str, Any]] = {}
        self.environment: dict[str, str] = {}
        self.policy = folder / "etc"
        self.profile = dataclasses.replace(
            Profile.at(folder / "p"), folder=None, machine_folder=folder / "machine", policy_folders=(self.policy,)
        )
        for place in (self.policy / "user-policy", self.profile.config_folder, self.profile.machine_folder):
            place.mkdir(parents=True)

    @property
    def around(self) -> Surroundings:
        """What is around the profile."""
        return Surroundings(
            self.environment, lambda hive, path: self.registry.get(f"{hive}\\{path}", {}), lambda: "anna"
        )

    @property
    def files(self) -> dict[str, Path]:
        """The files settings can stand in, by the name of their source."""
        profile, hub = self.profile, self.hub
        return {
            "policy file": self.policy / ("hub-policy.toml" if hub else "policy.toml"),
            "account's policy file": self.policy / "user-policy" / "anna.toml",
            "user file": profile.hub_config_file if hub else profile.config_file,
            "machine's file": profile.machine_hub_config_file if hub else profile.machine_config_file,
        }

    @property
    def keys(self) -> dict[str, str]:
        """The registry keys settings can stand in, by the name of their source."""
        name = "NoMoreRunningHub" if self.hub else "NoMoreRunning"
        return {
            "machine policy key": rf"HKLM\Software\Policies\{name}",
            "account's policy key": rf"HKCU\Software\Policies\{name}",
            "machine's key": rf"HKLM\Software\{name}",
        }

    def say(self, source: str, setting: Setting, value: Any) -> None:
        """Let one source give a setting."""
        if source in self.files:
            text = f"{setting.key} = {written(value)}\n"
            self.files[source].write_text(text, encoding="utf-8")
        elif source in self.keys:
            put(self.registry.setdefault(self.keys[source], {}), setting.place, in_registry(value))
        elif source == "environment":
            self.environment[variable(setting.key)] = as_text(value)
        elif source == "command line":
            self.profile = dataclasses.replace(self.profile, given=((setting.key, as_text(value)),))


SOURCES: Mapping[str, str] = {
    "machine policy key": "machine policy",
    "policy file": "machine policy",
    "account's policy key": "user policy",
    "account's policy file": "user policy",
    "command line": "command line",
    "environment": "environment",
    "user file": "user file",
    "machine's key": "machine defaults",
    "machine's file": "machine defaults",
    "built-in": "built-in",
}
"""Strongest first, with the layer each belongs to."""


def sources_of(schema: Schema) -> list[str]:
    """Those a schema has."""
    return [name for name in SOURCES if schema is Config or "account" not in name]


def as_lists(value: Any) -> Any:
    """The same with a list for each tuple: as it stands in a file."""
    match value:
        case dict():
            return {key: as_lists(one) for key, one in value.items()}
        case list() | tuple():
            return [as_lists(one) for one in value]
    return value


def as_text(value: Any) -> str:
    """A value as one writes it in the environment."""
    return value if isinstance(value, str) else written(value)


def in_registry(value: Any) -> Any:
    """A value as group policy writes it."""
    match value:
        case bool():
            return int(value)
        case float():
            return str(value)
        case list():
            return [as_text(one) for one in value]
    return value


def two_values(setting: Setting, schema: Schema) -> tuple[Any, Any]:
    """Two different values a setting may have, the first of them not its default."""
    found = [value for value in _candidates(setting.kind) if is_allowed(setting, value, schema)]
    default = list(setting.default) if isinstance(setting.default, tuple) else setting.default
    first = next(value for value in found if value != default)
    return first, next(value for value in found if value != first)


def is_allowed(setting: Setting, value: Any, schema: type[msgspec.Struct]) -> bool:
    """Whether the schema takes it."""
    raw: dict[str, Any] = {}
    put(raw, setting.place, value)
    _, mistakes, unknown = check(raw, schema, lambda _: ("test", 0))
    return not mistakes and not unknown


def _candidates(kind: object) -> list[Any]:
    match kind:
        case BoolType():
            return [True, False]
        case IntType() | FloatType():
            return [kind.ge, kind.le]
        case LiteralType():
            return list(kind.values)
        case VarTupleType():
            inside, _ = unwrap(kind.item_type)
            if isinstance(inside, StructType):
                pages = [[{"title": "Tea", "to": "all"}], [{"title": "Now, please", "to": "role:it", "urgent": True}]]
                tasks = [
                    [{"type": "label", "command": ["lp", "-d", "$x"]}],
                    [{"type": "a", "command": ["a"], "once": True}],
                ]
                return [*pages, *tasks]
            return [[one, other] for one in TEXTS for other in TEXTS if one != other]
    return list(TEXTS)


EVERY: list[tuple[Schema, Setting]] = [
    (schema, one) for schema in (Config, HubConfig) for one in whole_settings(schema)
]
