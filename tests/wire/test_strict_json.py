"""Strict JSON: one way to read a text, everything doubtful refused."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.wire.strict_json import MAX_DEPTH, NotStrict, decode, encode

GOOD = [
    b"{}",
    b"[]",
    b'{"a":1}',
    b'{"a":[true,false,null]}',
    b'"text"',
    b"-9007199254740991",
    b"9007199254740991",
    b"0",
    b'{"note":"two\\nlines"}',
    '{"a":"Grüße 👍"}'.encode(),
    b" [ 1 , 2 ] ",
    b"[" * MAX_DEPTH + b"]" * MAX_DEPTH,
    json.dumps({str(n): n for n in range(64)}).encode(),
    json.dumps(list(range(256))).encode(),
    b'"[[[[[[[[[[[[[[[[["',
    b'"\\"[[[[[[[[[[[[[[["',
]
BAD = [
    b"",
    b" ",
    b"nul",
    b"\xef\xbb\xbf{}",
    b"\xff",
    b'{"a":1,"a":2}',
    b'{"a":{"b":1,"b":2}}',
    b"1.0",
    b"1e3",
    b"-0",
    b"NaN",
    b"Infinity",
    b"-Infinity",
    b"9007199254740992",
    b"-9007199254740992",
    b"1" * 5000,
    b"01",
    b"+1",
    b"[1,]",
    b'{"a":1,}',
    b"{'a':1}",
    b'{"a":"\x01"}',
    b'{"a":"\\u0001"}',
    b'{"a":"line\\nbreak"}',
    b'{"note":"tab\\t"}',
    b'{"note":"\\r"}',
    b'{"a":"\\u0000"}',
    b'{"a":"\\ud800"}',
    b'{"a":"\\u0085"}',
    '{"a":"e\u0301"}'.encode(),
    b'{"a":"e\\u0301"}',
    b'{"e\\u0301":1}',
    b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1),
    b"[" * 100_000,
    b'{"a":' * 100_000,
    json.dumps({str(n): n for n in range(65)}).encode(),
    json.dumps(list(range(257))).encode(),
    b"{} {}",
    b"[1] x",
    b"// c\n{}",
    b'"open',
    b"\x00",
]


@pytest.mark.parametrize("raw", GOOD, ids=lambda raw: raw[:20])
def test_reads_what_it_should(raw: bytes) -> None:
    assert decode(raw) == json.loads(raw)


@pytest.mark.parametrize("raw", BAD, ids=lambda raw: raw[:20])
def test_refuses_what_it_should(raw: bytes) -> None:
    with pytest.raises(NotStrict):
        decode(raw)


@given(st.binary(max_size=300))
def test_never_fails_in_another_way(raw: bytes) -> None:
    try:
        decode(raw)
    except NotStrict:
        return


safe_text = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20)
safe = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | safe_text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(safe_text, inner, max_size=4),
    max_leaves=12,
)


@given(safe)
def test_reads_back_what_it_writes(value: object) -> None:
    with suppress(NotStrict):  # deeper than allowed, and only that: the next line would show anything else
        assert decode(encode(value)) == value
    assert json.loads(encode(value)) == value
