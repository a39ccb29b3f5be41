"""The outbox in virtual time: nothing forgotten, nothing hammered, red exactly when the policy says."""

from collections.abc import Sequence

import pytest

from agent.domain.envelope import PAGE, QUIET, URGENT, WANT_PRESENTED, WANT_STORED
from agent.routing.outbox import Outbox, Row
from agent.routing.policy import LinkView

LINKS = [LinkView("mqtt", 0.004), LinkView("mail")]
EXP = 1_800_000


def row(prio: int = PAGE, want: int = WANT_PRESENTED, recipient: str = "kitchen", posted: float = 0.0) -> Row:
    return Row("p", recipient, prio, want, EXP, posted)


def attempts(outbox: Outbox, links: Sequence[LinkView], until: float, since: float = 0.0) -> list[tuple[float, str]]:
    """Sleep from one due time to the next, as the router does, and note what goes when over which links."""
    sent, now = [], since
    while now <= until:
        sent += [(round(now, 3), "+".join(attempt.links)) for attempt in outbox.due(now, links)]
        outbox.newly_late(now)
        due = outbox.next_due()
        if due is None:
            break
        now = max(due, now + 0.001)
    return sent


def test_a_page_goes_on_until_it_is_receipted() -> None:
    outbox = Outbox()
    outbox.add(row())
    assert attempts(outbox, LINKS, 120) == [
        (0.0, "mqtt"),
        (3.0, "mail"),
        (10.0, "mqtt+mail"),
        (25.0, "mqtt+mail"),
        (55.0, "mqtt+mail"),
        (115.0, "mqtt+mail"),
    ]


def test_an_order_knocks_seldom_and_fills_no_mailbox() -> None:
    outbox = Outbox()
    outbox.add(row(QUIET, WANT_STORED))
    week = attempts(outbox, LINKS, 7 * 86_400)
    assert week[:6] == [
        (0.0, "mqtt"),
        (5.0, "mqtt"),
        (30.0, "mqtt"),
        (120.0, "mqtt+mail"),
        (600.0, "mqtt"),
        (4200.0, "mqtt"),
    ]
    assert len(week) < 180
    assert sum("mail" in links for _, links in week) == 1


def test_after_hours_without_a_link_nothing_is_hammered() -> None:
    """A row that waited six hours must not make up for every minute of it, one second apart."""
    outbox, back = Outbox(), 6 * 3600.0
    outbox.add(row())
    assert attempts(outbox, [], back - 1) == []
    outbox.try_now(back)
    assert [at - back for at, _ in attempts(outbox, LINKS, back + 120, since=back)] == [0, 3, 10, 25, 55, 115]


def test_a_link_that_comes_up_is_used_at_once_but_not_for_what_is_stored() -> None:
    outbox = Outbox()
    outbox.add(row(recipient="kitchen"))
    outbox.add(row(recipient="bar"))
    outbox.due(0.0, LINKS)
    outbox.hear("p", "bar", "stored")
    outbox.try_now(1.0)
    assert [attempt.row.recipient for attempt in outbox.due(1.0, LINKS)] == ["kitchen"]


@pytest.mark.parametrize("way", [False, True])
def test_a_stored_page_is_asked_about_soon_after_a_link_came_up_for_its_receipt_may_be_lost(way: bool) -> None:
    outbox = Outbox()
    outbox.add(row())
    for now in (0.0, 3.0, 10.0, 25.0):
        outbox.due(now, LINKS)
    outbox.hear("p", "kitchen", "stored")
    if way:
        outbox.try_recipient("kitchen", 30.0)
    else:
        outbox.try_now(30.0)
    assert attempts(outbox, LINKS, 60, since=30.0)[0] == (33.0, "mqtt+mail")


