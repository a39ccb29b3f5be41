"""The agent with one guarantee taken out, to show that the fault tests would notice: NMR_WEAK=dedupe | outbox."""

import os
import sqlite3
import sys
from typing import Any

import agent.routing.router
import agent.station.run
from agent.__main__ import main
from agent.domain.effects import Effect
from agent.domain.events import Arrived
from agent.routing import rows
from agent.routing.admission import Admitted
from agent.routing.outgoing import Outgoing
from agent.routing.signing import Signed
from agent.station.pages.ringing import Ringing


def forget_what_came(db: sqlite3.Connection, admitted: Admitted, link: str) -> bool:
    """Store an arrival and call it new, known or not."""
    insert(db, admitted, link)
    return True


def ring_what_comes(self: Ringing, event: Arrived, *more: Any) -> list[Effect]:
    """Take a page in as if it had never come: the core would notice as well, after the store."""
    self.pages.pop(event.envelope.id, None)
    return arrived(self, event, *more)


class Forgetful(Outgoing):
    """Sends once and remembers nothing: no row, no repeat."""

    def launch(self, signed: Signed) -> None:
        """Send, and forget at once."""
        super().launch(signed)
        self._outbox.drop(signed.post.id)


insert, arrived = rows.insert_in, Ringing.arrived


def weaken(weakness: str) -> None:
    """Take this guarantee out of the agent that is about to run."""
    if weakness == "dedupe":
        rows.insert_in = forget_what_came
        Ringing.arrived = ring_what_comes  # type: ignore[method-assign, assignment]  # weakened on purpose
    elif weakness == "outbox":
        agent.routing.router.Outgoing = Forgetful  # type: ignore[attr-defined]  # weakened on purpose
        Signed.commit = lambda self, db: None  # type: ignore[method-assign]  # the same
    else:
        sys.exit(f"no such weakness: {weakness}")


if __name__ == "__main__":
    weaken(os.environ["NMR_WEAK"])
    sys.exit(main())
