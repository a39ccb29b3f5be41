"""Requests over the control socket: each gets its answer, junk gets an error, and nothing else suffers."""

import json
import socket
import sys
from typing import Any

import pytest

from agent.domain.errors import BadInput, NmrError
from agent.system.control import ControlLine, connect, connect_to
from agent.system.control_server import LONGEST_LINE
from tests.system.control_stage import Agent, lines, wait_until

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the Unix end; the pipe has its own tests")


def test_a_request_gets_its_result(line: ControlLine) -> None:
    asked: dict[str, Any] = {"to": {"role": "kitchen"}, "note": 'ä"\n\u2028 😀', "order": None, "urgent": True}
    assert line.request("echo", **asked) == asked
    assert line.request("echo") == {}


def test_two_clients_get_each_their_own_results(agent: Agent) -> None:
    with connect(agent.profile) as one, connect_to(agent.profile.control_address) as other:
        asked = [(one, one.post("echo", n=1)), (other, other.post("echo", n=2)), (one, one.post("echo", n=3))]
        for line, number in reversed(asked):
            assert line.request("echo", again=number) == {"again": number}
        assert [answer["result"] for answer in one.ready()] == [{"n": 1}, {"n": 3}]
        assert [answer["result"] for answer in other.ready()] == [{"n": 2}]


def test_an_error_arrives_as_it_was_raised(line: ControlLine) -> None:
    with pytest.raises(BadInput) as raised:
        line.request("refuse")
    error = raised.value
    assert (error.title, error.message, error.code, error.field, error.exit_code) == (
        "No such order",
        "Run: nmr orders",
        "no-such-order",
        "order",
        2,
    )


@pytest.mark.parametrize("do", ["break", "unwritable"])
def test_a_mistake_of_the_agent_is_logged_told_and_survived(
    line: ControlLine, caplog: pytest.LogCaptureFixture, do: str
) -> None:
    with pytest.raises(NmrError) as raised:
        line.request(do)
    assert raised.value.code == "internal"
    assert "secret" not in str(raised.value)
    assert any(one.exc_info for one in caplog.records if one.name == "agent.system.control_server")
    assert line.request("echo", n=1) == {"n": 1}


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"\x00\xff\xfe",
        b"GET / HTTP/1.1\r",
        b"null",
        b"[]",
        b"{}",
        b'{"id": null, "do": "echo"}',
        b'{"id": {"a": 1}, "do": "echo"}',
        b'{"id": [1], "do": "echo"}',
        b'{"id": 1.5, "do": "echo"}',
        b'{"do": "echo"}',
        b'{"id": 1, "do"',
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b"9" * 60_000,
        b'{"id": NaN, "do": "echo"}',
        b"\xc3\x28",
    ],
    ids=lambda one: repr(one[:20]),
)
def test_junk_is_answered_and_the_connection_stays(raw: socket.socket, junk: bytes) -> None:
    raw.sendall(junk + b'\n{"id": "x", "do": "echo", "with": {"n": 1}}\n')
    complaint, answer = lines(raw, 2)
    assert complaint["id"] is None
    assert complaint["ok"] is False
    assert complaint["error"]["code"] == "bad-request"
    assert answer == {"id": "x", "ok": True, "result": {"n": 1}}


@pytest.mark.parametrize("junk", [{"id": 7}, {"id": 7, "do": 3}, {"id": 7, "do": "echo", "with": []}])
def test_a_request_in_a_wrong_shape_is_answered_under_its_id(raw: socket.socket, junk: dict[str, Any]) -> None:
    raw.sendall(json.dumps(junk).encode() + b"\n")
    (complaint,) = lines(raw, 1)
    assert (complaint["id"], complaint["error"]["code"], complaint["error"]["exit"]) == (7, "bad-request", 2)


@pytest.mark.parametrize("size", [LONGEST_LINE + 1, 3 * LONGEST_LINE, 5_000_000])
def test_a_line_that_is_too_long_is_refused_and_the_next_one_is_heard(raw: socket.socket, size: int) -> None:
    raw.sendall(b'{"id": 1, "do": "' + b"x" * size + b'"}\n{"id": 2, "do": "echo"}\n')
    complaint, answer = lines(raw, 2)
    assert (complaint["id"], complaint["ok"]) == (None, False)
    assert "65536" in complaint["error"]["message"]
    assert answer["id"] == 2


def test_a_line_as_long_as_allowed_is_heard(raw: socket.socket) -> None:
    frame = b'{"id": 1, "do": "echo", "with": {"n": ""}}\n'
    raw.sendall(frame.replace(b'""', b'"' + b"x" * (LONGEST_LINE - len(frame)) + b'"'))
    (answer,) = lines(raw, 1)
    assert answer["ok"]


def test_unfinished_lines_and_hanging_up_in_the_middle_hurt_nobody(agent: Agent, line: ControlLine) -> None:
    for piece in (b'{"id": 1', b"x" * 100_000, b'{"id": 1, "do": "sleep"}\n{"id"'):
        with socket.socket(socket.AF_UNIX) as opened:
            opened.connect(agent.profile.control_address)
            opened.sendall(piece)
    assert line.request("echo", n=1) == {"n": 1}
    wait_until(lambda: agent.waiting == 0)
