"""What the hub answers to whom: probes, farewells, ledger questions, pages."""

from agent.domain.audience import EVERYBODY, Audience
from agent.domain.effects import Keep, Note
from agent.domain.events import GaveUp, Heard, LinkChanged, Presented, StrangerHeard, Woke
from agent.domain.keys import to_b64u
from agent.domain.messages import (
    LedgerGet,
    LedgerHead,
    LedgerPart,
    OrderDelete,
    OrderList,
    OrderRef,
    PageAnswer,
    PageNew,
    PageWithdraw,
    Presence,
    Probe,
)
from agent.hub.core import AWAY_TURNS, GIVEN_AT_ONCE, HEAD_S, PUSHED
from agent.hub.history import MOST, Paged
from tests.hub.told import START_MS, Site, an_id, at, keeps, parts, posts, put


def probe(site: Site, station: str, roster: int = 0, now: float = 0.0) -> Probe:
    (answer,) = posts(site.tell(station, "probe", Probe(n=7, roster=roster), now=now))
    assert isinstance(answer.params, Probe)
    assert answer.recipients == (station,)
    return answer.params


def test_a_probe_brings_the_time_and_who_is_there() -> None:
    site = Site("anna", "ben")
    probe(site, "ben")
    answer = probe(site, "anna", now=3)
    assert (answer.n, answer.time, answer.live) == (7, START_MS + 3000, "anna ben")


def test_names_come_only_when_the_set_has_changed() -> None:
    site = Site("anna", "ben")
    known = probe(site, "anna").roster
    assert probe(site, "anna", known).live is None
    probe(site, "ben")
    changed = probe(site, "anna", known)
    assert changed.live == "anna ben"
    assert changed.roster != known


def test_a_station_is_there_for_fifty_seconds_after_any_message() -> None:
    site = Site("anna", "ben", "cleo")
    site.tell("ben", "order.put", put(1), now=10)
    site.core.handle(Heard(an_id(), "cleo", "stored", "", START_MS, "mqtt"), at(15))
    assert probe(site, "anna", now=59).live == "anna ben cleo"
    assert probe(site, "anna", now=60).live == "anna cleo"
    assert probe(site, "anna", now=65).live == "anna"


def test_a_farewell_counts_at_once() -> None:
    site = Site("anna", "ben")
    probe(site, "ben")
    site.tell("ben", "presence", Presence(up=False), now=1)
    assert probe(site, "anna", now=1).live == "anna"


def test_a_hub_that_was_restarted_tells_the_names_again() -> None:
    before = probe(Site("anna"), "anna").roster
    again = Site("anna")
    again.core.roster.number = at(5).ms  # as a run that begins later does
    assert probe(again, "anna", before).live == "anna"


def test_the_names_of_a_thousand_stations_fit_into_one_answer() -> None:
    site = Site("anna")
    for number in range(1000):
        site.core.roster.heard(f"a-station-with-a-long-name-{number:04}", at().mono)
    live = probe(site, "anna").live
    assert live is not None
    assert len(live) <= 12 * 1024
    assert set(live.split()) <= site.core.roster.live(at().mono)


def test_a_new_member_is_told_to_every_station() -> None:
    site = Site("anna", "ben")
    head, push = posts(site.add("cleo"))
    assert (head.type, head.recipients) == ("ledger.head", push.recipients)
    assert (push.type, push.recipients, push.want) == ("ledger.part", ("anna", "ben", "cleo"), 0)
    assert push.params == LedgerPart(entries=tuple(frame.decode() for frame in site.core.frames[-PUSHED:]))


def test_a_revoked_station_is_not_there_and_hears_nothing_more() -> None:
    site = Site("anna", "ben")
    probe(site, "ben")
    head, push = posts(site.append("member.revoke", "ben", {}))
    assert head.recipients == push.recipients == ("anna",)
    assert probe(site, "anna").live == "anna"


def test_the_ledger_is_given_in_pieces_that_fit() -> None:
    site = Site(*(f"desk-{number}" for number in range(40)))
    taken: list[str] = []
    while True:
        head, post = posts(site.tell("desk-1", "ledger.get", LedgerGet(after=len(taken))))
        assert (head.type, head.to, head.recipients) == ("ledger.head", EVERYBODY, ("desk-1",))
        assert isinstance(post.params, LedgerPart)
        taken += post.params.entries
        if not post.params.more:
            break
        assert sum(map(len, post.params.entries)) < 15_500
        assert len(post.params.entries) >= 10
    assert [entry.encode() for entry in taken] == site.core.frames
    _, post = posts(site.tell("desk-1", "ledger.get", LedgerGet(after=999)))
    assert post.params == LedgerPart(entries=())


def test_a_flood_of_questions_for_the_ledger_costs_its_asker_and_nobody_else() -> None:
    """A question is small and its answer is not."""
    site = Site("anna", "ben")
    for _ in range(10 * GIVEN_AT_ONCE):
        site.tell("anna", "ledger.get", LedgerGet(after=0))
    assert posts(site.tell("anna", "ledger.get", LedgerGet(after=0))) == []
    assert len(posts(site.tell("ben", "ledger.get", LedgerGet(after=0)))) == 2
    assert len(posts(site.tell("anna", "ledger.get", LedgerGet(after=0), now=1))) == 2


