"""Write a setting into the user's file, if nobody above fixed it."""

import tomllib
from pathlib import Path
from typing import Any

from msgspec.inspect import StructType, VarTupleType

from agent.domain.errors import BadConfiguration, BadInput, NmrError, NotAllowed
from agent.system.config.check import Setting, unwrap, written
from agent.system.config.file import source_of
from agent.system.config.layer import checked, put
from agent.system.config.load import Loaded
from agent.system.config.texts import value_of
from agent.system.config.toml_change import CannotChange, with_value, without
from agent.system.config.why import Decision, decision
from agent.system.files import write_atomically

_STRONGER = ("command line", "environment")


def change(file: Path, loaded: Loaded[Any], key: str, value: Any) -> str:
    """Set `key` in the user's `file` to a value or what a text means; returns what to tell the user, "" if nothing.

    Raises NotAllowed where policy decides, BadInput for an unknown key or a value that is not allowed,
    BadConfiguration where the file is broken.
    """
    one = _open_setting(loaded, key)
    good = _checked(loaded, one, value)
    _write(file, lambda source: with_value(source, one.place, good))
    return _stronger(decision(loaded, key))


def forget(file: Path, loaded: Loaded[Any], key: str) -> str:
    """Take `key` out of the user's file, even one that policy leaves without effect; returns and raises as `change`."""
    one = decision(loaded, key)
    _write(file, lambda source: without(source, one.setting.place))
    return _stronger(one)


def why_fixed(one: Decision) -> str:
    """What keeps the user from changing a setting: "policy", "given" (command line, environment), or ""."""
    return "policy" if one.locked else "given" if one.winner.rank in _STRONGER else ""


def _open_setting(loaded: Loaded[Any], key: str) -> Setting:
    """The setting, unless policy locks it."""
    found = decision(loaded, key)
    if found.locked:
        raise NotAllowed(
            "Set by your administrator",
            f"{key} is {found.shown(found.winner.value)} by {found.winner.rank} ({found.winner.origin}) "
            "and cannot be changed here. Ask IT.",
            code="locked",
            field=key,
        )
    return found.setting


def _checked(loaded: Loaded[Any], one: Setting, value: Any) -> Any:
    if isinstance(one.kind, VarTupleType) and isinstance(unwrap(one.kind.item_type)[0], StructType):
        raise BadInput(
            f"{one.key} is a list of tables",
            "Write it into the configuration file itself",
            code="tables",
            field=one.key,
        )
    raw: dict[str, Any] = {}
    put(raw, one.place, value_of(value, one.kind) if isinstance(value, str) else value)
    layer = checked("user file", one.key, raw, type(loaded.config), lambda _: (one.key, 0))
    if layer.mistakes:
        shown = written(value) if not one.secret else "That"
        raise BadInput("Not allowed", f"{shown} is not allowed; {one.key} is {one.allowed}", field=one.key)
    return layer.value(one.place)


def _write(file: Path, edit: Any) -> None:
    try:
        source = source_of(file)
    except FileNotFoundError:
        source = ""
    except (OSError, ValueError) as failure:
        raise BadConfiguration("The configuration file cannot be read", f"{file}: {failure}") from failure
    try:
        tomllib.loads(source)
        changed = edit(source)
    except tomllib.TOMLDecodeError as failure:
        raise BadConfiguration(
            "The configuration file is broken", f"{file}: {failure}. Put that right first", code="broken-file"
        ) from failure
    except CannotChange:
        raise NmrError(
            "That file is written in a way only you can change", f"Write it into {file} yourself", code="by-hand"
        ) from None
    if changed != source:
        whole = file.resolve()  # a link of somebody's own stays one
        whole.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        mode = whole.stat().st_mode & 0o777 if whole.exists() else 0o600
        write_atomically(whole, changed.encode(), mode)


def _stronger(one: Decision) -> str:
    """What to tell where something stronger than the file decides."""
    if one.winner.rank in _STRONGER:
        return f"{one.winner.origin} is stronger: {one.setting.key} stays {one.shown(one.winner.value)} there"
    return ""
