"""Who may do what: one table for the sender's menu, every receiver and the hub."""

from collections.abc import Iterable

from agent.domain.audience import Audience
from agent.domain.envelope import SIGNAL_TYPES

RANKS = ("display", "staff", "lead", "worker", "admin", "hub")
"""The role names that carry rights; any other role (kitchen, front-desk) only says where somebody works."""

EVERYWHERE = frozenset({"station", "person", "role", "all", "hub"})
SOME = frozenset({"station", "person", "role"})
NOBODY: frozenset[str] = frozenset()
READS = frozenset({"probe", "presence", "receipt", "error", "order.list", "ledger.get", "ledger.fork"})
"""What anybody says to anybody."""
PROOFS = frozenset({"auth.hello", "auth.confirm", "psk.request", "psk.hello", "psk.offer", "psk.use", "psk.failed"})
"""What anybody says to the hub, and to nobody else, to be let in."""
ONLY_TO = {
    **dict.fromkeys((*PROOFS, "signal.login", "mail.address"), "hub"),
    **dict.fromkeys((*SIGNAL_TYPES, "text"), "station"),
}
"""What anybody says to one kind of audience only."""
HANDED = "ledger.part"
"""Entries of the ledger are signed by their publisher: whoever has them may give them to one who asks, or to a hub that
was set back, and not to a crowd.
"""
HANDED_TO = frozenset({"station", "hub"})
HUB_ONLY = frozenset(
    {
        "order.part",
        "ledger.entry",
        "ledger.head",
        "auth.proof",
        "auth.ok",
        "auth.refused",
        "psk.ready",
        "psk.proof",
        "psk.stored",
    }
)

ASSIGNS = frozenset({"task.assign", "task.grant", "task.cancel", "task.superseded", "lease.ask"})
"""What whoever hands a task to a worker says to it."""
WORKS = frozenset({"task.accept", "task.decline", "task.renew", "task.result"})
"""What a worker says to them."""
PIECES = frozenset({"task.get", "task.part"})
"""What both say to each other."""
ASSIGNING = frozenset({"lead", "admin"})

PAGES: dict[str, frozenset[str]] = {
    "display": NOBODY,
    "staff": SOME,
    "lead": EVERYWHERE,
    "worker": NOBODY,
    "admin": EVERYWHERE,
    "hub": EVERYWHERE,
}
ORDERS: dict[str, str] = {"display": "", "staff": "own", "lead": "any", "worker": "", "admin": "any", "hub": "any"}


def ranks_of(roles: Iterable[str]) -> set[str]:
    """Return the ranks among `roles`; whoever has none is staff."""
    return {role for role in roles if role in RANKS} or {"staff"}


def may(roles: Iterable[str], type_: str, audience: Audience) -> bool:
    """Whether a member with `roles` may send a message of this type to this audience."""
    roles = tuple(roles)
    ranks = ranks_of(roles)
    if "hub" in ranks or type_ in READS:
        return True
    if type_ in HUB_ONLY or type_ in ONLY_TO or type_ == HANDED:
        return audience.kind == ONLY_TO.get(type_) or (type_ == HANDED and audience.kind in HANDED_TO)
    if type_ in ("page.new", "page.withdraw"):
        return any(audience.kind in PAGES[rank] for rank in ranks)
    if type_ == "page.answer":
        return bool(ranks - {"display"})
    if type_ in ("order.put", "order.delete"):
        return any(_may_change(ORDERS[rank], roles, audience) for rank in ranks)
    return _may_work(ranks, type_, audience)


def _may_work(ranks: set[str], type_: str, audience: Audience) -> bool:
    """Leads hand tasks to one station each and tell the hub; workers say to everybody that they are available."""
    if type_ == "lease":
        return "worker" in ranks
    if type_ == "task.news":
        return audience.kind == "hub" and bool(ranks & ASSIGNING)
    if audience.kind != "station":
        return False
    assigns, works = bool(ranks & ASSIGNING), "worker" in ranks
    return (type_ in ASSIGNS and assigns) or (type_ in WORKS and works) or (type_ in PIECES and (assigns or works))


def _may_change(scope: str, roles: tuple[str, ...], audience: Audience) -> bool:
    """Staff change the shared list and the lists of their own roles, leads any."""
    if scope == "own":
        return audience.kind == "all" or (audience.kind == "role" and audience.name in roles)
    return scope == "any"


def may_invite(roles: Iterable[str]) -> bool:
    """Whether a member may invite and revoke."""
    return bool(ranks_of(roles) & {"admin", "hub"})
