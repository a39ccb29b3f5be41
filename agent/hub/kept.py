"""What the hub keeps in its store: read at the start, written before anything is promised."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from msgspec import json

from agent.domain.effects import Keep
from agent.domain.errors import NmrError
from agent.domain.heads import Fork
from agent.domain.ledger import Ledger, LedgerRefused
from agent.hub.account import StationAccount, read_account
from agent.hub.core import Kept
from agent.hub.forks import KIND as FORK
from agent.hub.history import Paged
from agent.hub.proofs import Proof
from agent.hub.registry import Filed, Gap
from agent.routing import rows
from agent.system.pin import Pin, load_pin
from agent.system.store import Store
from agent.wire.frame import FrameRefused
from agent.wire.ledger import read_entry

T = TypeVar("T")


def load_kept(store: Store, folder: Path, site: str) -> Kept:
    """Return everything the core kept; `folder` holds the pin. Raises NmrError for a ledger that was turned back."""
    ledger, frames = _load_ledger(store, site, load_pin(folder))
    return Kept(
        ledger,
        frames,
        orders=load_values(store, "order", Filed),
        gaps=load_values(store, "gap", Gap),
        pages=load_values(store, "page", Paged),
        accounts=load_accounts(store),
        proofs=load_values(store, "proof", Proof),
        forks=load_values(store, FORK, Fork),
    )


def load_accounts(store: Store) -> list[StationAccount]:
    """Return all accounts; raises NmrError."""
    return [read_account(body) for _, body in store.read(rows.KEPT, ("account",))]


def read_accounts(db: sqlite3.Connection) -> tuple[StationAccount, ...]:
    """Return all accounts as they are when everything submitted before is written; a work for the store."""
    return tuple(read_account(body) for _, body in db.execute(rows.KEPT, ("account",)).fetchall())


def load_values(store: Store, kind: str, type_: type[T]) -> list[T]:
    """Return all values of a kind."""
    return [json.decode(body, type=type_) for _, body in store.read(rows.KEPT, (kind,))]


async def write_kept(store: Store, keeps: Sequence[Keep]) -> None:
    """Commit some values together; raises StoreError, and then nothing was written."""
    written = [(keep.kind, keep.id, _body(keep.value)) for keep in keeps]

    def work(db: sqlite3.Connection) -> None:
        for kind, id_, body in written:
            rows.keep(db, kind, id_, body)

    await store.write(work)


def _body(value: object) -> bytes | None:
    return value if value is None or isinstance(value, bytes) else json.encode(value)


def _load_ledger(store: Store, site: str, pin: Pin | None) -> tuple[Ledger, list[bytes]]:
    """Fold the ledger and hold it against the pin: what was published once can never be taken back."""
    ledger, frames = Ledger(site), [body for _, body in store.read(rows.KEPT, ("ledger",))]
    for frame in frames:
        try:
            ledger = read_entry(ledger, frame)
        except (LedgerRefused, FrameRefused) as refused:
            raise _unusable(f"Entry {ledger.seq + 1} cannot be read ({refused.code})", "ledger-damaged") from refused
        if pin is not None and ledger.seq == pin.seq and ledger.head != pin.hash:
            raise _unusable(f"Entry {pin.seq} is not the one that was published", "ledger-fork")
    if pin is not None and ledger.seq < pin.seq:
        raise _unusable(f"It ends with entry {ledger.seq}, entry {pin.seq} was published", "ledger-rollback")
    return ledger, frames


def _unusable(why: str, code: str) -> NmrError:
    return NmrError(
        "The hub's list of members is not the newest",
        f"{why}. Going on would split the site in two. Put back the newest backup of the hub's folder",
        code=code,
    )
