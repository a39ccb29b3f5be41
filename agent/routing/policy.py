"""When a message goes over which link, and when its sender is told that it has not arrived.

seconds since posted    page                              urgent
0                       best link                         all fast links
3                       second link (or the best again)   mail
5                       -                                 sender sees red
10                      mail too; sender sees red         all links
then                    every link at 15, 30, 60, 60 ..   every 10 s
always                  until the receipt came or the message expired
"""

from collections.abc import Sequence
from dataclasses import dataclass

from agent.domain.envelope import URGENT

FAST = ("p2p", "mqtt", "memory")
RANK = {"p2p": 0, "mqtt": 1, "memory": 2, "mail": 3}
LATE_S = {False: 10.0, True: 5.0}
PAGE_TIMES = (0.0, 3.0, 10.0, 25.0, 55.0)
PAGE_THEN = 60.0
URGENT_TIMES = (0.0, 3.0, 10.0)
URGENT_THEN = 10.0


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link that is up, as the policy sees it; `rtt` is its smoothed round trip in seconds, if known."""

    name: str
    rtt: float | None = None


def order_links(links: Sequence[LinkView]) -> list[str]:
    """Return link names, best first: fast before mail, then the shorter round trip, then the fixed rank."""
    ranked = sorted(links, key=lambda link: (link.name not in FAST, link.rtt or 0.0, RANK.get(link.name, 9)))
    return [link.name for link in ranked]


def choose(attempt: int, prio: int, links: Sequence[LinkView]) -> list[str]:
    """Return the links for this attempt (0 is the first); empty when none is up."""
    ordered = order_links(links)
    fast = [name for name in ordered if name in FAST]
    if prio == URGENT:
        return (fast or ordered) if attempt == 0 else ordered
    if attempt == 0:
        return ordered[:1]
    if attempt == 1:
        return ordered[1:2] or ordered[:1]
    return ordered


def next_time(attempt: int, prio: int) -> float:
    """Return at how many seconds after posting attempt number `attempt` is due."""
    times, then = (URGENT_TIMES, URGENT_THEN) if prio == URGENT else (PAGE_TIMES, PAGE_THEN)
    if attempt < len(times):
        return times[attempt]
    return times[-1] + then * (attempt - len(times) + 1)


def late_after(prio: int) -> float:
    """Return after how many seconds without a receipt the sender must see red."""
    return LATE_S[prio == URGENT]
