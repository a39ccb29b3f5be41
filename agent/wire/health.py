r"""How health is written down for monitoring: a line as Nagios reads it, and text as Prometheus does; pure.

Nagios and its kin read one line and the exit code 0 ok, 1 warning, 2 critical, 3 unknown:

    NMR OK - desk-1: mqtt up, hub up | hub_rtt_seconds=0.0021s unanswered_pages=0 key_days=21.4

    behind the bar: name=value[unit], values with a dot, names of a-z 0-9 and _

Prometheus and its textfile collector read, each name once with its help and kind, labels in order:

    # HELP nmr_station_link_up Whether a link is up.
    # TYPE nmr_station_link_up gauge
    nmr_station_link_up{link="mqtt"} 1
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

Unit = Literal["", "s", "B"]
WORDS = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
OK, WARNING, CRITICAL, UNKNOWN = range(4)
"""The exit codes."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number: its name, its help in a sentence, and labels; None is not known and not written."""

    name: str
    value: float | None
    about: str
    unit: Unit = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    counts_up: bool = False
    """Whether it only grows until the program starts again."""


@dataclass(frozen=True, slots=True)
class Health:
    """How something is: an exit code, what to say about it in a few words, and the numbers."""

    whose: Literal["station", "hub"]
    code: int
    text: str
    measures: tuple[Measure, ...] = ()


def as_nagios(health: Health) -> str:
    """The one line; numbers with labels have them in their names."""
    line = f"NMR {WORDS[health.code]} - {_one_line(health.text)}"
    numbers = [f"{_label(one)}={_number(one.value)}{one.unit}" for one in health.measures if one.value is not None]
    return f"{line} | {' '.join(numbers)}" if numbers else line


def as_prometheus(health: Health) -> str:
    """The text, each line ended; `health` among the numbers is the exit code."""
    code = Measure("health", health.code, "0 ok, 1 warning, 2 critical, 3 unknown.")
    lines: list[str] = []
    known = [one for one in (code, *health.measures) if one.value is not None]
    for name, group in groupby(sorted(known, key=lambda one: one.name), key=lambda one: one.name):
        same = list(group)
        kind = "counter" if same[0].counts_up else "gauge"
        full = f"nmr_{health.whose}_{name}"
        lines += [f"# HELP {full} {_escaped(same[0].about)}", f"# TYPE {full} {kind}"]
        lines += [f"{full}{_labels(one.labels)} {_number(one.value)}" for one in same]
    return "".join(f"{line}\n" for line in lines)


def worst(codes: Iterable[int]) -> int:
    """The worst of several: critical, then unknown, then warning."""
    return max(codes, key=(OK, WARNING, UNKNOWN, CRITICAL).index, default=OK)


def _label(one: Measure) -> str:
    plain = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in "_".join(_parts(one)))
    return plain.lower()


def _parts(one: Measure) -> list[str]:
    return [one.name, *(one.labels[name] for name in sorted(one.labels))]


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_quoted(labels[name])}"' for name in sorted(labels)) + "}"


def _number(value: float | None) -> str:
    number = float(value or 0.0)
    return str(round(number)) if number == round(number) else f"{number:.6g}"


def _one_line(text: str) -> str:
    """The bar ends the words, a line end the whole."""
    return " ".join(text.replace("|", "/").split())


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')
