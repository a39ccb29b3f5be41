"""What a hub that was set back gets from a station: the entries of the ledger that it signed and has no more."""

from agent.domain.audience import THE_HUB
from agent.domain.effects import Effect, Post
from agent.domain.envelope import WANT_NOTHING
from agent.domain.names import HUB
from agent.routing import rows
from agent.system.ids import new_id
from agent.system.store import Store
from agent.wire.ledger import part_after


def entries_after(store: Store, after: int) -> list[Effect]:
    """Return the message that brings the hub as many entries after `after` as fit; it asks with its next answer."""
    kept = [body for id_, body in store.read(rows.KEPT, ("ledger",)) if int(id_) > after]
    part = part_after(kept, 0)
    return [Post(new_id(), THE_HUB, (HUB,), "ledger.part", part, want=WANT_NOTHING)] if part.entries else []
