"""The settings of this station or hub: seven layers over each other, from policy down to the built-in defaults.

Nothing of it need be there. A mistake costs the one key it is in, or the one file that cannot be read; all mistakes are
told at once, and unknown keys only warn. A hub does not start on mistakes: it would found another site.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import msgspec

from agent.domain.errors import BadConfiguration
from agent.system.config.check import Problem, whole_settings
from agent.system.config.layer import Layer
from agent.system.config.schema import Config, HubConfig
from agent.system.config.sources import sources
from agent.system.paths import Profile
from agent.system.surroundings import Surroundings, surroundings

C = TypeVar("C", bound=msgspec.Struct)
Stamps = tuple[object, ...]
"""What tells that a source changed."""


class ConfigurationProblems(BadConfiguration):
    """The settings have mistakes; `message` lists them, `problems` has them one by one."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        title = (
            "The configuration has a mistake"
            if len(problems) == 1
            else f"The configuration has {len(problems)} mistakes"
        )
        super().__init__(title, "\n".join(map(str, problems)), field=problems[0].key or None)
        self.problems = problems


@dataclass(frozen=True, slots=True, eq=False)
class Loaded(Generic[C]):
    """Settings in force, and what there is to tell about them."""

    config: C
    warnings: tuple[Problem, ...]
    """Unknown keys, and values a policy leaves no effect."""
    mistakes: tuple[Problem, ...]
    """What counts as if it were not there."""
    layers: tuple[Layer, ...]
    """What each source said, strongest first."""
    stamps: Stamps

    def check(self) -> None:
        """Raise ConfigurationProblems if there is any mistake."""
        if self.mistakes:
            raise ConfigurationProblems(self.mistakes)


def load(profile: Profile, around: Surroundings | None = None) -> Loaded[Config]:
    """The station's settings; never raises because of what people wrote."""
    return _load(profile, Config, around or surroundings())


def load_hub(profile: Profile, around: Surroundings | None = None) -> Loaded[HubConfig]:
    """The hub's settings; raises ConfigurationProblems with every mistake."""
    loaded = look_at_hub(profile, around)
    loaded.check()
    return loaded


def look_at_hub(profile: Profile, around: Surroundings | None = None) -> Loaded[HubConfig]:
    """The hub's settings as far as they are in order."""
    return _load(profile, HubConfig, around or surroundings())


def reload_if_changed(
    before: Loaded[Config], profile: Profile, around: Surroundings | None = None
) -> Loaded[Config] | None:
    """Look whether anything changed since the settings were loaded (N-10, every 30 s); None where nothing did.

    A source that is broken now says what it said before, so that a file half written changes nothing.
    """
    around = around or surroundings()
    if _stamps(profile, Config, around) == before.stamps:
        return None
    return _load(profile, Config, around, before.layers)


def _load(profile: Profile, schema: type[C], around: Surroundings, before: Sequence[Layer] = ()) -> Loaded[C]:
    stamps = _stamps(profile, schema, around)  # before reading: a change in between is seen at the next look
    known = {(layer.rank, layer.name): layer for layer in before}
    layers = []
    for source in sources(profile, schema, around):
        layer = source.read(schema)
        old = known.get((layer.rank, layer.name))
        layers.append(replace(layer, values=old.values, where=old.where) if old and layer.mistakes else layer)
    values: dict[str, Any] = {}
    for layer in reversed(layers):
        values = _merged(values, layer.values)
    return Loaded(
        msgspec.convert(values, schema),
        warnings=tuple(problem for layer in layers for problem in layer.unknown) + tuple(_overruled(layers, schema)),
        mistakes=tuple(problem for layer in reversed(layers) for problem in layer.mistakes),
        layers=tuple(layers),
        stamps=stamps,
    )


def _stamps(profile: Profile, schema: type[msgspec.Struct], around: Surroundings) -> Stamps:
    return tuple(source.stamp() for source in sources(profile, schema, around))


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """`above` over `below`, table by table; a list replaces a list."""
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _overruled(layers: Sequence[Layer], schema: type[msgspec.Struct]) -> list[Problem]:
    """What people set and a policy fixes: it has no effect, and they may wonder. A default is meant to be overruled."""
    policies = [layer for layer in layers if layer.locked and layer.values]
    if not policies:
        return []
    theirs = [layer for layer in layers if not layer.locked and layer.rank != "machine defaults"]
    found = []
    for one in whole_settings(schema):
        policy = next((layer for layer in policies if layer.value(one.place) is not None), None)
        for layer in theirs:
            if policy is not None and layer.value(one.place) is not None:
                text = f"has no effect, it is fixed by {policy.rank}: {policy.origin(one.place)}"
                found.append(Problem(*layer.where(one.place), one.key, text))
    return found
