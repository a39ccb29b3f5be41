"""What a check found: how bad it is, which words say it, and the values that fill them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Value = str | int | float


class Level(StrEnum):
    """How bad a finding is; `off` is what was not looked at, and is not bad."""

    OK = "ok"
    OFF = "off"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a check found.

    Its title is the doctor's text `<check>.<what>`, what to do about it `<check>.<what>.cure`, both filled with
    `values`.
    """

    check: str
    level: Level
    what: str
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Findings:
    """Makes the findings of one check."""

    check: str

    def ok(self, what: str = "ok", **values: Value) -> Finding:
        """All is well."""
        return Finding(self.check, Level.OK, what, values)

    def off(self, what: str = "off", **values: Value) -> Finding:
        """There was nothing to look at."""
        return Finding(self.check, Level.OFF, what, values)

    def warning(self, what: str, **values: Value) -> Finding:
        """It rings, but something is worse than it should be, or soon will be."""
        return Finding(self.check, Level.WARNING, what, values)

    def failure(self, what: str, **values: Value) -> Finding:
        """It does not ring, or whoever pages cannot be told."""
        return Finding(self.check, Level.FAILURE, what, values)
