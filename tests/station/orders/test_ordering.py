"""Orders at this station: clean when they leave, readable when they come, and never lost between disk and hub."""

from itertools import permutations
from typing import Any

import pytest

from agent.domain.effects import Effect, Keep, Post, Refresh, Reply, Sound
from agent.domain.envelope import QUIET
from agent.domain.errors import BadInput, NotAllowed
from agent.domain.events import GaveUp, Heard, OrderChanged, OrderDropped, QuietAsked
from agent.domain.messages import FieldValue, OrderDelete, OrderItem, OrderPut, Stamp
from agent.domain.names import HUB
from agent.domain.order import TOMBSTONE_MS
from agent.station.orders.ordering import FUTURE_MS
from agent.wire.strict_json import decode, encode
from tests.station.scene import EVERYBODY, Scene, ident, only
from tests.walks.members import NOW_MS

UUID = ident(77)


def ready(station: str = "front", *items: OrderItem) -> Scene:
    scene = Scene(station)
    scene.up()
    scene.list_comes(*items)
    return scene


def put(number: int = 77, ms: int = NOW_MS, station: str = "boss", **fields: object) -> OrderPut:
    stamped = {name: (value, (ms, 0, station)) for name, value in fields.items()}
    return OrderPut(uuid=ident(number), kind="order", fields=stamped)  # type: ignore[arg-type]  # spoiled on purpose


def made(scene: Scene, **fields: FieldValue) -> str:
    effects = scene.tell(OrderChanged("", "order", {"title": "soup", **fields}, create=True, ticket=1))
    (reply,) = only(effects, Reply)
    assert reply.error is None
    return str(reply.result["order"])


def refusal(effects: list[Effect]) -> str:
    (reply,) = effects
    assert isinstance(reply, Reply)
    assert reply.error is not None
    return reply.error.code


def test_a_new_order_is_saved_sent_quietly_and_pending_until_the_hub_has_it() -> None:
    scene = ready()
    uuid = made(scene, subtitle="0171")
    post = scene.posts[-1]
    assert (post.type, post.prio, post.want) == ("order.put", QUIET, 1)
    assert HUB in post.recipients
    assert scene.core.ordering.pending == {post.id: uuid}
    scene.tell(Heard(post.id, "stove", "stored", "", scene.ms, "mqtt"))
    assert scene.core.ordering.pending
    scene.tell(Heard(post.id, HUB, "stored", "", scene.ms, "mqtt"))
    assert scene.core.ordering.pending == {}
    assert not [key for key in scene.disk if key[0] == "pending"]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "title-missing"),
        ({"title": "  \t "}, "title-missing"),
        ({"title": "x" * 121}, "title-long"),
        ({"title": "a\u200bb"}, "title-bad"),
        ({"title": "a", "subtitle": "x" * 121}, "subtitle-long"),
        ({"title": "a", "flag_a": "no"}, "flag_a-bad"),
        ({"title": "a", "done": None}, "done-bad"),
        ({"title": "a", "colour": "red"}, "bad-input"),
        ({"title": "a", "created": 5}, "bad-input"),
    ],
)
def test_bad_input_is_refused_with_its_field(fields: dict[str, FieldValue], code: str) -> None:
    scene = ready()
    assert refusal(scene.tell(OrderChanged("", "order", fields, create=True, ticket=1))) == code
    assert scene.core.ordering.orders == {}


@pytest.mark.parametrize("title", ["Cafe\u0301 au lait", "a\tb", "line\nbreak", 5, True])
def test_whatever_is_typed_can_be_read_by_the_other_side(title: FieldValue) -> None:
    scene = ready()
    made(scene, title=title)
    sent = scene.posts[-1].params
    assert isinstance(sent, OrderPut)
    decode(encode({name: value for name, (value, _) in sent.fields.items()}))


def test_an_order_that_exists_is_not_made_a_second_time() -> None:
    scene = ready()
    uuid = made(scene)
    assert refusal(scene.tell(OrderChanged(uuid, "order", {"title": "b"}, create=True, ticket=2))) == "order-exists"
    assert scene.core.ordering.orders[uuid].title == "soup"


