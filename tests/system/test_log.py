"""Log lines: one for each event whatever is in it, capped, private, and never a reason to fail."""

import json
import logging
import re
import stat
import sys
from collections.abc import Iterator
from logging.handlers import RotatingFileHandler
from pathlib import Path

import pytest

from agent.system.log import LONGEST_VALUE, OneLine, close_log, event, open_log, set_level, shown

STRANGE = [
    "plain",
    "two\nlines",
    "carriage\rreturn",
    '\r\n2026-01-01T00:00:00.000Z INFO station.app page-answered by="boss"',
    "nul\x00byte",
    "\x1b[2J\x1b[31mred",
    "\x1b]0;title\x07",
    "\x9b31mC1 control",
    "tab\tand\vvertical\ffeed",
    "next\x85line \u2028separator \u2029paragraph",
    "\u202eright to left\u202c \u200bzero width",
    'quote " and backslash \\ and \\n',
    "lone \ud800 surrogate",
    "\U000e0041 tag and \U0001f600 face",
    "x" * 10_000,
    "ü" * 150,
    "\n" * 150,
    "\x1b" * 100_000,
    '"' * 199,
    "%s %d %(name)s {0}",
    b"\x00\xffbytes" * 100,
    ["a\nb", {"c\r": 1}],
    {"k\n": "v\x00"},
    Path("/tmp/a\nb"),
    10**5000,
    -1.5,
    float("nan"),
    None,
    True,
]
LINE = re.compile(
    r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z [A-Z]+ [\w.:-]+ [\w.:-]+( [\w.:-]+=(\"(\\.|[^\"\\])*\"|[^ \"]+))*$"
)


def line(logger_name: str = "station.app", **fields: object) -> str:
    """The line of one event."""
    record = logging.LogRecord(logger_name, logging.INFO, __file__, 1, "it-happened", None, None)
    record.fields = fields
    return OneLine().format(record)


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Path]:
    root = logging.getLogger()
    before = root.level
    opened = open_log(tmp_path, "agent")
    yield tmp_path / "agent.log"
    close_log(opened)
    root.setLevel(before)


@pytest.mark.parametrize("value", STRANGE, ids=lambda one: repr(one)[:20] if not isinstance(one, int) else "number")
def test_a_value_stays_in_its_field_its_line_and_its_size(value: object) -> None:
    text = line(value=value, last=1)
    assert LINE.match(text), text
    assert text.isprintable()
    assert len(shown(value).encode()) <= LONGEST_VALUE
    assert text.endswith(" last=1")
    assert text.count(" value=") == 1 or 'value="' in text


@pytest.mark.parametrize("value", [one for one in STRANGE if isinstance(one, str) and len(one) < 100])
def test_a_short_text_can_be_read_back(value: str) -> None:
    assert json.loads(shown(value)) == value


def test_a_long_text_is_cut_between_characters() -> None:
    assert shown("x" * 198) == '"' + "x" * 198 + '"'
    assert shown("x" * 199) == '"' + "x" * 195 + '…"'
    assert json.loads(shown("\n" * 150)).rstrip("…").strip("\n") == ""


@pytest.mark.parametrize("name", ["a b", "a\nb", "a=b", 'a"b', "\x1b", "ä"])
def test_names_of_loggers_and_fields_cannot_break_a_line_either(name: str) -> None:
    assert LINE.match(line(name, **{name: 1}))


def test_an_event_is_written_with_its_fields(log: Path) -> None:
    event(logging.getLogger("station.app"), "page-sent", page="6f1c", ms=3, name="a", level="b", logger="c")
    text = log.read_text(encoding="utf-8")
    assert text.endswith(' INFO station.app page-sent page="6f1c" ms=3 name="a" level="b" logger="c"\n')
    assert sys.platform == "win32" or stat.S_IMODE(log.stat().st_mode) == 0o600


def test_what_a_library_says_is_one_line_too(log: Path) -> None:
    logging.getLogger("paho").warning("got %s", "evil\nline")
    logging.getLogger("paho").warning(ValueError("an\nobject"))
    lines = log.read_text(encoding="utf-8").splitlines()
    assert [text.split(" ", 1)[1] for text in lines] == [
        'WARNING paho said text="got evil\\nline"',
        'WARNING paho said text="an\\nobject"',
    ]


def test_wrong_arguments_of_a_library_do_not_cost_the_line() -> None:
    record = logging.LogRecord("paho", logging.WARNING, __file__, 1, "wrong %d", ("format",), None)
    assert OneLine().format(record).endswith('WARNING paho said text="wrong %d"')


def test_an_exception_is_one_line_with_the_place_and_without_source(log: Path) -> None:
    try:
        int("two\nlines")
    except ValueError:
        logging.getLogger("x").exception("failed", extra={"fields": {"id": 7}})
    (text,) = log.read_text(encoding="utf-8").splitlines()
    assert re.search(r'failed id=7 error="ValueError: invalid literal .*two.*nlines.*" at="test_log:\d+"$', text)


def test_levels_below_the_chosen_one_cost_nothing_and_are_not_written(log: Path) -> None:
    class Costly:
        def __str__(self) -> str:
            raise AssertionError

    event(logging.getLogger("x"), "quiet", logging.DEBUG, value=Costly())
    set_level("error")
    event(logging.getLogger("x"), "quiet")
    event(logging.getLogger("x"), "loud", logging.ERROR)
    assert log.read_text(encoding="utf-8").count("\n") == 1


def test_files_rotate_and_their_number_and_size_are_capped(tmp_path: Path) -> None:
    opened = open_log(tmp_path, "agent", keep_files=3, megabytes=1)
    assert isinstance(opened, RotatingFileHandler)
    assert opened.maxBytes == 1 << 20
    opened.maxBytes = 20_000
    try:
        for number in range(2_000):
            event(logging.getLogger("x"), "filled", number=number, text="x" * 190)
    finally:
        close_log(opened)
        logging.getLogger().setLevel(logging.WARNING)
    files = sorted(tmp_path.iterdir())
    assert [file.name for file in files] == ["agent.log", "agent.log.1", "agent.log.2"]
    assert all(file.stat().st_size <= 20_000 for file in files)
    assert "number=1999 " in (tmp_path / "agent.log").read_text(encoding="utf-8").splitlines()[-1]


def test_a_file_somebody_else_holds_open_is_written_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_log(tmp_path, "agent", megabytes=1)
    assert isinstance(opened, RotatingFileHandler)
    opened.maxBytes = 20_000

    def refuse(source: str, dest: str) -> None:
        raise PermissionError(source, dest)

    monkeypatch.setattr(opened, "rotate", refuse)
    try:
        for number in range(200):
            event(logging.getLogger("x"), "filled", number=number, text="x" * 190)
    finally:
        close_log(opened)
        logging.getLogger().setLevel(logging.WARNING)
    assert (tmp_path / "agent.log").read_text(encoding="utf-8").count("\n") == 200


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full, the disk that is always full")
def test_a_full_disk_costs_lines_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "agent.log").symlink_to("/dev/full")
    opened = open_log(tmp_path, "agent")
    try:
        event(logging.getLogger("x"), "lost")
        monkeypatch.setattr(sys, "stderr", None)  # as under pythonw
        event(logging.getLogger("x"), "lost")
    finally:
        close_log(opened)
    assert capsys.readouterr().err == ""
