"""Lines of keys: found for every place tomllib knows, whatever the way of writing."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from agent.system.config.toml_lines import key_lines
from agent.system.config.toml_place import Place

SOURCE = '''\
# a comment with [brackets] and "quotes"
title = "a # no comment"   # but this is
'single "quoted"' = 1
"double \\"quoted\\" \\u00e4" = 2
a.b . "c.d" = 3

many = """
x = 1
[not.a.table] \\""" still
""""
raw = \'\'\'
y = '2'
\'\'\'
list = [ 1, # one
  "two", [3,
  4], { five = 5, six = [
  6 ] },
]
when = 1979-05-27 07:32:00
[ table . sub ]
key = { x = 1, "y z" = { deep = true } }
[[array]]
name = "first"
[array.inside]
n = 1
[[array.nested]]
m = 1
[[array.nested]]
m = 2
[[array]]
name = "second"
[[array.nested]]
m = 3
[last]
'''
LINES = {
    ("title",): 2,
    ('single "quoted"',): 3,
    ('double "quoted" ä',): 4,
    ("a", "b", "c.d"): 5,
    ("many",): 7,
    ("raw",): 11,
    ("list",): 14,
    ("list", 1): 15,
    ("list", 2, 0): 15,
    ("list", 2, 1): 16,
    ("list", 3, "five"): 16,
    ("list", 3, "six", 0): 17,
    ("when",): 19,
    ("table", "sub"): 20,
    ("table", "sub", "key", "y z", "deep"): 21,
    ("array",): 22,
    ("array", 0): 22,
    ("array", 0, "inside", "n"): 25,
    ("array", 0, "nested", 0, "m"): 27,
    ("array", 0, "nested", 1, "m"): 29,
    ("array", 1): 30,
    ("array", 1, "nested", 0): 32,
    ("array", 1, "nested", 0, "m"): 33,
    ("last",): 34,
}


def leaves(value: Any, place: Place = ()) -> Iterator[Place]:
    """Every place of a parsed document that is neither a table nor an array."""
    match value:
        case dict():
            for key, one in value.items():
                yield from leaves(one, (*place, key))
        case list():
            for index, one in enumerate(value):
                yield from leaves(one, (*place, index))
        case _:
            yield place


@pytest.mark.parametrize(("place", "line"), LINES.items())
def test_the_line_of_a_key_is_found(place: Place, line: int) -> None:
    assert key_lines(SOURCE)[place] == line


def test_every_value_the_parser_finds_has_a_line_and_none_is_invented() -> None:
    found = key_lines(SOURCE)
    expected = set(leaves(tomllib.loads(SOURCE)))
    assert expected <= found.keys()
    prefixes = {place[:length] for place in expected for length in range(1, len(place) + 1)}
    assert found.keys() - prefixes == {("last",)}


@pytest.mark.parametrize(
    "source", ["", "\n\n", "# only a comment", "a = ''", 'a = """"""', "a = ''''x'''''", "a = []", "a = {}"]
)
def test_small_documents_are_walked_to_their_end(source: str) -> None:
    assert set(key_lines(source)) == {(key,) for key in tomllib.loads(source)}
