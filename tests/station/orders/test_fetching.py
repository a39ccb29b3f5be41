"""Fetching the hub's list: complete or said to be not, whatever is lost and whoever restarts."""

import pytest

from agent.domain.effects import Effect, Keep, Post, Tell
from agent.domain.envelope import DAY_MS
from agent.domain.errors import TryLater
from agent.domain.events import LinkChanged, OrderChanged
from agent.domain.messages import FieldValue, OrderDelete, OrderItem, OrderList, OrderPut, Stamp
from agent.domain.names import HUB
from agent.station.orders.fetching import PARTS_AGAIN_S, WINDOW_S
from agent.station.orders.seldom import LONGEST_S, PATIENCE_S
from tests.station.scene import EVERYBODY, Scene, ident, only
from tests.walks.members import NOW_MS


def item(number: int) -> OrderItem:
    return OrderItem(ident(number), "order", {"title": (f"order {number}", (NOW_MS, 0, "boss"))}, None)


def asked(effects: list[object]) -> list[OrderList]:
    posts = [effect for effect in effects if isinstance(effect, Post)]
    return [post.params for post in posts if isinstance(post.params, OrderList)]


def test_a_link_that_comes_up_asks_for_what_we_miss() -> None:
    scene = Scene()
    assert asked(list(scene.up())) == [OrderList(since=0)]
    effects = scene.list_comes(item(1), item(2), upto=40)
    assert Keep("since", "orders", 40) in effects
    assert len(scene.core.ordering.alive()) == 2
    scene.restart()
    assert asked(list(scene.up())) == [OrderList(since=40)]


def test_until_it_is_complete_only_new_orders_can_be_made() -> None:
    scene = Scene()
    scene.up()
    scene.list_comes(item(1), i=0, n=2)
    (reply, *_) = scene.tell(OrderChanged(ident(1), "order", {"title": "x"}, ticket=1))
    assert isinstance(reply.error, TryLater)  # type: ignore[union-attr]  # a Reply
    assert only(scene.tell(OrderChanged("", "order", {"title": "new"}, create=True, ticket=2)), Post)
    scene.list_comes(item(2), i=1, n=2)
    assert only(scene.tell(OrderChanged(ident(1), "order", {"title": "x"}, ticket=3)), Post)


def test_after_two_minutes_without_a_hub_everything_can_be_changed_and_people_are_told() -> None:
    scene = Scene()
    scene.up()
    effects = scene.wait(WINDOW_S + 1)
    assert [tell.text for tell in only(effects, Tell)] == ["notice.no-orders"]
    assert scene.core.ordering.ready(scene.now)


def test_lost_parts_are_asked_for_again_by_number_under_the_same_id() -> None:
    scene = Scene()
    scene.up()
    first = scene.posts[-1].id
    scene.list_comes(item(1), i=1, n=3)
    effects = scene.wait(PARTS_AGAIN_S + 0.5)
    assert asked(list(effects)) == [OrderList(since=0, parts=(0, 2))]
    assert [post.id for post in only(effects, Post) if post.type == "order.list"] == [first]


def test_a_hub_that_wakes_up_late_is_asked_again() -> None:
    """It was silent for the first two minutes and the link never went down: nobody else would ever ask."""
    scene = Scene()
    scene.up()
    scene.wait(WINDOW_S + 60)
    effects = scene.hub_answers()
    assert asked(list(effects)) == [OrderList(since=0)]
    scene.list_comes(item(1))
    assert scene.core.fetching.complete
    scene.wait(20)
    assert asked(list(scene.hub_answers())) == []


def test_a_second_fetch_gets_its_own_two_minutes() -> None:
    scene = Scene()
    scene.up()
    scene.wait(WINDOW_S + 60)
    scene.tell(LinkChanged("mqtt", "down"))
    scene.up()
    scene.list_comes(item(1), i=0, n=2)
    effects = scene.wait(60)
    assert asked(list(effects))
    assert only(effects, Tell) == []
    scene.list_comes(item(2), i=1, n=2)
    assert scene.core.fetching.complete
    assert scene.core.fetching.since == 1


def test_parts_of_two_cuts_make_no_whole() -> None:
    """The hub restarted in the middle and cut its list anew: what moved to an earlier part would be lost for good."""
    scene = Scene()
    scene.up()
    scene.list_comes(item(1), i=0, n=2, upto=10)
    scene.list_comes(item(3), i=1, n=2, upto=12)
    assert asked(list(scene.wait(PARTS_AGAIN_S + 0.5))) == [OrderList(since=0, parts=(0,))]
    assert scene.core.fetching.since == 0
    scene.list_comes(item(2), i=0, n=2, upto=12)
    assert (scene.core.fetching.complete, scene.core.fetching.since) == (True, 12)


def test_only_the_answer_to_our_question_completes_the_list() -> None:
    scene = Scene()
    scene.up()
    scene.list_comes(item(1), re=ident(99), upto=50)
    assert not scene.core.fetching.complete
    assert len(scene.core.ordering.alive()) == 1


