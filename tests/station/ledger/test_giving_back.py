"""A hub that was set back gets what follows its head, as much as a message holds, and nothing when there is nothing."""

import asyncio
import sqlite3
from pathlib import Path

from agent.domain.effects import GiveBack, Post
from agent.domain.messages import LedgerPart
from agent.routing import rows
from agent.station.ledger.giving_back import entries_after
from agent.system.store import Store
from tests.walks.members import Members


def test_it_gets_what_follows_its_head_and_what_fits(tmp_path: Path) -> None:
    members = Members()
    for number in range(80):
        members.add(f"station-{number}", "kitchen")
    store = Store.open(tmp_path / "station.sqlite3", rows.MIGRATIONS)
    frames = list(enumerate(members.frames, 1))[1:]  # the first entry is in the credentials

    def fill(db: sqlite3.Connection) -> None:
        for seq, frame in frames:
            rows.keep(db, "ledger", f"{seq:012d}", frame)

    asyncio.run(store.write(fill))
    given: list[str] = []
    while effects := entries_after(store, GiveBack(1 + len(given))):
        (post,) = effects
        assert isinstance(post, Post)
        assert isinstance(post.params, LedgerPart)
        assert (post.recipients, post.want, len(post.params.entries) <= 64) == (("hub",), 0, True)
        given += post.params.entries
    assert given == [frame.decode() for frame in members.frames[1:]]
    assert entries_after(store, GiveBack(500)) == []
    store.close()
