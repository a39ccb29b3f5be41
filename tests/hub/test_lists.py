"""Lists of orders: cut to fit, sent a few parts at a time, the same parts again when some were lost."""

import gc
import time

from agent.domain.effects import Effect, WakeAt
from agent.domain.envelope import LIST_LIFE_MS
from agent.domain.events import Woke
from agent.domain.ledger import Ledger
from agent.domain.messages import OrderDelete, OrderList, OrderPart
from agent.hub.core import Kept
from agent.hub.lists import AT_ONCE, MAILS_AT_ONCE, MAILS_PER_S, PAUSE_S
from agent.hub.registry import Gap
from agent.routing.signing import Signed
from tests.hub.told import START_MS, Site, an_id, at, parts, posts, put


def site_with(orders: int) -> Site:
    """A site with so many orders as people write them."""
    site = Site("anna", "ben")
    for n in range(orders):
        site.tell("anna", "order.put", put(n, f"order number {n}", subtitle="0151 2345678", flag_a=True, flag_b=False,
                                           created=START_MS, done=False))  # fmt: skip
    return site


def listed(site: Site, ask: OrderList, station: str = "anna", id_: str = "", now: float = 0.0) -> list[OrderPart]:
    """The whole answer, woken as often as the hub wishes."""
    effects = site.tell(station, "order.list", ask, id_=id_, now=now)
    return _all(site, effects, now)


def _all(site: Site, effects: list[Effect], now: float) -> list[OrderPart]:
    answer = parts(effects)
    while any(isinstance(effect, WakeAt) for effect in effects):
        effects = site.core.handle(Woke(), at(now))
        answer += parts(effects)
    return answer


def test_an_empty_list_is_one_part_without_items() -> None:
    assert listed(Site("anna"), OrderList()) == [OrderPart(i=0, n=1, upto=0, items=())]


def test_a_list_answers_its_question() -> None:
    site, id_ = site_with(1), an_id()
    (post,) = posts(site.tell("ben", "order.list", OrderList(), id_=id_))
    assert (post.re, post.recipients, post.want, str(post.to)) == (id_, ("ben",), 0, "station:ben")


def test_all_parts_together_are_all_orders_once() -> None:
    site = site_with(1000)
    answer = listed(site, OrderList())
    assert [part.i for part in answer] == list(range(answer[0].n))
    uuids = [item.uuid for part in answer for item in part.items]
    assert sorted(uuids) == sorted(put(n).uuid for n in range(1000))
    assert {part.upto for part in answer} == {site.core.registry.count}


def test_every_part_fits_into_a_message() -> None:
    site = Site("anna")
    for n in range(300):
        site.tell("anna", "order.put", put(n, "ü" * 120, subtitle="字" * 120, x="y" * (n * 23 % 5000)))
    for n in range(300, 1000):
        site.tell("anna", "order.put", put(n, "a"))
    effects = site.tell("anna", "order.list", OrderList())
    made = posts(effects, "order.part")
    while any(isinstance(effect, WakeAt) for effect in effects):
        effects = site.core.handle(Woke(), at())
        made += posts(effects, "order.part")
    assert sum(len(part.params.items) for part in made if isinstance(part.params, OrderPart)) == 1000
    sizes = [len(_frame(site, post)) for post in made]
    assert max(sizes) < 24 * 1024
    assert len(made) < 120


def _frame(site: Site, post: object) -> bytes:
    from agent.routing.outgoing import Outgoing

    outgoing = Outgoing(site.me, None, lambda: site.core.ledger, at, lambda _: None)  # type: ignore[arg-type]  # signs only
    signed: Signed = outgoing.sign(post)  # type: ignore[arg-type]  # raises TooLarge
    return signed.frame


def test_since_brings_only_what_changed_later() -> None:
    site = site_with(5)
    known = listed(site, OrderList())[-1].upto
    site.tell("ben", "order.put", put(2, "new", ms=START_MS + 5, by="ben"), now=1)
    site.tell("ben", "order.delete", OrderDelete(uuid=put(4).uuid, stamp=(START_MS + 6, 0, "ben")), now=1)
    (part,) = listed(site, OrderList(since=known), now=2)
    assert [item.uuid for item in part.items] == [put(2).uuid, put(4).uuid]
    assert part.items[1].dead == (START_MS + 6, 0, "ben")
    assert listed(site, OrderList(since=part.upto), now=3) == [OrderPart(i=0, n=1, upto=part.upto, items=())]


def test_a_count_this_hub_never_gave_means_everything() -> None:
    site = site_with(5)
    (part,) = listed(site, OrderList(since=site.core.registry.count + 1))
    assert len(part.items) == 5


def test_only_certain_orders_can_be_asked_for() -> None:
    site = site_with(5)
    site.tell("ben", "order.delete", OrderDelete(uuid=put(4).uuid, stamp=(START_MS + 6, 0, "ben")))
    (part,) = listed(site, OrderList(only=(put(3).uuid, "f" * 32, put(4).uuid, put(3).uuid)))
    assert [(item.uuid, item.dead is not None) for item in part.items] == [(put(3).uuid, False), (put(4).uuid, True)]