def test_every_hour_whoever_is_there_is_told_how_far_the_ledger_goes_and_the_others_four_times_a_day() -> None:
    site, told = Site("anna", "ben"), []
    for hour in range(8):
        for seconds in (2, 1800):
            probe(site, "anna", now=hour * HEAD_S + seconds)
            told += [(hour, head) for head in posts(site.core.handle(Woke(), at(hour * HEAD_S + seconds)))]
    assert [hour for hour, _ in told] == list(range(8))
    assert [hour for hour, head in told if head.recipients == ("anna", "ben")] == [0, AWAY_TURNS]
    assert {head.recipients for _, head in told} == {("anna",), ("anna", "ben")}
    (_, head) = told[3]
    assert head.params == LedgerHead(seq=3, hash=to_b64u(site.core.ledger.head))
    assert (head.type, head.to, head.want) == ("ledger.head", EVERYBODY, 0)


def test_a_hub_that_is_started_tells_it_when_its_mailbox_is_open_for_by_mail_nobody_asks() -> None:
    """What it said at its start was said before any link was up, and its next word to all is hours away."""
    site = Site("anna", "ben")
    site.core.handle(Woke(), at())
    links = [("mqtt", "up"), ("mail", "connecting"), ("mail", "up"), ("mail", "down"), ("mail", "up")]
    told = [posts(site.core.handle(LinkChanged(name, state), at(1))) for name, state in links]
    assert [[(post.type, post.recipients) for post in one] for one in told] == [
        [], [], [("ledger.head", ("anna", "ben"))], [], []
    ]  # fmt: skip


def test_pages_and_their_ends_are_kept() -> None:
    site, page = Site("anna", "ben"), an_id()
    kitchen, order = Audience("role", "kitchen"), OrderRef(uuid=an_id(), title="table 5")
    site.tell("anna", "page.new", PageNew(order=order, note="now"), id_=page, to=kitchen)
    site.tell("ben", "page.answer", PageAnswer(answer="accepted", person="ben"), re=page, to=kitchen)
    effects = site.tell("anna", "page.withdraw", PageWithdraw(), re=page, to=kitchen)
    (kept,) = keeps(effects, "page")
    assert isinstance(kept.value, Paged)
    assert (kept.id, kept.value.sender, kept.value.audience, kept.value.order_title) == (
        page, "anna", "role:kitchen", "table 5",
    )  # fmt: skip
    assert [(answer.person, answer.answer) for answer in kept.value.answers] == [("ben", "accepted")]
    assert kept.value.withdrawn


def test_an_answer_said_twice_counts_once_and_may_overtake_its_page() -> None:
    site, page = Site("anna", "ben"), an_id()
    answer = PageAnswer(answer="declined", person="ben")
    assert keeps(site.tell("ben", "page.answer", answer, re=page), "page")
    assert not site.tell("ben", "page.answer", answer, re=page)
    site.tell("anna", "page.new", PageNew(), id_=page)
    assert site.core.history.pages[page].sender == "anna"
    assert len(site.core.history.pages[page].answers) == 1


def test_nobody_withdraws_the_page_of_another() -> None:
    site, page = Site("anna", "ben"), an_id()
    site.tell("anna", "page.new", PageNew(), id_=page)
    assert not site.tell("ben", "page.withdraw", PageWithdraw(), re=page)
    assert not site.core.history.pages[page].withdrawn


def test_the_last_thousand_pages_are_kept() -> None:
    site, first = Site("anna"), an_id()
    site.tell("anna", "page.new", PageNew(), id_=first)
    for _ in range(MOST - 1):
        site.tell("anna", "page.new", PageNew())
    assert Keep("page", first, None) in site.tell("anna", "page.new", PageNew())
    assert len(site.core.history.pages) == MOST


def test_tombstones_go_after_a_week() -> None:
    site, order = Site("anna"), put(1)
    site.tell("anna", "order.put", order)
    site.tell("anna", "order.delete", OrderDelete(uuid=order.uuid, stamp=(START_MS + 1, 0, "anna")))
    week = 7 * 24 * 3600.0
    assert not keeps(site.core.handle(Woke(), at(week - 10)), "order")
    assert keeps(site.core.handle(Woke(), at(week + 3600)), "order") == [Keep("order", order.uuid, None)]
    assert parts(site.tell("anna", "order.list", OrderList(), now=week + 3600))[0].items == ()


def test_what_means_nothing_to_a_hub_has_no_effect_but_a_line_in_the_log() -> None:
    site = Site("anna")
    assert site.core.handle(Presented("x", ok=True), at()) == []
    happened = [StrangerHeard("mqtt"), GaveUp(an_id(), "ben", "expired"), LinkChanged("mqtt", "down", "cut")]
    for event in happened:
        assert all(isinstance(effect, Note) for effect in site.core.handle(event, at()))
    assert not site.core.links.at_broker
