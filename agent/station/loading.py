"""What the last run left in the store, as the core wants it."""

import logging
import os
from collections.abc import Callable, Container, Mapping
from typing import TypeVar

from msgspec import DecodeError, json

from agent.domain.errors import NmrError
from agent.domain.events import Instant
from agent.domain.heads import Fork, LedgerKept, short
from agent.domain.ledger import Ledger, LedgerRefused, frame_hash
from agent.domain.names import HUB
from agent.domain.order import Order
from agent.domain.page import InPage, OutPage
from agent.routing import rows
from agent.station.core import Core
from agent.station.kept import Kept
from agent.station.last_seen import ID, KIND
from agent.station.pages.ends import End
from agent.station.picture import habits_of
from agent.system.config.schema import Config
from agent.system.credentials import Credentials
from agent.system.ids import new_id
from agent.system.paths import Profile
from agent.system.pin import load_pin
from agent.system.store import Store
from agent.wire.frame import FrameRefused
from agent.wire.ledger import read_entry

T = TypeVar("T")

log = logging.getLogger(__name__)


def load_core(
    profile: Profile, store: Store, credentials: Credentials, config: Config, now: Instant, kid: bytes
) -> Core:
    """Return the core of a station, whose key is `kid`, as the last run left it; raises NmrError."""
    pin = load_pin(profile.secrets_folder)
    return Core(
        station=credentials.station,
        ledger=load_ledger(store, credentials),
        pin=(pin.seq, pin.hash) if pin else None,
        kept=load_kept(store),
        habits=habits_of(config),
        new_id=new_id,
        chance=os.urandom,
        now=now,
        mailbox=config.link.mail.mailbox,
        kid=kid,
    )


def values_of(store: Store, kind: str, type_: type[T]) -> dict[str, T]:
    """Return what was kept of a kind, by id; one that cannot be read costs itself and not the start."""
    return _values(lambda kind_: dict(store.read(rows.KEPT, (kind_,))), kind, type_)


def value_of(store: Store, kind: str, id_: str, type_: type[T]) -> T | None:
    """Return one thing that was kept of a kind, None if there is none or it cannot be read."""
    found = store.read(rows.KEPT_ONE, (kind, id_))
    return _values(lambda _: {id_: found[0][0]} if found else {}, kind, type_).get(id_)


def load_kept(store: Store) -> Kept:
    """Return everything a station's core kept."""
    return kept_from(lambda kind: dict(store.read(rows.KEPT, (kind,))), _open_at_hub(store))


def kept_from(bodies: Callable[[str], Mapping[str, bytes]], open_at_hub: Container[str]) -> Kept:
    """Return what was kept, `bodies` by kind and id; a change is pending only while its row to the hub is open."""
    pending, orders = _values(bodies, "pending", str), _values(bodies, "order", Order)
    complete = len(orders) == len(bodies("order"))  # else the hub tells us all of them again
    return Kept(
        pages_out=list(_values(bodies, "out", OutPage).values()),
        pages_in=list(_values(bodies, "in", InPage).values()),
        ends=_values(bodies, "end", End),
        orders=list(orders.values()),
        pending={id_: uuid for id_, uuid in pending.items() if id_ in open_at_hub},
        since=_values(bodies, "since", int).get("orders", 0) if complete else 0,
        ledger=_ledger_kept(bodies),
    )


def _ledger_kept(bodies: Callable[[str], Mapping[str, bytes]]) -> LedgerKept:
    """What was kept of the ledger beside its entries."""
    heads = bodies("head")
    return LedgerKept(
        hashes={int(seq): short(frame_hash(frame)) for seq, frame in bodies("ledger").items()},
        forks=list(_values(bodies, "fork", Fork).values()),
        head=heads.get(HUB, b""),
        contrary=heads.get("contrary", b""),
        seen=_values(bodies, KIND, dict[str, int]).get(ID, {}),
        since=_values(lambda _: {"since": heads["since"]} if "since" in heads else {}, "head", int).get("since"),
    )


def _open_at_hub(store: Store) -> Container[str]:
    return {id_ for id_, recipient, *_ in store.read(rows.OPEN_ROWS) if recipient == HUB}


def load_ledger(store: Store, credentials: Credentials) -> Ledger:
    """Return the ledger as far as we have it; it begins with the genesis that enrolment pinned.

    Behind an entry that the disk lost or spoiled nothing counts: it is asked for again, and the pin tells whether what
    comes is the same. Raises NmrError if not even the genesis is what it was.
    """
    try:
        ledger = read_entry(Ledger(credentials.site), credentials.genesis.encode())
    except (LedgerRefused, FrameRefused) as error:
        raise NmrError(
            "The list of members is damaged",
            f"Its first entry cannot be read ({error.code}). Ask IT for an invite and enrol this station again.",
            code="ledger-damaged",
        ) from error
    for _, frame in store.read(rows.KEPT, ("ledger",)):
        try:
            ledger = read_entry(ledger, frame)
        except (LedgerRefused, FrameRefused) as error:
            log.error("entry %d of the ledger cannot be read: %s", ledger.seq + 1, error)  # noqa: TRY400 - no defect
            break
    return ledger


def _values(bodies: Callable[[str], Mapping[str, bytes]], kind: str, type_: type[T]) -> dict[str, T]:
    """Return the values of a kind; one that cannot be read costs itself and not the start."""
    values: dict[str, T] = {}
    for id_, body in bodies(kind).items():
        try:
            values[id_] = json.decode(body, type=type_)
        except DecodeError:
            log.error("cannot read what was kept: kind=%s id=%s", kind, id_)  # noqa: TRY400 - no defect
    return values