def test_orders_nobody_knows_are_one_empty_part() -> None:
    (part,) = listed(site_with(3), OrderList(only=("f" * 32,)))
    assert (part.i, part.n, part.items) == (0, 1, ())


def test_lost_parts_come_again_as_they_were_cut_whatever_changed_since() -> None:
    site, id_ = site_with(500), an_id()
    first = listed(site, OrderList(), id_=id_)
    for n in range(500, 600):
        site.tell("anna", "order.put", put(n))
    again = listed(site, OrderList(parts=(2, 4)), id_=id_, now=5)
    assert [(part.i, part.n) for part in again] == [(2, first[0].n), (4, first[0].n)]
    assert [[item.uuid for item in part.items] for part in again] == [
        [item.uuid for item in first[i].items] for i in (2, 4)
    ]
    assert len(listed(site, OrderList(), id_=id_, now=6)) == first[0].n


def test_a_question_asked_twice_is_not_answered_twice_at_once() -> None:
    site, id_ = site_with(2000), an_id()
    early = parts(site.tell("anna", "order.list", OrderList(), id_=id_))
    repeated = site.tell("anna", "order.list", OrderList(), id_=id_)
    answer = [*early, *_all(site, repeated, 0.0)]
    assert len(answer) <= answer[0].n + len(early)


def test_a_hub_that_forgot_the_list_sends_all_of_it() -> None:
    site, id_ = site_with(500), an_id()
    whole = listed(site, OrderList(parts=(1,)), id_=id_)
    assert [part.i for part in whole] == list(range(whole[0].n))


def test_two_stations_take_turns() -> None:
    site = site_with(3000)
    site.tell("anna", "order.list", OrderList())
    effects = site.tell("ben", "order.list", OrderList())
    told = [post.recipients[0] for post in posts(effects)]
    assert (told.count("anna"), told.count("ben")) == (AT_ONCE // 2, AT_ONCE // 2)
    assert effects[-1] == WakeAt(at().mono + PAUSE_S)


def test_ten_thousand_orders_take_two_seconds_at_most_and_nobody_else_waits_long() -> None:
    site = site_with(10_000)
    gc.collect()  # what building them left behind is not part of answering
    spans = []
    count = 0

    def spend(start: float, effects: list[Effect]) -> list[Effect]:
        nonlocal count
        for post in posts(effects):
            _frame(site, post)
            count += len(post.params.items) if isinstance(post.params, OrderPart) else 0
        spans.append(time.process_time() - start)
        return effects

    effects = spend(time.process_time(), site.tell("anna", "order.list", OrderList()))
    while any(isinstance(effect, WakeAt) for effect in effects):
        effects = spend(time.process_time(), site.core.handle(Woke(), at()))
    assert count == 10_000
    assert sum(spans) + len(spans) * PAUSE_S < 2.0
    assert max(spans) < 0.05


def test_whoever_has_not_asked_since_the_hub_was_set_back_is_asked_for_what_was_lost() -> None:
    gap = Gap(after=START_MS - 500, until=START_MS - 10)
    site = Site("anna", kept=Kept(Ledger("s1"), gaps=[gap]))
    (part,) = listed(site, OrderList(since=gap.after))
    assert (part.upto, part.lost) == (gap.until, gap.after)
    site.tell("anna", "order.put", put(1))
    newest = site.core.registry.count
    for since, lost, items in [
        (0, gap.after, 1),
        (gap.until - 1, gap.after, 1),
        (gap.until, None, 1),
        (newest, None, 0),
    ]:
        (part,) = listed(site, OrderList(since=since))
        assert (part.upto, part.lost, len(part.items)) == (newest, lost, items), since - START_MS
    (part,) = listed(site, OrderList(only=(put(1).uuid,)))
    assert part.lost is None


def test_who_asks_by_mail_is_answered_by_mail_whenever_that_arrives_and_nobody_else_is() -> None:
    site = site_with(3)
    (post,) = posts(site.tell("ben", "order.list", OrderList(), link="mail"))
    assert (post.over, post.life_ms) == ("mail", None)
    (post,) = posts(site.tell("ben", "order.list", OrderList(), link="mqtt"))
    assert (post.over, post.life_ms) == ("", LIST_LIFE_MS)


def test_no_station_has_the_hub_write_lists_by_mail_all_day() -> None:
    site = site_with(3)
    answers = [posts(site.tell("ben", "order.list", OrderList(), link="mail", now=second)) for second in range(1000)]
    assert sum(map(bool, answers)) == MAILS_AT_ONCE
    assert posts(site.tell("anna", "order.list", OrderList(), link="mail", now=1000))
    assert posts(site.tell("ben", "order.list", OrderList(), link="mqtt", now=1000))
    assert posts(site.tell("ben", "order.list", OrderList(), link="mail", now=1000 + 1 / MAILS_PER_S))
