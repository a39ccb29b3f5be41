"""The agent, sending each message over all links at once and noting in NMR_ARRIVALS over which each page came."""

import os
import sys
from collections.abc import Container, Sequence
from pathlib import Path

import agent.routing.outbox
from agent.__main__ import main
from agent.links.base import Delivery
from agent.routing.admission import Admitted
from agent.routing.incoming import Incoming
from agent.routing.policy import LinkView, order_links
from tests.faults.weak_agent import weaken

store_first = Incoming._store_first


def everywhere(attempt: int, prio: int, links: Sequence[LinkView], tried: Container[str] | None = None) -> list[str]:
    """All links there are."""
    return order_links(links)


def noted(self: Incoming, admitted: Admitted, delivery: Delivery) -> None:
    """Write down what came over which link, then go on."""
    with Path(os.environ["NMR_ARRIVALS"]).open("a", encoding="ascii") as file:
        file.write(f"{admitted.envelope.type} {delivery.link}\n")
    store_first(self, admitted, delivery)


if __name__ == "__main__":
    agent.routing.outbox.choose = everywhere  # type: ignore[attr-defined]  # instead of the policy
    Incoming._store_first = noted  # type: ignore[method-assign]  # the same
    if os.environ.get("NMR_WEAK"):
        weaken(os.environ["NMR_WEAK"])
    sys.exit(main())