def test_who_may_not_is_told_before_anything_is_changed() -> None:
    scene = ready("wall", OrderItem(UUID, "order", {"title": ("a", (NOW_MS, 0, "boss"))}, None))
    for event in (OrderChanged(UUID, "order", {"title": "b"}, ticket=1), OrderDropped(UUID, ticket=1)):
        (reply,) = scene.tell(event)
        assert isinstance(reply, Reply)
        assert isinstance(reply.error, NotAllowed)
    assert scene.core.ordering.orders[UUID].title == "a"
    (gone,) = scene.tell(OrderDropped(ident(5), ticket=2))
    assert isinstance(gone, Reply)
    assert isinstance(gone.error, BadInput)


@pytest.mark.parametrize("value", [5, True, None, "x" * 5000, ""])
def test_no_value_of_a_stranger_s_order_hurts_anything(value: FieldValue) -> None:
    scene = ready()
    names = ("title", "subtitle", "flag_a", "flag_b", "created", "by", "done", "unknown", "x")
    scene.arrives("boss", put(**dict.fromkeys(names, value)), to=EVERYBODY)
    order = scene.core.ordering.orders[UUID]
    assert len(order.title) <= 120
    assert isinstance(order.value("created"), int)
    assert set(order.fields) <= {"title", "subtitle", "flag_a", "flag_b", "created", "by", "done"}
    scene.restart()
    assert scene.core.ordering.orders[UUID] == order


