r"""How numbers are written down for Prometheus; pure.

    # HELP nmr_hub_answer_seconds Seconds from a page to its first answer.
    # TYPE nmr_hub_answer_seconds histogram
    nmr_hub_answer_seconds_bucket{le="10"} 3         at most 10 s, all shorter ones counted
    nmr_hub_answer_seconds_bucket{le="+Inf"} 4
    nmr_hub_answer_seconds_sum 31.5
    nmr_hub_answer_seconds_count 4

A counter's name ends with _total. In help \ and line feeds are escaped, in the values of labels " as well.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]
NO_LABELS: Labels = ()


class Histogram:
    """How many values were at most so large."""

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = tuple(bounds)
        self.sum = 0.0
        self._counts = [0] * (len(bounds) + 1)

    def add(self, value: float) -> None:
        """Count one."""
        self._counts[bisect_left(self.bounds, value)] += 1
        self.sum += value

    def lines(self, name: str) -> Iterator[str]:
        """Return the lines of its numbers."""
        below = 0
        for bound, count in zip((*map(_number, self.bounds), "+Inf"), self._counts, strict=True):
            below += count
            yield f'{name}_bucket{{le="{bound}"}} {below}'
        yield f"{name}_sum {_number(self.sum)}"
        yield f"{name}_count {below}"


@dataclass(frozen=True, slots=True)
class Family:
    """One name with its help in a sentence, and its numbers by labels."""

    name: str
    kind: Literal["counter", "gauge"]
    about: str
    numbers: Mapping[Labels, float] = field(default_factory=dict)

    def lines(self) -> Iterator[str]:
        """Return the lines of its numbers."""
        for labels, number in self.numbers.items():
            yield f"{self.name}{_labels(labels)} {_number(number)}"


def gauge(name: str, about: str, number: float) -> Family:
    """One number that goes up and down."""
    return Family(name, "gauge", about, {NO_LABELS: number})


def counter(name: str, about: str, numbers: float | Mapping[str, float], label: str = "") -> Family:
    """Numbers that only grow until the hub starts again: one, or one for each value of a label."""
    if isinstance(numbers, Mapping):
        return Family(name, "counter", about, by(label, numbers))
    return Family(name, "counter", about, {NO_LABELS: numbers})


def by(label: str, numbers: Mapping[str, float]) -> dict[Labels, float]:
    """Return numbers under the values of one label."""
    return {((label, value),): number for value, number in numbers.items()}


def write_families(families: Iterable[Family], histograms: Mapping[str, tuple[str, Histogram]]) -> str:
    """Return the whole text; `histograms` are by name, each with its help."""
    lines: list[str] = []
    for family in families:
        lines += [*_head(family.name, family.kind, family.about), *family.lines()]
    for name, (about, histogram) in histograms.items():
        lines += [*_head(name, "histogram", about), *histogram.lines(name)]
    return "".join(f"{line}\n" for line in lines)


def _head(name: str, kind: str, about: str) -> list[str]:
    return [f"# HELP {name} {_escaped_help(about)}", f"# TYPE {name} {kind}"]


def _escaped_help(about: str) -> str:
    return about.replace("\\", r"\\").replace("\n", r"\n")


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))
