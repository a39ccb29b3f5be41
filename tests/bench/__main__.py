"""Runs one measurement: `python -m tests.bench NAME [--json] [--rounds N]`."""

import argparse
import contextlib
import importlib
import sys
from pathlib import Path
from typing import cast

from tests.bench.report import Absent, Options, Report

_HARNESS = {"__init__", "__main__", "report"}
NOT_HERE = 3
"""The exit code if this computer lacks what the measurement needs."""


def measurements() -> list[str]:
    """The names that can be measured."""
    stems = {path.stem for path in Path(__file__).parent.glob("*.py")}
    return sorted(stem for stem in stems - _HARNESS if not stem.startswith(("test_", "_")))


def measure(name: str, options: Options) -> Report:
    """Run one measurement. What it prints on the way goes to standard error: standard output is the report's."""
    module = importlib.import_module(f"tests.bench.{name}")
    with contextlib.redirect_stdout(sys.stderr):
        return cast("Report", module.run(options))


def main(arguments: list[str] | None = None) -> int:
    """Measure and print: 0 if every goal is met, 1 if not, 3 if this computer cannot measure it."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description="Measure one thing.")
    parser.add_argument("name", choices=measurements(), type=lambda name: name.replace("-", "_"))
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    parser.add_argument("--rounds", type=int, default=5, help="how often to repeat (%(default)s)")
    given = parser.parse_args(arguments)
    try:
        report = measure(given.name, Options(rounds=max(1, given.rounds)))
    except Absent as reason:
        print(f"{given.name} cannot be measured here: {reason}", file=sys.stderr)
        return NOT_HERE
    print(report.as_json() if given.json else report.as_table())
    return 0 if report.met else 1


if __name__ == "__main__":
    sys.exit(main())
