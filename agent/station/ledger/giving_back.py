"""The ledger as this station hands it on: to a colleague who asks, and to a hub that was set back."""

from collections.abc import Callable, Sequence
from typing import Any

from agent.domain.audience import EVERYBODY, THE_HUB, Audience
from agent.domain.effects import Effect, GiveBack, Post, ShowFork
from agent.domain.envelope import PART_BYTES, QUIET, WANT_NOTHING
from agent.domain.heads import LedgerFork
from agent.domain.messages import LedgerPart
from agent.domain.names import HUB
from agent.routing import rows
from agent.system.ids import new_id
from agent.system.store import Store
from agent.wire.ledger import part_after

ROOM = PART_BYTES - 1024
"""What the envelope of a fork leaves for its evidence, bytes."""


def deeds(store: Store, run: Callable[[list[Effect]], None]) -> dict[type, Callable[[Any], None]]:
    """Return what to do about each effect that hands the ledger on."""
    return {
        GiveBack: lambda give: run(entries_after(store, give)),
        ShowFork: lambda show: run(fork_shown(store, show)),
    }


def entries_after(store: Store, give: GiveBack) -> list[Effect]:
    """Return the message that brings as many entries as fit; whoever wants more asks again."""
    return post_part(
        new_id(), [body for id_, body in store.read(rows.KEPT, ("ledger",)) if int(id_) > give.after], give
    )


def post_part(id_: str, entries: Sequence[bytes], give: GiveBack) -> list[Effect]:
    """Return the message with as many of these entries as fit, or none if there is nothing to say."""
    part = part_after(entries, 0)
    if not part.entries and not give.head:
        return []
    to = THE_HUB if give.to == HUB else Audience("station", give.to)
    handed = LedgerPart(entries=part.entries, more=part.more, head=give.head.decode("ascii") or None)
    return [Post(id_, to, (give.to,), "ledger.part", handed, re=give.re, want=WANT_NOTHING, prio=QUIET)]


def fork_shown(store: Store, show: ShowFork) -> list[Effect]:
    """Return the message to everybody, or to the one whose word it is about."""
    own = dict(store.read(rows.KEPT, ("ledger",))).get(f"{show.fork.seq:012d}")
    return [post_fork(new_id(), show, own)]


def post_fork(id_: str, show: ShowFork, own: bytes | None) -> Post:
    """Return the message about a fork, with `own`, our entry of that number, as evidence if it is needed and fits."""
    fork, shown = show.fork, show.fork.evidence
    if own is not None and len(shown) == 1 and len(own) + len(shown[0]) <= ROOM:
        shown = (own.decode("ascii"), *shown)
    elif own is not None and not shown:
        shown = (own.decode("ascii"),)
    fork = LedgerFork(seq=fork.seq, one=fork.one, other=fork.other, evidence=shown)
    (first, *others) = show.recipients
    to = EVERYBODY if others else THE_HUB if first == HUB else Audience("station", first)
    return Post(id_, to, show.recipients, "ledger.fork", fork, prio=QUIET)
