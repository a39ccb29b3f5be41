"""A strict reader of Prometheus' text: whatever that would refuse, or only forgive, raises here."""

import math
import re
from collections import defaultdict

_HELP = re.compile(r"# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)")
_TYPE = re.compile(r"# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge|histogram)")
_LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
_SAMPLE = re.compile(rf"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{{({_LABEL}(?:,{_LABEL})*)\}})? (\S+)")

Numbers = dict[str, float]
"""By name and labels, as they are written."""


def read_prometheus(text: str) -> Numbers:
    """Return all numbers; raises AssertionError for whatever is not as it should be."""
    assert text.endswith("\n")
    kinds: dict[str, str] = {}
    found: Numbers = {}
    lines = iter(text[:-1].split("\n"))
    line = next(lines)
    while line:
        helped = _HELP.fullmatch(line)
        typed = _TYPE.fullmatch(next(lines))
        assert helped, line
        assert typed, line
        assert helped[1] == typed[1]
        name, kind = typed[1], typed[2]
        assert name not in kinds, f"{name} comes twice"
        assert (kind == "counter") == name.endswith("_total"), name
        kinds[name], samples = kind, list[tuple[str, str, float]]()
        for line in lines:
            if line.startswith("#"):
                break
            samples.append(_sample(line))
        else:
            line = ""
        assert samples, f"{name} has no numbers"
        _check(name, kind, samples)
        for sample, labels, number in samples:
            key = f"{sample}{{{labels}}}" if labels else sample
            assert key not in found, f"{key} comes twice"
            found[key] = number
    return found


def _sample(line: str) -> tuple[str, str, float]:
    match = _SAMPLE.fullmatch(line)
    assert match, line
    return match[1], match[2] or "", float(match[3])


def _check(name: str, kind: str, samples: list[tuple[str, str, float]]) -> None:
    if kind != "histogram":
        assert {sample for sample, _, _ in samples} == {name}
        assert kind == "gauge" or all(number >= 0 for _, _, number in samples)
        return
    parts = defaultdict(list)
    for sample, labels, number in samples:
        parts[sample.removeprefix(name)].append((labels, number))
    assert parts.keys() == {"_bucket", "_sum", "_count"}
    bounds = [float(labels.removeprefix('le="').removesuffix('"')) for labels, _ in parts["_bucket"]]
    counts = [number for _, number in parts["_bucket"]]
    assert bounds == sorted(set(bounds))
    assert bounds[-1] == math.inf
    assert counts == sorted(counts)
    assert counts[-1] == parts["_count"][0][1]
