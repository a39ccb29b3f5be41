"""Another process reads the hub's ledger: what is new, verified, and never an older one than was published."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.domain.effects import Keep
from agent.domain.errors import NmrError, Unavailable
from agent.hub.kept import write_kept
from agent.hub.signaling.members import LedgerFile
from agent.routing import rows
from agent.system.pin import Pin, save_pin
from agent.system.store import Store
from tests.hub.signaling.scene import Site


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "hub.sqlite3", rows.MIGRATIONS)
    yield store
    store.close()


def publish(store: Store, site: Site, begin: int = 0) -> None:
    """Write the entries of a site from number `begin` + 1 on."""
    kept = [Keep("ledger", f"{number:012d}", frame) for number, frame in enumerate(site.frames, 1) if number > begin]
    asyncio.run(write_kept(store, kept))


def test_what_was_appended_is_read_and_only_that(store: Store, tmp_path: Path) -> None:
    site = Site("a")
    publish(store, site)
    file = LedgerFile(tmp_path, "s1")
    assert file.read()
    assert file.ledger.head == site.ledger.head
    assert not file.read()
    site.add("b")
    site.revoke("a")
    publish(store, site, 2)
    assert file.read()
    assert [member.station for member in file.ledger.active()] == ["b"]


def test_it_is_read_while_no_hub_runs(store: Store, tmp_path: Path) -> None:
    publish(store, Site("a"))
    store.close()
    file = LedgerFile(tmp_path, "s1")
    assert file.read()
    assert file.ledger.member("a")


def test_a_site_that_does_not_exist_yet_is_told(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="nmr hub run"):
        LedgerFile(tmp_path, "s1").read()
    Store.open(tmp_path / "hub.sqlite3", rows.MIGRATIONS).close()
    with pytest.raises(Unavailable, match="nmr hub run"):
        LedgerFile(tmp_path, "s1").read()


def test_an_older_list_than_was_published_is_refused(store: Store, tmp_path: Path) -> None:
    site = Site("a")
    publish(store, site)
    save_pin(tmp_path, Pin(3, bytes(32)))
    with pytest.raises(NmrError, match="entry 3 was published"):
        LedgerFile(tmp_path, "s1").read()
    site.revoke("a")
    publish(store, site, 2)
    assert LedgerFile(tmp_path, "s1").read()


def test_an_entry_that_somebody_else_signed_is_refused_and_what_was_read_stays(store: Store, tmp_path: Path) -> None:
    site, other = Site("a"), Site("x", "y")
    publish(store, site)
    file = LedgerFile(tmp_path, "s1")
    file.read()
    publish(store, other, 2)
    with pytest.raises(NmrError, match="Entry 3"):
        file.read()
    assert file.ledger.head == site.ledger.head


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "hub.sqlite3").write_bytes(b"nothing of the kind" * 1000)
    with pytest.raises(NmrError, match="damaged"):
        LedgerFile(tmp_path, "s1").read()
