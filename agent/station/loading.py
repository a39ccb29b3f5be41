"""What the last run left in the store, as the core wants it."""

from typing import Any, TypeVar

from msgspec import json

from agent.domain.errors import NmrError
from agent.domain.ledger import Ledger, LedgerRefused
from agent.domain.order import Order
from agent.domain.page import InPage, OutPage
from agent.routing import rows
from agent.station.core import Kept
from agent.system.credentials import Credentials
from agent.system.store import Store
from agent.wire.frame import FrameRefused
from agent.wire.ledger import read_entry

T = TypeVar("T")


def load_kept(store: Store) -> Kept:
    """Return everything a station's core kept."""
    return Kept(
        pages_out=list(_values(store, "out", OutPage).values()),
        pages_in=list(_values(store, "in", InPage).values()),
        ends=_values(store, "end", str),
        orders=list(_values(store, "order", Order).values()),
        pending=_values(store, "pending", str),
        since=_values(store, "since", int).get("orders", 0),
    )


def load_ledger(store: Store, credentials: Credentials) -> Ledger:
    """Return the ledger as far as we have it; it begins with the genesis that enrolment pinned."""
    frames = [credentials.genesis.encode(), *(body for _, body in store.read(rows.KEPT, ("ledger",)))]
    ledger = Ledger(credentials.site)
    try:
        for frame in frames:
            ledger = read_entry(ledger, frame)
    except (LedgerRefused, FrameRefused) as error:
        raise NmrError(
            "The list of members is damaged",
            f"Entry {ledger.seq + 1} cannot be read ({error.code}). Ask IT for an invite and enrol this station again.",
            code="ledger-damaged",
        ) from error
    return ledger


def _values(store: Store, kind: str, type_: type[T]) -> dict[str, T]:
    rows_: list[tuple[Any, ...]] = store.read(rows.KEPT, (kind,))
    return {id_: json.decode(body, type=type_) for id_, body in rows_}
