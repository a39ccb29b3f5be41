"""Which layer decides about each setting, and what the others say."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from agent.domain.errors import BadInput
from agent.system.config.check import Setting, nearest, whole_settings, written
from agent.system.config.layer import POLICIES, RANKS, Layer, Rank
from agent.system.config.load import Loaded

HIDDEN = "(hidden)"


@dataclass(frozen=True, slots=True)
class Say:
    """What one source says about one setting; a layer that says nothing has one Say without a value."""

    rank: Rank
    value: Any
    origin: str
    fault: str = ""
    """Why what stands there does not count."""


@dataclass(frozen=True, slots=True)
class Decision:
    """One setting: what all layers say, strongest first, and which of them counts."""

    setting: Setting
    says: tuple[Say, ...]

    @property
    def winner(self) -> Say:
        """The strongest that says something; the built-in default always does."""
        return next(say for say in self.says if say.value is not None)

    @property
    def locked(self) -> bool:
        """Whether policy decides, and nobody else can."""
        return self.winner.rank in POLICIES

    def shown(self, value: Any) -> str:
        """A value as people see it."""
        return HIDDEN if self.setting.secret and value else written(value)

    def to_wire(self) -> dict[str, Any]:
        """The decision as JSON."""
        hide = self.setting.secret
        return {
            "key": self.setting.key,
            "value": HIDDEN if hide and self.winner.value else self.winner.value,
            "from": self.winner.rank,
            "origin": self.winner.origin,
            "locked": self.locked,
        }

    def all_to_wire(self) -> dict[str, Any]:
        """The same with what every layer says."""
        layers = [
            {
                "layer": say.rank,
                "value": HIDDEN if self.setting.secret and say.value else say.value,
                "origin": say.origin,
                "fault": say.fault,
                "counts": say is self.winner,
            }
            for say in self.says
        ]
        about = {"allowed": self.setting.allowed, "about": self.setting.about}
        return {**self.to_wire(), **about, "layers": layers}


def decisions(loaded: Loaded[Any]) -> list[Decision]:
    """All settings in the order of the schema."""
    schema: type[msgspec.Struct] = type(loaded.config)
    return [_decision(one, loaded.layers) for one in whole_settings(schema)]


def decision(loaded: Loaded[Any], key: str) -> Decision:
    """One setting; raises BadInput."""
    return _decision(setting(type(loaded.config), key), loaded.layers)


def below(loaded: Loaded[Any], key: str) -> list[Decision]:
    """One setting, or all of a table; raises BadInput."""
    found = [one for one in decisions(loaded) if one.setting.key == key or one.setting.key.startswith(f"{key}.")]
    return found or [decision(loaded, key)]


def setting(schema: type[msgspec.Struct], key: str) -> Setting:
    """The setting called `key`; raises BadInput with the nearest name."""
    known = {one.key: one for one in whole_settings(schema)}
    if key not in known:
        raise BadInput(
            "No such setting",
            f"“{key}” is none{nearest(key, known) or '.'} nmr config show lists them all",
            code="no-such-setting",
            field=key,
        )
    return known[key]


def explained(one: Decision) -> str:
    """A decision as a text for people: every layer, strongest first, an arrow at the one that counts."""
    head = f"{one.setting.key} = {one.shown(one.winner.value)}" + ("   (locked by policy)" if one.locked else "")
    wide = max(map(len, RANKS))
    lines = [head]
    for say in one.says:
        mark = "→" if say is one.winner else " "
        value = f"ignored: {say.fault}" if say.fault else "-" if say.value is None else one.shown(say.value)
        origin = f"   {say.origin}" if say.value is not None and say.origin else ""
        lines.append(f"  {mark} {say.rank.ljust(wide)}  {value}{origin}")
    about = one.setting.about and f"; {one.setting.about}"
    return "\n".join([*lines, f"    allowed: {one.setting.allowed}{about}"])


def _decision(one: Setting, layers: Sequence[Layer]) -> Decision:
    said = [say for rank in RANKS[:-1] for say in _says(rank, one, layers)]
    return Decision(one, (*said, Say("built-in", one.default, "")))


def _says(rank: Rank, one: Setting, layers: Sequence[Layer]) -> Iterator[Say]:
    """What the sources of one rank say; one silent Say where none of them speaks."""
    silent = True
    for layer in layers:
        if layer.rank != rank:
            continue
        value, fault = layer.value(one.place), layer.fault(one.key)
        if value is not None or fault is not None:
            silent = False
            yield Say(rank, value, layer.origin(one.place), str(fault) if fault and value is None else "")
    if silent:
        yield Say(rank, None, "")