def test_stored_is_enough_for_an_order_and_not_for_a_page() -> None:
    outbox = Outbox()
    outbox.add(row())
    outbox.add(row(QUIET, WANT_STORED, recipient="hub"))
    assert outbox.hear("p", "hub", "stored")
    assert not outbox.hear("p", "kitchen", "stored")
    assert len(outbox) == 1
    assert outbox.hear("p", "kitchen", "presented")
    assert len(outbox) == 0


def test_a_refusal_and_a_look_end_a_row_as_a_showing_does() -> None:
    for stage in ("refused", "seen"):
        outbox = Outbox()
        outbox.add(row())
        assert outbox.hear("p", "kitchen", stage)


def test_a_stage_nobody_knows_ends_nothing_and_a_receipt_for_nothing_is_nothing() -> None:
    outbox = Outbox()
    outbox.add(row())
    assert not outbox.hear("p", "kitchen", "danced")
    assert not outbox.hear("other", "kitchen", "presented")
    assert not outbox.hear("p", "bar", "presented")
    assert len(outbox) == 1


def test_a_stored_page_is_asked_about_again_but_not_soon() -> None:
    outbox = Outbox()
    outbox.add(row())
    outbox.due(0.0, LINKS)
    outbox.hear("p", "kitchen", "stored")
    assert attempts(outbox, LINKS, 60, since=0.5)[:3] == [(3.0, "mail"), (18.0, "mqtt+mail"), (33.0, "mqtt+mail")]


def test_red_comes_once_and_only_without_a_receipt() -> None:
    outbox = Outbox()
    outbox.add(row())
    outbox.add(row(URGENT, recipient="bar"))
    outbox.add(row(QUIET, recipient="store"))
    outbox.add(row(recipient="desk"))
    outbox.hear("p", "desk", "stored")
    assert [late.recipient for late in outbox.newly_late(5.0)] == ["bar"]
    assert [late.recipient for late in outbox.newly_late(10.0)] == ["kitchen"]
    assert outbox.newly_late(1e9) == []


def test_the_outbox_wakes_for_red_even_when_no_link_is_up() -> None:
    outbox = Outbox()
    outbox.add(row())
    assert outbox.due(0.0, []) == []
    assert outbox.next_due() == 10.0


def test_thousands_of_changes_that_no_way_leads_to_anybody_for_cost_nothing() -> None:
    """A station with a mailbox among others that have none keeps each for a week."""
    outbox = Outbox()
    outbox.add(row(prio=QUIET, want=WANT_STORED))
    looks, now = 0, 0.0
    while now < 86_400:
        outbox.due(now, [LinkView("mail", ways={})])
        looks, now = looks + 1, outbox.next_due() or now + 86_400
    assert looks <= 25
    outbox.try_recipient("kitchen", now)
    assert attempts(outbox, [LinkView("mail", ways={"kitchen": None})], now, since=now) == [(now, "mail")]


def test_an_expired_row_is_handed_out_once() -> None:
    outbox = Outbox()
    outbox.add(row())
    assert outbox.expired(5.0, EXP - 1) == []
    assert [gone.recipient for gone in outbox.expired(5.0, EXP)] == ["kitchen"]
    assert outbox.expired(5.0, EXP) == []
    assert outbox.next_due() is None


def test_no_clock_but_the_hub_s_can_end_a_row_of_an_earlier_run() -> None:
    """A computer that starts in another year must not give up what it had promised to send."""
    outbox = Outbox()
    outbox.add(row())
    assert outbox.expired(1e9, 0) == []
    assert len(outbox.expired(1e9, EXP)) == 1


def test_a_row_of_this_run_ends_with_its_life_whatever_the_hub_s_time_turns_out_to_be() -> None:
    outbox, signed = Outbox(), row()
    signed.ends = 1800.0
    outbox.add(signed)
    assert outbox.expired(1799.0, 0) == []
    assert outbox.expired(1799.0, EXP - 10**11) == []
    assert len(outbox.expired(1800.0, 0)) == 1


