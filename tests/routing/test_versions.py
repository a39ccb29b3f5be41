"""Stores of every version there ever was come up to date with all that was in them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent.routing import rows
from agent.system.database import open_database

STORES = Path(__file__).parent / "stores"
"""`version-<n>.sql` makes a store as version n of the program left it, with something in every table; never edited."""

VERSIONS = range(1, len(rows.MIGRATIONS) + 1)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_store_of_every_version_is_brought_forward(tmp_path: Path, version: int) -> None:
    path = tmp_path / "hub.sqlite3"
    with closing(sqlite3.connect(path)) as old:
        old.executescript(f"PRAGMA journal_mode = WAL;{(STORES / f'version-{version}.sql').read_text()}")
        assert old.execute("PRAGMA user_version").fetchone() == (version,)
    connection, set_aside = open_database(path, rows.MIGRATIONS)
    with closing(connection):
        assert set_aside is None
        assert connection.execute(rows.KEPT, ("ledger",)).fetchall() == [("000000000001", b"an entry")]
        assert connection.execute(rows.FRAME, ("f1",)).fetchall() == [(b"a frame",)]
        assert connection.execute(rows.OPEN_ROWS).fetchall() == [("f1", "anna", 1, 2, 2000)]
        assert connection.execute(rows.UNHANDLED).fetchall() == [("i1", "mqtt", b"a frame")]
        assert connection.execute(rows.KNOWN, ("i2",)).fetchall() == [("anna", "presented", "")]
        with closing(sqlite3.connect(":memory:")) as fresh:
            fresh.executescript(";".join(rows.MIGRATIONS))
            assert _tables(connection) == _tables(fresh)
    copies = [found.name for found in tmp_path.glob("*.before-*")]
    assert copies == ([] if version == len(rows.MIGRATIONS) else [f"hub.sqlite3.before-{len(rows.MIGRATIONS)}"])


def _tables(connection: sqlite3.Connection) -> list[tuple[str, str, int]]:
    """Every column and index there is."""
    columns = "SELECT t.name, c.name, c.pk FROM pragma_table_list t JOIN pragma_table_xinfo(t.name) c"
    indices = "SELECT name, tbl_name, 0 FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL"
    return sorted(connection.execute(f"{columns} WHERE t.name NOT LIKE 'sqlite_%' UNION {indices}").fetchall())