def given(effects: list[Effect]) -> list[tuple[str, object, tuple[str, ...]]]:
    """The orders that are told again, and whom."""
    return [
        (post.params.uuid, post.params.fields, post.recipients)
        for post in only(effects, Post)
        if isinstance(post.params, OrderPut)
    ]


def test_a_hub_that_was_set_back_is_given_back_what_we_said_last_and_nobody_else_hears_it_again() -> None:
    scene = Scene()
    scene.up()
    scene.list_comes(item(1), upto=1)
    scene.tell(OrderChanged("", "order", {"title": "mine"}, create=True, ticket=1))
    (mine,) = [order for order in scene.core.ordering.orders.values() if order.title == "mine"]
    for lost, told in [(None, []), (NOW_MS - 60_000, [(mine.uuid, mine.fields, (HUB,))]), (NOW_MS + 2 * DAY_MS, [])]:
        scene.restart()
        scene.up()
        assert given(scene.list_comes(i=0, n=2, upto=2, lost=lost)) == []
        assert given(scene.list_comes(i=1, n=2, upto=2, lost=lost)) == told


def lists(scene: Scene) -> list[Post]:
    """The questions for the list so far."""
    return [post for post in scene.posts if post.type == "order.list"]


def by_mail_alone(scene: Scene) -> None:
    scene.start()
    scene.tell(LinkChanged("mail", "up"))


def test_where_only_mail_goes_the_list_is_asked_for_once_by_mail_and_then_four_times_a_day() -> None:
    scene = Scene()
    by_mail_alone(scene)
    (first,) = lists(scene)
    assert (first.over, first.params, first.life_ms) == ("mail", OrderList(since=0), None)
    scene.wait(30)
    scene.list_comes(item(1), i=0, n=2, upto=40, re=first.id)
    scene.list_comes(item(2), i=1, n=2, upto=40, re=first.id)
    assert (scene.core.fetching.complete, len(scene.core.ordering.alive())) == (True, 2)
    scene.wait(LONGEST_S - 60)
    assert lists(scene) == [first]
    scene.wait(60)
    assert [(post.over, post.params) for post in lists(scene)[1:]] == [("mail", OrderList(since=40))]


def test_a_question_by_mail_that_is_lost_is_repeated_ever_less_often_and_either_answer_counts() -> None:
    scene = Scene()
    by_mail_alone(scene)
    scene.wait(24 * 3600)
    asked_for = lists(scene)
    assert (len(asked_for), len({post.id for post in asked_for})) == (9, 1)
    scene.list_comes(item(1), re=asked_for[0].id)
    assert scene.core.fetching.complete


def test_a_late_answer_by_mail_undoes_nothing_that_is_newer() -> None:
    scene = Scene("front")
    by_mail_alone(scene)
    newer: dict[str, tuple[FieldValue, Stamp]] = {"title": ("newer", (NOW_MS + 5, 0, "boss"))}
    scene.arrives("boss", OrderPut(uuid=ident(1), kind="order", fields=newer), to=EVERYBODY, link="mail")
    scene.arrives("boss", OrderPut(uuid=ident(2), kind="order", fields=newer), to=EVERYBODY, link="mail")
    scene.arrives("boss", OrderDelete(uuid=ident(2), stamp=(NOW_MS + 6, 0, "boss")), to=EVERYBODY, link="mail")
    scene.wait(7200)
    scene.list_comes(item(1), item(2), item(3))
    assert sorted(order.title for order in scene.core.ordering.alive()) == ["newer", "order 3"]


@pytest.mark.parametrize("state", ["connecting", "down"])
def test_who_may_get_a_faster_link_yet_asks_nothing_by_mail_for_a_minute(state: str) -> None:
    scene = Scene()
    scene.start()
    scene.tell(LinkChanged("mqtt", state))
    scene.tell(LinkChanged("mail", "up"))
    scene.wait(PATIENCE_S - 1)
    assert lists(scene) == []
    scene.wait(2)
    assert [post.over for post in lists(scene)] == ["mail"]


def test_who_has_a_faster_link_now_and_then_never_asks_by_mail() -> None:
    scene = Scene()
    scene.up()
    scene.tell(LinkChanged("mail", "up"))
    for _ in range(5):
        scene.list_comes(item(1))
        scene.tell(LinkChanged("mqtt", "down"))
        scene.wait(3600)
        scene.up()
        scene.wait(5)
    assert {post.over for post in lists(scene)} == {""}


def test_a_list_that_the_faster_link_did_not_bring_is_not_announced_for_ever() -> None:
    scene = Scene()
    scene.up()
    scene.tell(LinkChanged("mail", "up"))
    assert scene.core.fetching.notice == "notice.requesting-orders"
    scene.tell(LinkChanged("mqtt", "down"))
    assert scene.core.fetching.notice == ""
    scene.wait(PATIENCE_S + 1)
    scene.list_comes(item(1))
    assert scene.core.fetching.complete


def test_nothing_is_asked_while_nothing_goes_to_the_hub() -> None:
    scene = Scene()
    by_mail_alone(scene)
    scene.tell(LinkChanged("mail", "down"))
    scene.wait(3600)
    assert len(lists(scene)) == 1
    scene.tell(LinkChanged("mail", "up"))
    assert len(lists(scene)) == 2
