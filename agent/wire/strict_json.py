"""JSON with nothing to argue about: one way to read it, and everything doubtful refused.

UTF-8 without BOM, no duplicate keys, only integers within +-(2^53 - 1), depth <= 8 (counted before parsing),
<= 64 keys an object, <= 256 items a list, NFC, no control characters but a newline in `note`.
"""

import json
import re
from typing import Any
from unicodedata import is_normalized

from agent.domain.envelope import SAFE_INT

MAX_DEPTH, MAX_KEYS, MAX_ITEMS = 8, 64, 256
MAX_DIGITS = 17

_string = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_brackets = re.compile(rb"[^\[\]{}]+")
_beyond_ascii_control = re.compile("[\x7f-\x9f\ud800-\udfff]")
_control = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_control_but_newline = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


class NotStrict(ValueError):
    """The text is no strict JSON; the message says which rule it breaks."""


def encode(value: object) -> bytes:
    """Return the JSON we send: no spaces, UTF-8 as it is; raises ValueError for what `decode` would refuse."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


def decode(raw: bytes) -> Any:
    """Return the value of strict JSON; raises NotStrict."""
    _check_depth(raw)
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NotStrict("not UTF-8") from error
    if not is_normalized("NFC", text):
        raise NotStrict("not NFC")
    try:
        value = _decoder.decode(text)
    except (RecursionError, json.JSONDecodeError) as error:
        raise NotStrict("no JSON") from error
    if "\\" in text or text.count(",") >= MAX_ITEMS or _beyond_ascii_control.search(text):
        _check(value)  # the parser refuses the other control characters by itself, unless they were escaped
    return value


def _check_depth(raw: bytes) -> None:
    depth = 0
    for bracket in _brackets.sub(b"", _string.sub(b"", raw)):
        depth += 1 if bracket in b"[{" else -1
        if depth > MAX_DEPTH:
            raise NotStrict("too deep")


def _check(value: Any, *, note: bool = False) -> None:
    """Look at what the parser lets through: the length of lists, and what was hidden behind escapes."""
    if isinstance(value, dict):
        for key, inner in value.items():
            _check(key)
            _check(inner, note=key == "note")
    elif isinstance(value, list):
        if len(value) > MAX_ITEMS:
            raise NotStrict("too many items")
        for inner in value:
            _check(inner)
    elif isinstance(value, str):
        if (_control_but_newline if note else _control).search(value):
            raise NotStrict("control character")
        if not is_normalized("NFC", value):
            raise NotStrict("not NFC")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MAX_KEYS:
        raise NotStrict("too many keys")
    made = dict(pairs)
    if len(made) != len(pairs):
        raise NotStrict("duplicate key")
    return made


def _integer(digits: str) -> int:
    if len(digits) > MAX_DIGITS or abs(number := int(digits)) > SAFE_INT or digits == "-0":
        raise NotStrict("number out of range")
    return number


def _no_float(_: str) -> float:
    raise NotStrict("not an integer")


_decoder = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_int=_integer, parse_float=_no_float, parse_constant=_no_float
)