def test_a_message_and_a_recipient_can_be_dropped() -> None:
    outbox = Outbox()
    for recipient in ("kitchen", "bar"):
        outbox.add(row(recipient=recipient))
    outbox.add(Row("q", "bar", PAGE, WANT_STORED, EXP, 0.0))
    assert outbox.recipients() == {"kitchen", "bar"}
    assert len(outbox.drop_recipient("bar")) == 2
    assert [gone.recipient for gone in outbox.drop("p")] == ["kitchen"]
    assert outbox.drop("p") == []


def test_a_page_takes_the_way_that_is_open_and_the_next_link_three_seconds_later() -> None:
    outbox = Outbox()
    outbox.add(row())
    links = [LinkView("p2p", ways={"kitchen": 0.001}), LinkView("mqtt", 0.004)]
    assert attempts(outbox, links, 11) == [(0.0, "p2p"), (3.0, "mqtt"), (10.0, "p2p+mqtt")]


def test_without_a_way_a_page_goes_over_mqtt_at_once_and_over_the_way_as_soon_as_it_opens() -> None:
    outbox = Outbox()
    outbox.add(row())
    assert attempts(outbox, [LinkView("p2p", ways={}), LinkView("mqtt", 0.004)], 0.5) == [(0.0, "mqtt")]
    assert outbox.calling(0.5) == set()
    outbox.try_recipient("kitchen", 1.0)
    assert outbox.calling(1.0) == {"kitchen"}
    links = [LinkView("p2p", ways={"kitchen": 0.009}), LinkView("mqtt", 0.004)]
    assert attempts(outbox, links, 1.5, since=1.0) == [(1.0, "p2p")]
    outbox.hear("p", "kitchen", "stored")
    outbox.try_recipient("kitchen", 2.0)
    assert attempts(outbox, links, 2.5, since=2.0) == []
    assert outbox.calling() == set()


def test_what_has_no_way_at_all_waits_for_one() -> None:
    outbox = Outbox()
    outbox.add(row())
    outbox.add(row(prio=QUIET, recipient="bar"))
    assert attempts(outbox, [LinkView("p2p", ways={})], 9) == []
    assert outbox.calling() == {"kitchen"}
    outbox.try_recipient("kitchen", 9.0)
    assert attempts(outbox, [LinkView("p2p", ways={"kitchen": None})], 9.5, since=9.0) == [(9.0, "p2p")]


def mailed(outbox: Outbox, links: Sequence[LinkView], until: float) -> list[float]:
    """When a message goes by mail, to a server that takes each at once."""
    sent, now = [], 0.0
    while now <= until:
        for attempt in outbox.due(now, links):
            if "mail" in attempt.links:
                attempt.row.mailed = now
                sent.append(now)
        now = max(outbox.next_due() or now, now + 0.001)
    return [round(at, 1) for at in sent]


@pytest.mark.parametrize(
    ("prio", "times"),
    [(PAGE, [3.0, 175.0, 295.0]), (URGENT, [3.0, 70.0, 130.0, 190.0, 250.0]), (QUIET, [120.0])],
)
def test_what_a_mail_server_took_it_may_keep_for_a_while(prio: int, times: list[float]) -> None:
    outbox = Outbox()
    outbox.add(row(prio, WANT_PRESENTED if prio else WANT_STORED))
    assert mailed(outbox, LINKS, 300) == times


def test_alone_a_mailbox_gets_each_message_once_in_a_while_and_no_chatter() -> None:
    for prio, most in ((PAGE, 3), (URGENT, 6), (QUIET, 1)):
        outbox = Outbox()
        outbox.add(row(prio, WANT_PRESENTED if prio else WANT_STORED))
        assert len(mailed(outbox, [LinkView("mail")], 300)) <= most


def test_a_mail_that_no_server_took_goes_again_at_once() -> None:
    outbox = Outbox()
    outbox.add(row())
    assert attempts(outbox, [LinkView("mail")], 12) == [(0.0, "mail"), (3.0, "mail"), (10.0, "mail")]
