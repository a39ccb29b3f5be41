"""One list for all: what its author cannot tell some stations they hear from the hub, and nobody hears it twice."""

from agent.domain.audience import EVERYBODY
from agent.domain.effects import Effect, Post
from agent.domain.events import Woke
from agent.domain.messages import LedgerGet, OrderPart
from agent.hub.passing_on import GATHER_S
from tests.hub.told import Site, at, posts, put


def with_mailbox(site: Site, *stations: str) -> None:
    for station in stations:
        site.append("member.mail", station, {"mail": f"{station}@example.com", "plus": True})


def told(effects: list[Effect]) -> list[tuple[tuple[str, ...], str, list[str]]]:
    """Whom the hub tells what, and over which link alone."""
    return [(post.recipients, post.over, _uuids(post)) for post in posts(effects, "order.part")]


def _uuids(post: Post) -> list[str]:
    assert isinstance(post.params, OrderPart)
    assert (post.re, post.to, post.want) == (None, EVERYBODY, 0)
    return [item.uuid for item in post.params.items]


def test_what_comes_by_mail_is_told_at_once_to_whoever_has_no_mailbox() -> None:
    site = Site("away", "anna", "ben", "cleo")
    with_mailbox(site, "away", "cleo")
    first = site.tell("away", "order.put", put(1, by="away"), link="mail")
    assert told(first) == [(("anna", "ben"), "", [put(1).uuid])]
    assert told(site.tell("away", "order.put", put(1, by="away"), link="mail")) == [], "nothing is new"
    assert told(site.tell("away", "order.put", put(2, by="away"), link="mqtt")) == [], "it tells everybody itself"
    assert told(site.core.handle(Woke(), at(GATHER_S))) == [], "it has a mailbox and writes itself"


def test_who_has_nothing_but_mail_is_written_to_what_authors_without_a_mailbox_changed_and_seldom() -> None:
    site = Site("away", "anna", "cleo")
    with_mailbox(site, "away", "cleo")
    site.tell("away", "ledger.get", LedgerGet(after=0), link="mail")
    for number in range(3):
        assert told(site.tell("anna", "order.put", put(number), now=10.0 * number)) == []
    site.tell("cleo", "order.put", put(7, by="cleo"))
    assert told(site.core.handle(Woke(), at(GATHER_S - 1))) == []
    written = told(site.core.handle(Woke(), at(GATHER_S)))
    assert written == [(("away",), "mail", [put(number).uuid for number in range(3)])]
    assert told(site.core.handle(Woke(), at(2 * GATHER_S))) == []


def test_whoever_came_back_to_a_faster_link_and_whoever_left_is_written_nothing() -> None:
    site = Site("away", "gone", "anna")
    with_mailbox(site, "away", "gone")
    for name in ("away", "gone"):
        site.tell(name, "ledger.get", LedgerGet(after=0), link="mail")
    site.tell("anna", "order.put", put(1))
    site.tell("away", "ledger.get", LedgerGet(after=0), link="mqtt")
    site.append("member.revoke", "gone", {})
    assert told(site.core.handle(Woke(), at(GATHER_S))) == []
