"""Everything the views are computed from: one immutable picture of a station at one moment."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct, field

from agent.domain.audience import Audience
from agent.domain.events import Instant, LinkChanged
from agent.domain.ledger import Ledger
from agent.domain.order import Order
from agent.domain.page import InPage, OutPage


class QuickPage(Struct, frozen=True):
    """A ready-made page of the configuration."""

    title: str
    audience: Audience
    note: str = ""
    urgent: bool = False


class Labels(Struct, frozen=True):
    """What this site calls things; shown in the window."""

    order_name: str = "Order"
    item_name: str = "86"
    subtitle_name: str = "Phone Number"
    flag_a: str = "Dessert"
    flag_b: str = "Milkshake"
    item_flag_a: str = "Limited"
    item_flag_b: str = "Sold Out"
    mask: bool = True
    timer: bool = True
    timer_s: int = 5
    language: str = "en"
    theme: str = "auto"


class Proof(Struct, frozen=True):
    """How the hub's proof stands: proven, amber (it works, though the hub is silent), proving, failed or unproven.

    `notice` is the connection's notice of the moment, ready to read; the times are ms UTC, `gen` and `not_after_ms`
    those of our key.
    """

    state: str = "unproven"
    notice: str = ""
    proven_ms: int | None = None
    until_ms: int | None = None
    gen: int | None = None
    not_after_ms: int | None = None


class Standing(Struct, frozen=True):
    """How the list of members stands: ok, stale (amber: nobody new is added) or fork (red: nothing changes).

    `notice` is ready to read, "" where all is well.
    """

    state: str = "ok"
    notice: str = ""


class Question(Struct, frozen=True):
    """A task that asks the person here: `sender` by name, and what may be answered."""

    job: str
    sender: str
    question: str
    choices: tuple[str, ...]


class Snapshot(Struct, frozen=True, kw_only=True):
    """A station now. `unanswered` are the received pages that still want an answer, oldest first; `reachable` counts
    the live stations of an audience, `seen` says when each was last heard, ms UTC, `may_page` says whether we may.
    `quiet_ends` is when do not disturb ends, as the clock on the wall shows it.
    """

    now: Instant
    station: str
    version: str
    ledger: Ledger
    live: frozenset[str]
    links: Mapping[str, LinkChanged]
    link_since: Mapping[str, int]
    hub_live: bool
    hub_seen_ms: int | None
    hub_rtt_ms: float | None
    orders: Sequence[Order]
    pending: frozenset[str]
    sent: Sequence[OutPage]
    received: Sequence[InPage]
    unanswered: Sequence[InPage]
    quiet_until: float | None
    quiet_ends: str
    ready: bool
    reachable: Callable[[Audience], int]
    may_page: Callable[[Audience], bool]
    may_order: bool
    quick_pages: Sequence[QuickPage] = ()
    labels: Labels = field(default_factory=Labels)
    quit_allowed: bool = True
    quiet_most_minutes: int = 480
    tray: str = "silent"
    notifier: str = "silent"
    sound: str = "silent"
    storage: str = ""
    notices: Sequence[str] = ()
    proof: Proof = Proof()
    standing: Standing = Standing()
    questions: Sequence[Question] = ()
    seen: Mapping[str, int] = field(default_factory=dict)

    @property
    def person(self) -> str:
        """Who sits here."""
        member = self.ledger.members.get(self.station)
        return member.person if member else self.station

    @property
    def roles(self) -> tuple[str, ...]:
        """What they do here."""
        member = self.ledger.members.get(self.station)
        return member.roles if member else ()

    @property
    def state(self) -> str:
        """`ok`, `degraded` (a link is down, the hub is silent or unproven) or `offline`: the best link decides.

        A split list of members is degraded too: pages go on, newcomers do not.
        """
        if not any(link.state == "up" for link in self.links.values()):
            return "offline"
        all_up = all(link.state == "up" for link in self.links.values())
        return (
            "ok"
            if self.hub_live and all_up and self.proof.state != "amber" and self.standing.state == "ok"
            else "degraded"
        )

    @property
    def quiet(self) -> bool:
        """Whether do not disturb is on."""
        return self.quiet_until is not None and self.now.mono < self.quiet_until

    def name_of(self, station: str) -> str:
        """The person at a station as the ledger knows them."""
        member = self.ledger.members.get(station)
        return member.person if member else station
