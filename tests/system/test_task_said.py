"""What a program says is taken in line by line, however it is cut, and nothing that could not be sent on."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.system.task_said import LONGEST_TEXT, Progress, Said

WHOLE = '{"progress": 0.25, "text": "ä"}\r\n\n{"progress": 1}\n{"result": {"a": ["ö"]}}'.encode()
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(alphabet=st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


def taken(*pieces: bytes, most: int = 10_000) -> tuple[Said, list[Progress]]:
    heard: list[Progress] = []
    said = Said(most, heard.append)
    for piece in pieces:
        said.take(piece)
    said.end()
    return said, heard


@given(st.lists(st.integers(0, len(WHOLE)), max_size=12))
def test_it_does_not_matter_in_which_pieces_it_comes(cuts: list[int]) -> None:
    places = sorted([0, *cuts, len(WHOLE)])
    said, heard = taken(*(WHOLE[start:end] for start, end in pairwise(places)))
    assert (said.result, said.fault) == ('{"a": ["ö"]}'.encode(), "")
    assert heard[-1] == Progress(1.0)
    assert heard in ([Progress(0.25, "ä"), Progress(1.0)], [Progress(1.0)])


@given(VALUES)
def test_every_value_of_json_is_a_result(value: object) -> None:
    said, _ = taken(json.dumps({"result": value}, ensure_ascii=False).encode(errors="replace"))
    assert (json.loads(said.result or b""), said.fault) == (value, "")


@pytest.mark.parametrize(
    "line",
    [
        '{"result": NaN}', '{"result": "\\ud800"}', '{"result": ' + "[" * 100_000, "null", "[]",
        '{"result": 1, "progress": 1}', '{"progress": 1.01}', '{"progress": -1}', '{"progress": "1"}',
        '{"progress": NaN}', '{"progress": 1, "text": 7}', '{"progress": 1, "note": "x"}', '{"text": "x"}', "{}",
        "\x00", '{"result": 01}', '{"result": 1e999}', '{"result": [' + "1" * 5000 + "]}",
    ],
)  # fmt: skip
def test_what_is_no_line_of_ours_spoils_the_result(line: str) -> None:
    said, heard = taken(f'{line}\n{{"result": 1}}\n'.encode(), most=1_000_000)
    assert said.fault == "line 1 of what it said is neither a result nor a progress"
    assert heard == []


def test_bytes_that_are_no_text_spoil_the_result() -> None:
    assert taken(b'\xff\n{"result": 1}')[0].fault


def test_a_second_result_spoils_the_first() -> None:
    assert taken(b'{"result": 1}\n{"result": 1}')[0].fault == "line 2 of what it said comes after the result"


def test_texts_of_progress_are_short_and_clean() -> None:
    _, heard = taken(json.dumps({"progress": 0, "text": "a\nb\x1b" + "x" * 1000}).encode() + b"\n")
    assert heard[0].text.startswith("a b x")
    assert len(heard[0].text) == LONGEST_TEXT


def test_not_a_byte_too_much_is_looked_at() -> None:
    line = b'{"result": 1}\n'
    assert taken(line, most=len(line))[0].result == b"1"
    said, _ = taken(line, b" ", most=len(line))
    assert said.too_much
    assert taken(b"x" * 50, line, most=60)[0].result is None
