"""What was kept is read again; what cannot be read costs itself, and not the start."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import json
from msgspec.structs import replace

from agent.domain.audience import Audience
from agent.domain.errors import NmrError
from agent.domain.order import Order
from agent.domain.page import InPage, OutPage, Ring, Target
from agent.routing import rows
from agent.station.loading import load_kept, load_ledger
from agent.station.pages.ends import End
from agent.system.store import Store
from tests.station.scene import crew, ident
from tests.walks.members import NOW_MS

KITCHEN = Audience("role", "kitchen")
IN = InPage(ident(1), "front", KITCHEN, NOW_MS, NOW_MS + 1000, note="now", ring=Ring.RUNG)
OUT = OutPage(ident(2), KITCHEN, NOW_MS, NOW_MS + 1000, targets={"stove": Target("stove")})
ORDER = Order(ident(3), "order", {"title": ("soup", (NOW_MS, 0, "front"))})
END = End(ident(4), "front", "withdrawn", NOW_MS)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "test.db", rows.MIGRATIONS)
    yield opened
    opened.close()


def keep(store: Store, *values: tuple[str, str, bytes]) -> None:
    async def write() -> None:
        for kind, id_, body in values:
            await store.write(lambda db, kind=kind, id_=id_, body=body: rows.keep(db, kind, id_, body))  # type: ignore[misc]

    asyncio.run(write())


def open_row(store: Store, id_: str, recipient: str) -> None:
    asyncio.run(store.write(lambda db: rows.insert_out(db, b"frame", [(id_, recipient, 1, 1, NOW_MS)])))


def test_an_empty_store_is_an_empty_station(store: Store) -> None:
    kept = load_kept(store)
    assert (kept.pages_in, kept.pages_out, kept.ends, kept.orders, kept.pending, kept.since) == ([], [], {}, [], {}, 0)


def test_everything_that_was_kept_comes_back(store: Store) -> None:
    keep(
        store,
        ("in", IN.id, json.encode(IN)),
        ("out", OUT.id, json.encode(OUT)),
        ("order", ORDER.uuid, json.encode(ORDER)),
        ("end", "x", json.encode(END)),
        ("since", "orders", json.encode(41)),
        ("pending", ident(5), json.encode(ORDER.uuid)),
    )
    open_row(store, ident(5), "hub")
    kept = load_kept(store)
    assert (list(kept.pages_in), list(kept.pages_out), list(kept.orders)) == ([IN], [OUT], [ORDER])
    assert (kept.ends, kept.since, kept.pending) == ({"x": END}, 41, {ident(5): ORDER.uuid})


@pytest.mark.parametrize("body", [b"", b"junk", b"{}", b"[1,2]", b'"text"', b"\xff\xfe", b'{"id":5}'])
@pytest.mark.parametrize("kind", ["in", "out", "order", "end", "pending", "since", "seen"])
def test_what_cannot_be_read_does_not_stop_the_station(store: Store, kind: str, body: bytes) -> None:
    keep(store, ("in", IN.id, json.encode(IN)), (kind, "bad", body))
    assert IN in load_kept(store).pages_in


def test_after_the_loss_of_one_order_the_hub_tells_all_of_them_again(store: Store) -> None:
    keep(store, ("order", ORDER.uuid, json.encode(ORDER)), ("since", "orders", json.encode(41)))
    assert load_kept(store).since == 41
    keep(store, ("order", "bad", b"junk"))
    assert load_kept(store).since == 0


def test_a_change_is_pending_only_while_the_hub_has_not_taken_it(store: Store) -> None:
    keep(store, *(("pending", ident(number), json.encode(ORDER.uuid)) for number in (5, 6)))
    open_row(store, ident(5), "hub")
    open_row(store, ident(6), "stove")
    assert set(load_kept(store).pending) == {ident(5)}


def test_the_ledger_is_folded_from_the_genesis_that_enrolment_pinned(store: Store) -> None:
    members = crew()
    keep(store, *(("ledger", f"{number:012d}", frame) for number, frame in enumerate(members.frames[1:], 2)))
    assert load_ledger(store, members.credentials("front")) == members.ledger


def test_behind_an_entry_that_the_disk_lost_or_spoiled_nothing_counts_and_the_station_starts(store: Store) -> None:
    members = crew()
    keep(store, ("ledger", f"{2:012d}", members.frames[1]), ("ledger", f"{4:012d}", members.frames[3]))
    assert load_ledger(store, members.credentials("front")).seq == 2
    keep(store, ("ledger", f"{3:012d}", b"junk"))
    assert load_ledger(store, members.credentials("front")).seq == 2


def test_a_genesis_that_is_not_what_it_was_is_told_in_words(store: Store) -> None:
    spoiled = replace(crew().credentials("front"), genesis="junk")
    with pytest.raises(NmrError) as told:
        load_ledger(store, spoiled)
    assert told.value.code == "ledger-damaged"
