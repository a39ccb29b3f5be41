"""Figures of a measurement with their spread, and the goals they are held against.

A measurement is a module `tests/bench/NAME.py` with `def run(options: Options) -> Report`:

    def run(options: Options) -> Report:
        report = Report("start")
        taken = rounds(options, start_once)                  # one value a round
        figure = report.figure("icon", taken, "ms")          # median and spread
        report.at_most("PF2", figure.median, 250, "ms")      # the goal, by its name in the catalogue
        return report

`python -m tests.bench NAME --json` prints one object, with numbers in the units named beside them:

    {"name": "start",
     "figures": {"icon": {"unit": "ms", "count": 5, "median": …, "min": …, "max": …, "p50": …, "p99": …}},
     "goals": {"PF2": {"goal": "≤ 250 ms", "value": 187.2, "met": true}},
     "notes": ["…"]}
"""

import json
import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field


class Absent(Exception):
    """This computer lacks what the measurement needs; the message says what."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the person at the terminal asked for."""

    rounds: int = 5
    """How often a measurement that varies is repeated."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured quantity: the values' middle and spread, all in `unit`."""

    unit: str
    count: int
    median: float
    least: float
    most: float
    p50: float
    """By nearest rank, so always a value that occurred; the median of an even count lies between two."""
    p99: float

    def as_dict(self) -> dict[str, object]:
        """The figure as it stands in the JSON report."""
        return {
            "unit": self.unit,
            "count": self.count,
            "median": rounded(self.median),
            "min": rounded(self.least),
            "max": rounded(self.most),
            "p50": rounded(self.p50),
            "p99": rounded(self.p99),
        }


@dataclass(frozen=True, slots=True)
class Goal:
    """A limit in words, the value that is held against it, and whether it is met."""

    goal: str
    value: float
    met: bool


@dataclass(slots=True)
class Report:
    """All figures, goals and remarks of one measurement."""

    name: str
    figures: dict[str, Figure] = field(default_factory=dict)
    goals: dict[str, Goal] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def figure(self, key: str, values: Iterable[float], unit: str) -> Figure:
        """Enter the values of one quantity, at least one; returns what they come to."""
        self.figures[key] = summary(list(values), unit)
        return self.figures[key]

    def at_most(self, key: str, value: float, limit: float, unit: str) -> bool:
        """Hold a value against an upper limit, itself included; whether it is met."""
        return self._goal(key, Goal(f"≤ {rounded(limit):g} {unit}".rstrip(), rounded(value), value <= limit))

    def at_least(self, key: str, value: float, limit: float, unit: str) -> bool:
        """Hold a value against a lower limit, itself included; whether it is met."""
        return self._goal(key, Goal(f"≥ {rounded(limit):g} {unit}".rstrip(), rounded(value), value >= limit))

    def note(self, text: str) -> None:
        """Enter a remark: which server, how many stations, what was left out."""
        self.notes.append(text)

    @property
    def met(self) -> bool:
        """Whether every goal is met."""
        return all(goal.met for goal in self.goals.values())

    def as_json(self) -> str:
        """The report as one JSON object on one line."""
        goals = {key: {"goal": goal.goal, "value": goal.value, "met": goal.met} for key, goal in self.goals.items()}
        figures = {key: figure.as_dict() for key, figure in self.figures.items()}
        return json.dumps(
            {"name": self.name, "figures": figures, "goals": goals, "notes": self.notes}, ensure_ascii=False
        )

    def as_table(self) -> str:
        """The report as lines for a person."""
        rows: list[tuple[str, ...]] = [("figure", "median", "min", "max", "p50", "p99", "unit", "n")]
        for key, one in self.figures.items():
            numbers = [f"{rounded(value):g}" for value in (one.median, one.least, one.most, one.p50, one.p99)]
            rows.append((key, *numbers, one.unit, str(one.count)))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [self.name, *("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)]
        lines += [
            f"{'met   ' if goal.met else 'MISSED'}  {key}: {goal.value:g}, goal {goal.goal}"
            for key, goal in self.goals.items()
        ]
        return "\n".join([*lines, *self.notes])

    def _goal(self, key: str, goal: Goal) -> bool:
        self.goals[key] = goal
        return goal.met


def rounds(options: Options, measure: Callable[[], float]) -> list[float]:
    """Measure once for nothing (caches, first imports), then once a round; one value a round."""
    measure()
    return [measure() for _ in range(options.rounds)]


def summary(values: Sequence[float], unit: str) -> Figure:
    """The middle and spread of at least one value."""
    ordered = sorted(values)
    return Figure(
        unit=unit,
        count=len(ordered),
        median=statistics.median(ordered),
        least=ordered[0],
        most=ordered[-1],
        p50=percentile(ordered, 50),
        p99=percentile(ordered, 99),
    )


def percentile(ordered: Sequence[float], percent: float) -> float:
    """The smallest of the ordered values that `percent` of them do not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def rounded(value: float) -> float:
    """Four significant digits: more would pretend, fewer would hide a change of a percent."""
    return float(f"{value:.4g}")
