"""One key of a file is changed; every other word of it, comments above all, stays."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from agent.system.config.layer import put, value_at
from agent.system.config.toml_change import CannotChange, with_value, without

SOURCE = """\
# mine

[ring]  # loud
again_seconds = 45   # often
page_sound = true

# windows
[ui]
language = 'de'
"""


@pytest.mark.parametrize(
    ("source", "key", "value", "changed"),
    [
        ("", "ring.again_seconds", 20, "[ring]\nagain_seconds = 20\n"),
        ("# only words", "ui.mask", False, "# only words\n\n[ui]\nmask = false\n"),
        (SOURCE, "ring.again_seconds", 20, SOURCE.replace("45", "20")),
        (SOURCE, "ui.language", "en", SOURCE.replace("'de'", '"en"')),
        (SOURCE, "ring.per_minute", 5, SOURCE.replace("= true\n", "= true\nper_minute = 5\n")),
        (SOURCE, "ui.mask", True, SOURCE + "mask = true\n"),
        (SOURCE, "link.mqtt.addresses", ("a:1", "b:2"), SOURCE + '\n[link.mqtt]\naddresses = ["a:1", "b:2"]\n'),
        ("[ring] # loud", "ring.per_minute", 5, "[ring] # loud\nper_minute = 5"),
        ("ring.per_minute = 7\n", "ring.again_seconds", 20, "ring.again_seconds = 20\nring.per_minute = 7\n"),
        ("ring = { per_minute = 7 }\n", "ring.again_seconds", 9, "ring = { per_minute = 7, again_seconds = 9 }\n"),
        ("link = {}\n", "link.mqtt.enabled", True, "link = { mqtt.enabled = true }\n"),
        ("[link]\nmqtt.enabled = true\n", "link.mqtt.enabled", False, "[link]\nmqtt.enabled = false\n"),
        ('[ui]\nflag_a = """\nTwo\nlines"""\n[log]\n', "ui.flag_a", "One", '[ui]\nflag_a = "One"\n[log]\n'),
    ],
)
def test_a_key_is_set_where_a_person_would_have_written_it(source: str, key: str, value: Any, changed: str) -> None:
    assert with_value(source, tuple(key.split(".")), value) == changed


@pytest.mark.parametrize(
    ("source", "key", "changed"),
    [
        (SOURCE, "ring.again_seconds", SOURCE.replace("again_seconds = 45   # often\n", "")),
        (SOURCE, "ring.per_minute", SOURCE),
        ("[ring]\nper_minute = 7", "ring.per_minute", "[ring]\n"),
        ("ring = { per_minute = 7, again_seconds = 9 }\n", "ring.per_minute", "ring = { again_seconds = 9 }\n"),
        ("ring = { per_minute = 7, again_seconds = 9 }\n", "ring.again_seconds", "ring = { per_minute = 7 }\n"),
    ],
)
def test_a_key_is_taken_out_with_its_line(source: str, key: str, changed: str) -> None:
    assert without(source, tuple(key.split("."))) == changed


def test_a_table_written_key_by_key_somewhere_below_is_left_to_people() -> None:
    with pytest.raises(CannotChange):
        with_value("[[ring]]\nper_minute = 7\n", ("ring", "again_seconds"), 20)


TABLES = {"ring": ("a", "b"), "ui": ("c",), "link.mqtt": ("d", "e")}
PLACES = [(*table.split("."), name) for table, names in TABLES.items() for name in names]
FORMS = {
    "header": lambda table, rows: f"[{table}] # head\n" + "".join(f"{name} = {value}  # x\n" for name, value in rows),
    "dotted": lambda table, rows: "".join(f"{table}.{name} = {value}\n" for name, value in rows),
    "inline": lambda table, rows: f"{table} = {{ {', '.join(f'{name} = {value}' for name, value in rows)} }}\n",
}


@given(some.data())
def test_whatever_way_a_file_is_written_only_that_key_changes(data: some.DataObject) -> None:
    parts = []
    for table, names in TABLES.items():
        rows = [(name, data.draw(some.integers(0, 99))) for name in names if data.draw(some.booleans())]
        form = data.draw(some.sampled_from(list(FORMS)))
        if rows:
            parts.append((form == "header", FORMS[form](table, rows)))
    source = "# top\n" + "".join(text for _, text in sorted(parts, key=lambda part: part[0]))
    place = data.draw(some.sampled_from(PLACES))
    expected = tomllib.loads(source)
    put(expected, place, 100)
    changed = with_value(source, place, 100)
    assert tomllib.loads(changed) == expected
    assert source.count("#") == changed.count("#")
    assert value_at(tomllib.loads(without(changed, place)), place) is None