def test_names_nobody_knows_fill_no_memory() -> None:
    scene = ready()
    for number in range(50):
        names: dict[str, Any] = {
            "f" + "abcdefghij"[number // 10] + "abcdefghij"[number % 10] * (n % 20): 1 for n in range(60)
        }
        scene.arrives("boss", put(ms=NOW_MS + number, title="soup", **names), to=EVERYBODY)
    assert set(scene.core.ordering.orders[UUID].fields) == {"title"}


def test_a_change_with_nothing_in_it_makes_no_order() -> None:
    scene = ready()
    assert scene.arrives("boss", put(), to=EVERYBODY) == []
    assert scene.core.ordering.orders == {}


def test_a_change_that_changes_nothing_costs_no_write() -> None:
    scene = ready()
    scene.arrives("boss", put(title="soup"), to=EVERYBODY)
    assert scene.arrives("boss", put(title="soup"), to=EVERYBODY) == []


def test_a_stamp_from_the_future_is_not_believed() -> None:
    scene = ready()
    assert scene.arrives("boss", put(ms=NOW_MS + FUTURE_MS + 1, title="x"), to=EVERYBODY) == []
    assert scene.arrives("boss", OrderDelete(uuid=UUID, stamp=(NOW_MS + 10**12, 0, "boss")), to=EVERYBODY) == []
    assert scene.core.ordering.orders == {}


def test_a_future_stamp_that_got_to_disk_does_not_carry_our_clock_away() -> None:
    """Before the hub's time a station cannot know better; after a restart its own changes must count again."""
    scene = Scene("front", anchored=False)
    far = NOW_MS + 10 * 365 * 86_400_000
    scene.arrives("boss", put(ms=far, title="poison"), to=EVERYBODY, at=far)
    scene.restart(anchored=True)
    scene.up()
    scene.list_comes()
    made(scene)
    sent = scene.posts[-1].params
    assert isinstance(sent, OrderPut)
    assert sent.fields["title"][1][0] <= scene.ms


def test_a_new_order_sounds_once_and_a_hundred_at_once_sound_once() -> None:
    scene = ready("stove")
    effects = [
        effect for number in range(100) for effect in scene.arrives("boss", put(number, title="a"), to=EVERYBODY)
    ]
    assert only(effects, Sound) == [Sound("order")]
    scene.wait(5)
    assert only(scene.arrives("boss", put(200, title="a"), to=EVERYBODY), Sound)
    assert not only(scene.arrives("boss", put(200, ms=NOW_MS + 1, title="b"), to=EVERYBODY), Sound)
    scene.tell(QuietAsked(10))
    scene.wait(5)
    assert not only(scene.arrives("boss", put(201, title="a"), to=EVERYBODY), Sound)


def test_all_stations_agree_whatever_order_the_changes_come_in() -> None:
    changes = (
        put(ms=NOW_MS, title="soup", done=False),
        put(ms=NOW_MS + 2, station="oven", title="stew"),
        put(ms=NOW_MS + 2, station="stove", title=5),
        OrderDelete(uuid=UUID, stamp=(NOW_MS + 1, 0, "boss")),
    )
    ends = set()
    for order in permutations(changes):
        scene = ready("front")
        for change in order:
            scene.arrives("boss", change, to=EVERYBODY)
        found = scene.core.ordering.orders[UUID]
        ends.add((found.title, found.done, found.dead, found.kind))
    assert len(ends) == 1


def test_a_disk_that_is_full_leaves_the_list_as_it_is_on_disk() -> None:
    scene = ready()
    uuid = made(scene)
    scene.tell(Heard(scene.posts[-1].id, HUB, "stored", "", scene.ms, "mqtt"))
    scene.tell(OrderChanged(uuid, "order", {"title": "stew"}, ticket=2))
    scene.tell(GaveUp(scene.posts[-1].id, HUB, "store"))
    assert scene.core.ordering.orders[uuid].title == "soup"
    other = made(scene)
    scene.tell(GaveUp(scene.posts[-1].id, HUB, "store"))
    assert other not in scene.core.ordering.orders
    assert scene.core.ordering.pending == {}


def test_a_change_the_hub_did_not_take_in_a_week_is_told_again() -> None:
    scene = ready()
    uuid = made(scene)
    scene.tell(OrderDropped(uuid))
    first, second = scene.posts[-2:]
    scene.posts.clear()
    for post in (first, second):
        scene.tell(GaveUp(post.id, HUB, "expired"))
    assert {post.type for post in scene.posts} == {"order.put", "order.delete"}
    assert set(scene.core.ordering.pending.values()) == {uuid}


def test_what_nobody_will_take_is_no_longer_pending() -> None:
    scene = ready()
    made(scene)
    effects = scene.tell(GaveUp(scene.posts[-1].id, HUB, "revoked"))
    assert [type(effect) for effect in effects] == [Keep, Refresh]
    assert scene.core.ordering.pending == {}
    assert scene.tell(GaveUp(scene.posts[-1].id, "stove", "expired")) == []


def test_a_change_is_pending_after_a_restart_only_while_its_row_is_open() -> None:
    scene = ready()
    first, second = made(scene), made(scene)
    scene.open_at_hub = {scene.posts[-1].id}
    scene.restart()
    assert set(scene.core.ordering.pending.values()) == {second}
    assert first in scene.core.ordering.orders


def test_the_dead_are_kept_a_week_and_then_forgotten() -> None:
    scene = ready()
    uuid = made(scene)
    scene.tell(OrderDropped(uuid))
    assert scene.take(scene.core.ordering.forget_old(scene.now)) == []
    scene.ms += TOMBSTONE_MS + 10
    assert scene.take(scene.core.ordering.forget_old(scene.now)) == [Keep("order", uuid, None)]
    assert scene.core.ordering.orders == {}


def test_our_own_changes_beat_what_we_have_seen() -> None:
    scene = ready("front", OrderItem(UUID, "order", {"title": ("a", (NOW_MS + 60_000, 3, "boss"))}, None))
    scene.tell(OrderChanged(UUID, "order", {"title": "b"}))
    assert scene.core.ordering.orders[UUID].title == "b"
    stamp: Stamp = scene.core.ordering.orders[UUID].fields["title"][1]
    assert stamp > (NOW_MS + 60_000, 3, "boss")


def test_a_put_of_ours_holds_only_what_was_changed() -> None:
    scene = ready()
    uuid = made(scene)
    scene.tell(OrderChanged(uuid, "order", {"done": True}))
    assert isinstance(scene.posts[-1], Post)
    assert set(scene.posts[-1].params.fields) == {"done"}  # type: ignore[attr-defined]  # an OrderPut
