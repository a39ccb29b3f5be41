"""Every way a program can end has its one name, and the first that fits counts."""

import pytest

from agent.system.task_outcome import Cause, Failed, ending, judged
from agent.system.task_said import Said
from agent.system.task_types import Allowed

TASK = Allowed("test", ("prog",), seconds=5, memory_bytes=100 << 20, output_bytes=100)
GOOD, BAD = b'{"result": 1}', b"?"


def told(cause: Cause, said: bytes, last: bytes, complaint: bytes = b"") -> str:
    heard = Said(TASK.output_bytes, lambda _: None)
    heard.take(said)
    heard.end()
    found = judged(TASK, cause, heard, ending(last, complaint))
    return found.code if isinstance(found, Failed) else f"done {found.data.decode()}"


def ended(code: int, peak: int = 0) -> bytes:
    return f'{{"code": {code}, "peak_bytes": {peak}}}'.encode()


@pytest.mark.parametrize(
    ("cause", "said", "last", "complaint", "expected"),
    [
        ("", GOOD, ended(0), b"", "done 1"),
        ("", GOOD, ended(0, 100 << 20), b"MemoryError, but I coped", "done 1"),
        ("", GOOD, ended(1), b"", "exit"),
        ("", GOOD, b"", b"", "exit"),
        ("", GOOD, b"{}", b"", "exit"),
        ("", BAD, ended(0), b"", "not-json"),
        ("", b"", ended(0), b"", "not-json"),
        ("", b"", ended(1, 75 << 20), b"", "memory"),
        ("", b"", ended(1, 74 << 20), b"", "exit"),
        ("", b"", ended(-6), b"terminate called: std::bad_alloc", "memory"),
        ("", b"", b'{"failed": "No such file"}', b"", "cannot-start"),
        ("cancelled", GOOD, ended(0), b"", "done 1"),
        ("cancelled", GOOD, ended(-15), b"", "cancelled"),
        ("cancelled", b"", ended(0), b"", "cancelled"),
        ("timeout", GOOD, ended(0), b"", "timeout"),
        ("output", GOOD, ended(0), b"", "output"),
        ("", b"x" * 101, ended(0), b"", "output"),
    ],
)
def test_each_ending_has_one_name(cause: Cause, said: bytes, last: bytes, complaint: bytes, expected: str) -> None:
    assert told(cause, said, last, complaint) == expected


def test_a_complaint_is_clean() -> None:
    assert ending(b"", b"\xff\x1b[31mred\nline\n").complaint == "\ufffd [31mred\nline"


def test_a_long_reason_keeps_its_head_and_its_end() -> None:
    why = "it ended with 1: " + "row\n" * 1000 + "ValueError: no paper"
    short = Failed("exit", why).short(100)
    assert len(short) == 100
    assert short.startswith("it ended with 1: …")
    assert short.endswith("ValueError: no paper")
    assert Failed("exit", "it ended with 1").short(15) == "it ended with 1"
    assert len(Failed("exit", "x" * 1000).short(100)) == 100
