"""What the last run of a station left on disk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.domain.heads import LedgerKept
from agent.domain.order import Order
from agent.domain.page import InPage, OutPage
from agent.station.pages.ends import End


@dataclass(slots=True)
class Kept:
    """By kind; see the Keep effects of the parts."""

    pages_out: Sequence[OutPage] = ()
    pages_in: Sequence[InPage] = ()
    ends: Mapping[str, End] = field(default_factory=dict)
    orders: Sequence[Order] = ()
    pending: Mapping[str, str] = field(default_factory=dict)
    since: int = 0
    ledger: LedgerKept = field(default_factory=LedgerKept)
