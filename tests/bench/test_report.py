"""The measuring harness counts right, keeps standard output clean and tells a missed goal by its exit code."""

import json
import sys
import types

import pytest

from tests.bench import __main__ as harness
from tests.bench.report import Absent, Options, Report, percentile, rounds, summary


def test_a_figure_holds_the_middle_and_the_spread() -> None:
    figure = summary([3.0, 1.0, 2.0, 100.0], "ms")
    assert (figure.median, figure.least, figure.most, figure.count) == (2.5, 1.0, 100.0, 4)
    assert (figure.p50, figure.p99) == (2.0, 100.0)


@pytest.mark.parametrize(("percent", "value"), [(1, 1), (50, 50), (99, 99), (100, 100)])
def test_a_percentile_is_the_value_at_its_rank(percent: int, value: int) -> None:
    assert percentile(range(1, 101), percent) == value


def test_a_goal_is_met_on_its_limit_and_missed_beyond_it() -> None:
    report = Report("cost")
    assert report.at_most("memory", 48, 48, "MiB")
    assert report.at_least("burst", 3000, 3000, "pages/s")
    assert report.met
    assert not report.at_most("start", 250.1, 250, "ms")
    assert not report.met


def test_the_json_names_figures_and_goals_by_key() -> None:
    report = Report("cost")
    report.figure("start", [200.0, 220.0, 210.0], "ms")
    report.at_most("PF2", 210, 250, "ms")
    read = json.loads(report.as_json())
    assert read["name"] == "cost"
    assert read["figures"]["start"] == {
        "unit": "ms", "count": 3, "median": 210.0, "min": 200.0, "max": 220.0, "p50": 210.0, "p99": 220.0
    }  # fmt: skip
    assert read["goals"] == {"PF2": {"goal": "≤ 250 ms", "value": 210.0, "met": True}}


def test_the_first_measurement_warms_up_and_does_not_count() -> None:
    values = iter([999.0, 1.0, 2.0])
    assert rounds(Options(rounds=2), lambda: next(values)) == [1.0, 2.0]


def planted(monkeypatch: pytest.MonkeyPatch, value: float) -> None:
    """Put a measurement called `planted` beside the real ones, its goal at most 10."""

    def run(options: Options) -> Report:
        print("chatter")
        report = Report("planted")
        report.figure("x", [value] * options.rounds, "s")
        report.at_most("X1", value, 10, "s")
        return report

    module = types.ModuleType("tests.bench.planted")
    vars(module)["run"] = run
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setattr(harness, "measurements", lambda: ["planted"])


@pytest.mark.parametrize(("value", "code"), [(10.0, 0), (11.0, 1)])
def test_standard_output_is_only_the_report_and_a_missed_goal_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], value: float, code: int
) -> None:
    planted(monkeypatch, value)
    assert harness.main(["planted", "--json", "--rounds", "3"]) == code
    out, err = capsys.readouterr()
    assert json.loads(out)["figures"]["x"]["count"] == 3
    assert err == "chatter\n"


def test_the_table_shows_a_missed_goal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    planted(monkeypatch, 11.0)
    harness.main(["planted"])
    assert "MISSED  X1: 11, goal ≤ 10 s" in capsys.readouterr().out.splitlines()


def test_what_cannot_be_measured_here_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    planted(monkeypatch, 1.0)

    def absent(_options: Options) -> Report:
        raise Absent("no broker on this computer")

    monkeypatch.setattr(sys.modules["tests.bench.planted"], "run", absent)
    assert harness.main(["planted", "--json"]) == harness.NOT_HERE
    assert "no broker on this computer" in capsys.readouterr().err
