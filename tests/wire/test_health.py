"""A health line is one that Nagios splits, and text that Prometheus reads, whatever is in it."""

import re

import pytest

from agent.wire.health import CRITICAL, OK, UNKNOWN, WARNING, Health, Measure, as_nagios, as_prometheus, worst

LINE = re.compile(r"NMR (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+( \|( [a-z0-9_]+=-?\d+(\.\d+)?(ms|s|B)?)+)?")
SAMPLE = re.compile(r'nmr_[a-z_]+(\{[a-z]+="([^"\\\n]|\\.)*"(,[a-z]+="([^"\\\n]|\\.)*")*\})? -?[0-9.e+]+')


def test_a_line_has_words_and_numbers() -> None:
    health = Health("station", WARNING, "desk-1: hub silent", (Measure("rtt", 0.0025, "", "s"), Measure("open", 3, "")))
    assert as_nagios(health) == "NMR WARNING - desk-1: hub silent | rtt=0.0025s open=3"
    assert as_nagios(Health("station", OK, "well")) == "NMR OK - well"


def test_nothing_in_the_words_ends_the_line_or_begins_the_numbers() -> None:
    line = as_nagios(
        Health("station", CRITICAL, "a | b=1\nNMR OK - c", (Measure("up", 1, "", labels={"link": "Ä b|c"}),))
    )
    assert LINE.fullmatch(line)
    assert line == "NMR CRITICAL - a / b=1 NMR OK - c | up___b_c=1"


def test_what_is_not_known_is_not_written() -> None:
    health = Health("station", OK, "well", (Measure("rtt", None, "", "s"),))
    assert as_nagios(health) == "NMR OK - well"
    assert "rtt" not in as_prometheus(health)


def test_prometheus_gets_each_name_once_with_its_help_and_kind() -> None:
    links = [Measure("link_up", up, "Whether a link is up.", labels={"link": name}) for name, up in LINKS]
    text = as_prometheus(Health("hub", UNKNOWN, "", (links[0], Measure("told", 7, "All.", counts_up=True), links[1])))
    assert text == (
        "# HELP nmr_hub_health 0 ok, 1 warning, 2 critical, 3 unknown.\n"
        "# TYPE nmr_hub_health gauge\n"
        "nmr_hub_health 3\n"
        "# HELP nmr_hub_link_up Whether a link is up.\n"
        "# TYPE nmr_hub_link_up gauge\n"
        'nmr_hub_link_up{link="mqtt"} 1\n'
        'nmr_hub_link_up{link="p\\"2\\\\p\\n"} 0\n'
        "# HELP nmr_hub_told All.\n"
        "# TYPE nmr_hub_told counter\n"
        "nmr_hub_told 7\n"
    )
    samples = [line for line in text.splitlines() if not line.startswith("#")]
    assert [line for line in samples if not SAMPLE.fullmatch(line)] == []


LINKS = (("mqtt", True), ('p"2\\p\n', False))


@pytest.mark.parametrize(
    ("codes", "code"),
    [([], OK), ([OK, WARNING], WARNING), ([UNKNOWN, WARNING], UNKNOWN), ([CRITICAL, UNKNOWN, OK], CRITICAL)],
)
def test_the_worst_of_several_is_critical_first(codes: list[int], code: int) -> None:
    assert worst(codes) == code
