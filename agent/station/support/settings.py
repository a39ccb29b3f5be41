"""The settings for support: what is a number or a choice stays, what people wrote becomes a hash."""

from collections.abc import Iterator
from typing import Any

from msgspec import to_builtins
from msgspec.inspect import BoolType, FloatType, IntType, LiteralType

from agent.station.support.scrub import Scrub
from agent.system.config.check import Setting, whole_settings
from agent.system.config.load import Loaded
from agent.system.config.schema import Config

_PLAIN = (BoolType, IntType, FloatType, LiteralType)


def redacted(loaded: Loaded[Config], scrub: Scrub) -> dict[str, Any]:
    """{"settings": {key: {"value", "from"}}, "mistakes": [text], "warnings": [text]}, scrubbed."""
    return {
        "settings": {one.key: _decided(one, loaded, scrub) for one in whole_settings(Config)},
        "mistakes": [scrub.text(str(one)) for one in loaded.mistakes],
        "warnings": [scrub.text(str(one)) for one in loaded.warnings],
    }


def written_by_people(loaded: Loaded[Config]) -> Iterator[str]:
    """Every text in the settings that is not ours."""
    for one in whole_settings(Config):
        value, _ = _value(one, loaded)
        if not isinstance(one.kind, _PLAIN) and value != one.default:
            yield from _strings(to_builtins(value))


def _decided(one: Setting, loaded: Loaded[Config], scrub: Scrub) -> dict[str, Any]:
    value, rank = _value(one, loaded)
    plain = isinstance(one.kind, _PLAIN) or value == one.default
    return {"value": value if plain else _hashed(to_builtins(value), scrub), "from": rank}


def _value(one: Setting, loaded: Loaded[Config]) -> tuple[Any, str]:
    """What counts, and the rank of the layer that says it."""
    for layer in loaded.layers:
        if (value := layer.value(one.place)) is not None:
            return value, layer.rank
    return one.default, "built-in"


def _hashed(value: Any, scrub: Scrub) -> Any:
    if isinstance(value, dict):
        return {key: _hashed(one, scrub) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_hashed(one, scrub) for one in value]
    return scrub.name(value) if isinstance(value, str) and value else value


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for one in value:
            yield from _strings(one)
    elif isinstance(value, str):
        yield value
