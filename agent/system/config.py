"""The settings of this station or hub: built-in defaults, then the machine's file, then the user's file.

A missing file is no mistake. Mistakes are collected from both files and told at once; unknown keys only warn.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import msgspec

from agent.domain.errors import BadConfiguration, BadInput
from agent.system.config_check import Problem, Setting, check, settings, written
from agent.system.config_schema import Config, HubConfig
from agent.system.paths import Profile
from agent.system.toml_lines import Place, key_lines

C = TypeVar("C", bound=msgspec.Struct)
Stamp = tuple[int, int, int] | None
Stamps = tuple[Stamp, ...]
"""What tells that a file changed: time, size and inode of each, None for a missing one."""

_LARGEST_FILE = 256 * 1024


class ConfigurationProblems(BadConfiguration):
    """The files have mistakes; `message` lists them, `problems` has them one by one."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        title = (
            "The configuration has a mistake"
            if len(problems) == 1
            else f"The configuration has {len(problems)} mistakes"
        )
        super().__init__(title, "\n".join(map(str, problems)), field=problems[0].key or None)
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Loaded(Generic[C]):
    """Settings in force, warnings to show, and the state of the files they came from."""

    config: C
    warnings: tuple[Problem, ...]
    stamps: Stamps


@dataclass(frozen=True, slots=True)
class _Layer:
    """What one file contributes."""

    file: Path
    values: dict[str, Any]
    lines: dict[Place, int]
    mistakes: tuple[Problem, ...]
    unknown: tuple[Problem, ...]


def load(profile: Profile) -> Loaded[Config]:
    """The station's settings; raises ConfigurationProblems with every mistake of both files."""
    return _load(_station_files(profile), Config)


def load_hub(profile: Profile) -> Loaded[HubConfig]:
    """The hub's settings; raises ConfigurationProblems with every mistake of both files."""
    return _load(_hub_files(profile), HubConfig)


def reload_if_changed(stamps: Stamps, profile: Profile) -> tuple[Stamps, Loaded[Config] | ConfigurationProblems | None]:
    """Look whether the station's files changed since `stamps` (N-10, every 30 s).

    Returns the stamps for the next look and: None, nothing changed; Loaded, the new settings; ConfigurationProblems,
    the files are broken now and the running settings should stay. The same broken file is told once.
    """
    now = _stamps(_station_files(profile))
    if now == stamps:
        return stamps, None
    try:
        loaded = load(profile)
    except ConfigurationProblems as problems:
        return now, problems
    return loaded.stamps, loaded


def explain(profile: Profile, key: str) -> str:
    """Tell the value of `key` (or of all keys below it) and which file or default gave it; raises BadInput."""
    hub = key == "hub" or key.startswith("hub.")
    schema, files = (HubConfig, _hub_files(profile)) if hub else (Config, _station_files(profile))
    layers = _layers(files, schema)
    found = [one for one in _plain_settings(schema) if one.key == key or one.key.startswith(f"{key}.")]
    if not found:
        raise BadInput("No such setting", f"“{key}” is none; nmr config show lists them all", field=key)
    return "\n".join(_explain(one, layers) for one in found)


def _station_files(profile: Profile) -> tuple[Path, ...]:
    return profile.machine_config_file, profile.config_file


def _hub_files(profile: Profile) -> tuple[Path, ...]:
    return profile.machine_hub_config_file, profile.hub_config_file


def _load(files: tuple[Path, ...], schema: type[C]) -> Loaded[C]:
    stamps = _stamps(files)  # before reading: a change in between is seen at the next look
    layers = _layers(files, schema)
    values: dict[str, Any] = {}
    for layer in layers:
        values = _merged(values, layer.values)
    warnings = tuple(problem for layer in layers for problem in layer.unknown)
    return Loaded(msgspec.convert(values, schema), warnings, stamps)


def _layers(files: tuple[Path, ...], schema: type[msgspec.Struct]) -> list[_Layer]:
    layers = [_read(file, schema) for file in files]
    mistakes = tuple(problem for layer in layers for problem in layer.mistakes)
    if mistakes:
        raise ConfigurationProblems(mistakes)
    return layers


def _read(file: Path, schema: type[msgspec.Struct]) -> _Layer:
    """One file checked; a missing one contributes nothing, an unreadable one is a mistake."""
    try:
        source = _source(file)
        raw = tomllib.loads(source)
        lines = key_lines(source)
    except FileNotFoundError:
        return _Layer(file, {}, {}, (), ())
    except (OSError, ValueError, RecursionError) as failure:
        return _Layer(file, {}, {}, (_unreadable(file, failure),), ())
    values, mistakes, unknown = check(raw, schema, file, lines)
    return _Layer(file, values, lines, tuple(mistakes), tuple(unknown))


def _source(file: Path) -> str:
    """The text of a file, with or without the mark Windows editors put in front."""
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
    return int(told[1]) if told else _source(file).rstrip().count("\n") + 1


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`, table by table; a list replaces a list."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _stamps(files: tuple[Path, ...]) -> Stamps:
    return tuple(map(_stamp, files))


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _plain_settings(schema: type[msgspec.Struct]) -> Iterator[Setting]:
    """Every setting, an array of tables as one."""
    seen = set()
    for one in settings(schema):
        key, array, _ = one.key.partition("[]")
        if key not in seen:
            yield Setting(key, "tables [[" + key + "]]", "", (), required=False, table_about="") if array else one
        seen.add(key)


def _explain(one: Setting, layers: list[_Layer]) -> str:
    place = tuple(one.key.split("."))
    sources = [(one.default, "the built-in default")]
    for layer in layers:
        value: Any = layer.values
        for key in place:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None:
            sources.append((value, f"{layer.file}, line {layer.lines[place]}"))
    (value, origin), *others = reversed(sources)
    lines = [f"{one.key} = {written(value)}", f"  from {origin}"]
    lines += [f"  instead of {written(value)} from {origin}" for value, origin in others]
    return "\n".join([*lines, f"  allowed: {one.allowed}" + (f"; {one.about}" if one.about else "")])
