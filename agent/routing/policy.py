"""When a message goes over which link, and when its sender is told that it has not arrived.

seconds since posted    page                              urgent              quiet (orders)
0                       best link                         all fast links      best link
3                       second link (or the best again)   mail                best again at 5, 30
5                       -                                 sender sees red     -
10                      mail too; sender sees red         all links           -
then                    every link at 15, 30, 60, 60 ..   every 10 s          120 (mail too, once), 600, every hour
always                  until the receipt came or the message expired

What went by mail goes by mail again only after a while: the server keeps it, and a mailbox is no drum. What is only
true for a moment does not go by mail at all.

A link that has no way to the recipient at this moment is none for this message; a page asks for the way to be opened,
what is quiet does not. Whatever was not stored goes again as soon as a way opens, or the one it took ends.
"""

import math
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass

from agent.domain.envelope import PAGE, QUIET, URGENT, WANT_NOTHING
from agent.domain.names import HUB

FAST = ("p2p", "mqtt", "memory")
DIRECT = ("p2p",)
"""Links that lead to other stations, and not to the hub."""
CHANNELLED = ("mqtt", "memory")
"""Links that carry the proofs of keys: those that lead to the hub."""
RANK = {"p2p": 0, "mqtt": 1, "memory": 2, "mail": 3}
LATE_S = {QUIET: math.inf, PAGE: 10.0, URGENT: 5.0}
TIMES: dict[int, tuple[float, ...]] = {
    QUIET: (0.0, 5.0, 30.0, 120.0, 600.0),
    PAGE: (0.0, 3.0, 10.0, 25.0, 55.0),
    URGENT: (0.0, 3.0, 10.0),
}
THEN = {QUIET: 3600.0, PAGE: 60.0, URGENT: 10.0}
MAIL = "mail"
QUIET_MAIL = 3
"""The attempt at which something quiet goes by mail as well: nobody waits for it."""
MAIL_AGAIN_S = {QUIET: 3600.0, PAGE: 120.0, URGENT: 60.0}
"""How long what the mail server took is left to it."""
MOMENTARY = frozenset({"probe", "presence", "order.list", "order.part"})
"""Types that are worth no mail: who asked asks again, and by then the answer is another. Who has nothing but mail asks
for its list by name of the link, seldom.
"""


@dataclass(frozen=True, slots=True)
class LinkView:
    """A link that is up, as the policy sees it; `rtt` is its smoothed round trip in seconds, if known.

    Where each station has a way of its own, `ways` are those that are open, each with its round trip.
    """

    name: str
    rtt: float | None = None
    ways: Mapping[str, float | None] | None = None


def towards(recipient: str, links: Sequence[LinkView]) -> list[LinkView]:
    """Return the links that reach a station now."""
    reaching = [link for link in links if link.ways is None or recipient in link.ways]
    return [link if link.ways is None else LinkView(link.name, link.ways[recipient]) for link in reaching]


def worth_mail(type_: str, links: Sequence[LinkView]) -> list[LinkView]:
    """Return the links that something of this type may go by when nobody waits for its receipt."""
    return [link for link in links if link.name != MAIL or type_ not in MOMENTARY]


def spared(links: Sequence[LinkView], prio: int, mailed: float, now: float) -> list[LinkView]:
    """Return the links without the mail server if it took this at `mailed` (monotonic) and shall have time for it."""
    return [link for link in links if link.name != MAIL or now >= mailed + MAIL_AGAIN_S[prio]]


def answering(names: Sequence[str], links: Sequence[LinkView], *, by_mail: bool) -> list[str]:
    """Return the chosen links, and mail besides for whoever spoke last by mail: perhaps nothing else reaches them."""
    also = by_mail and MAIL not in names and any(link.name == MAIL for link in links)
    return [*names, *([MAIL] if also else [])]


def calls(recipient: str, prio: int, want: int) -> bool:
    """Whether such a message is worth opening a way to its recipient."""
    return prio != QUIET and want != WANT_NOTHING and recipient != HUB


def order_links(links: Sequence[LinkView]) -> list[str]:
    """Return link names, best first: fast before mail, a measured round trip before none, then the fixed rank."""

    def worse(link: LinkView) -> tuple[bool, float, int]:
        return link.name not in FAST, math.inf if link.rtt is None else link.rtt, RANK.get(link.name, 9)

    return [link.name for link in sorted(links, key=worse)]


def choose(attempt: int, prio: int, links: Sequence[LinkView], tried: Container[str] | None = None) -> list[str]:
    """Return the links for this attempt (0 is the first); empty when none is up.

    `tried` are those of the attempts before; None if it was the best of these.
    """
    ordered = order_links(links)
    fast = [name for name in ordered if name in FAST] or ordered
    if prio == URGENT:
        return fast if attempt == 0 else ordered
    if prio == QUIET:
        return ordered if attempt == QUIET_MAIL else fast[:1]
    if attempt == 0:
        return ordered[:1]
    if attempt == 1:
        before = ordered[:1] if tried is None else tried
        return [name for name in ordered if name not in before][:1] or ordered[:1]
    return ordered


def next_time(attempt: int, prio: int) -> float:
    """Return at how many seconds after posting attempt number `attempt` is due."""
    times = TIMES[prio]
    if attempt < len(times):
        return times[attempt]
    return times[-1] + THEN[prio] * (attempt - len(times) + 1)


def pause_before(attempt: int, prio: int) -> float:
    """Return how many seconds lie between this attempt and the one before it, whenever that was made."""
    return next_time(attempt, prio) - next_time(attempt - 1, prio)


def late_after(prio: int) -> float:
    """Return after how many seconds without a receipt the sender must see red; infinite where nobody waits."""
    return LATE_S[prio]
