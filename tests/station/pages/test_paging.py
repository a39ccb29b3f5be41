"""Pages we send: refused before they exist, saved before they leave, readable by whoever gets them."""

import pytest

from agent.domain.audience import Audience
from agent.domain.effects import Cancel, Keep, Post, Reply, Tell
from agent.domain.envelope import PAGE, URGENT, URGENT_LIFE_MS
from agent.domain.errors import BadInput, NotAllowed
from agent.domain.events import OrderChanged, OrderDropped, PageAsked, WithdrawAsked
from agent.domain.messages import OrderDelete, OrderItem, OrderPut, PageNew
from agent.domain.names import HUB
from agent.domain.page import State
from agent.wire.strict_json import decode, encode
from tests.station.scene import EVERYBODY, KITCHEN, Scene, ident, only
from tests.walks.members import NOW_MS

UUID = ident(77)


def with_order(station: str = "front", title: object = "soup") -> Scene:
    """A station whose list is complete and holds one order."""
    scene = Scene(station)
    scene.up()
    scene.list_comes(OrderItem(UUID, "order", {"title": (title, (NOW_MS, 0, "boss"))}, None))  # type: ignore[dict-item]  # spoiled on purpose
    return scene


def test_a_page_is_saved_then_sent_to_everybody_it_means_and_the_hub() -> None:
    scene = Scene("front")
    effects = scene.tell(PageAsked(KITCHEN, note="now", ticket=1))
    (post,) = only(effects, Post)
    assert set(post.recipients) == {"stove", "oven", "wall", HUB}
    assert (post.to, post.type, post.prio, post.want) == (KITCHEN, "page.new", PAGE, 2)
    assert effects.index(only(effects, Keep)[0]) < effects.index(post)
    assert only(effects, Reply) == [Reply(1, {"page": post.id})]
    assert post.at == scene.sent.at


def test_an_urgent_page_lives_ten_minutes() -> None:
    scene = Scene("front")
    (post,) = only(scene.tell(PageAsked(KITCHEN, urgent=True)), Post)
    assert post.prio == URGENT
    assert scene.sent.exp - scene.sent.at == URGENT_LIFE_MS


def test_a_person_with_two_desks_is_paged_at_both_and_one_of_them_pages_the_other() -> None:
    scene = Scene("stove")
    scene.tell(PageAsked(Audience("person", "anna")))
    assert set(scene.sent.targets) == {"front", "front-2"}
    own = Scene("front")
    own.tell(PageAsked(Audience("person", "anna")))
    assert set(own.sent.targets) == {"front-2"}


@pytest.mark.parametrize("note", ["tab\there", "Cafe\u0301", "\ud800", "bell\x07", "one\r\ntwo"])
def test_whatever_is_typed_as_a_note_can_be_read_by_the_other_side(note: str) -> None:
    scene = Scene("front")
    (post,) = only(scene.tell(PageAsked(KITCHEN, note=note)), Post)
    assert isinstance(post.params, PageNew)
    decode(encode({"note": post.params.note}))


@pytest.mark.parametrize("title", ["x" * 5000, 5, True])
def test_an_order_with_a_title_no_honest_station_gave_can_be_paged_for(title: object) -> None:
    scene = with_order(title=title)
    (post,) = only(scene.tell(PageAsked(KITCHEN, order=UUID)), Post)
    assert isinstance(post.params, PageNew)
    assert post.params.order is not None
    assert 0 < len(post.params.order.title) <= 120


@pytest.mark.parametrize(
    ("station", "event", "error"),
    [
        ("front", PageAsked(EVERYBODY), NotAllowed),
        ("wall", PageAsked(KITCHEN), NotAllowed),
        ("gone", PageAsked(KITCHEN), NotAllowed),
        ("front", PageAsked(Audience("role", "bar")), BadInput),
        ("front", PageAsked(Audience("station", "gone")), BadInput),
        ("front", PageAsked(Audience("hub")), NotAllowed),
        ("front", PageAsked(Audience("station", "front")), BadInput),
        ("front", PageAsked(KITCHEN, order=ident(5)), BadInput),
        ("front", PageAsked(KITCHEN, note="x" * 501), BadInput),
    ],
)
def test_what_cannot_be_paged_is_told_and_leaves_nothing_behind(
    station: str, event: PageAsked, error: type[Exception]
) -> None:
    scene = Scene(station)
    told = scene.tell(event)
    assert [type(effect) for effect in told] == [Tell]
    asked = PageAsked(event.audience, event.order, event.note, ticket=3)
    (reply,) = scene.tell(asked)
    assert isinstance(reply, Reply)
    assert isinstance(reply.error, error)
    assert scene.core.paging.pages == {}


def test_a_withdrawn_page_is_cancelled_and_told_to_all_its_targets() -> None:
    scene = Scene("front")
    scene.tell(PageAsked(KITCHEN))
    effects = scene.tell(WithdrawAsked(scene.sent.id, ticket=2))
    (post,) = only(effects, Post)
    assert (post.type, post.re, set(post.recipients)) == (
        "page.withdraw",
        scene.sent.id,
        {"stove", "oven", "wall", HUB},
    )
    assert only(effects, Cancel) == [Cancel(scene.sent.id)]
    assert scene.sent.state is State.WITHDRAWN
    assert only(scene.tell(WithdrawAsked(scene.sent.id, ticket=3)), Post) == []
    (reply,) = scene.tell(WithdrawAsked(ident(5), ticket=4))
    assert isinstance(reply, Reply)
    assert reply.error is not None


def test_an_order_that_is_done_or_deleted_here_withdraws_its_pages() -> None:
    for event in (OrderChanged(UUID, "order", {"done": True}), OrderDropped(UUID)):
        scene = with_order()
        scene.tell(PageAsked(KITCHEN, order=UUID))
        assert [post.type for post in only(scene.tell(event), Post)][-1] == "page.withdraw"
        assert scene.sent.withdrawn


def test_one_that_is_done_or_deleted_elsewhere_does_so_too() -> None:
    later = (NOW_MS + 5, 0, "boss")
    done = OrderPut(uuid=UUID, kind="order", fields={"done": (True, later)})
    for change in (done, OrderDelete(uuid=UUID, stamp=later)):
        scene = with_order()
        scene.tell(PageAsked(KITCHEN, order=UUID))
        scene.arrives("boss", change, to=EVERYBODY)
        assert scene.sent.withdrawn


def test_so_does_one_of_which_only_the_hub_s_list_tells() -> None:
    """The order was finished while this station was away: the page it had sent must not ring on."""
    scene = with_order()
    scene.tell(PageAsked(KITCHEN, order=UUID))
    scene.list_comes(OrderItem(UUID, "order", {"done": (True, (NOW_MS + 5, 0, "boss"))}, None))
    assert scene.sent.withdrawn


def test_a_change_that_is_refused_here_withdraws_nothing() -> None:
    scene = with_order("wall")
    scene.tell(OrderChanged(UUID, "order", {"done": True}, ticket=1))
    assert not scene.core.ordering.orders[UUID].done


def test_settled_pages_are_forgotten_in_batches_and_waiting_ones_never() -> None:
    scene = Scene("front")
    for number in range(300):
        scene.tell(PageAsked(KITCHEN))
        if number >= 50:
            scene.tell(WithdrawAsked(scene.sent.id))
    pages = scene.core.paging.pages.values()
    assert len(pages) < 260
    assert sum(not page.settled for page in pages) == 50
    assert len([kind for kind, _ in scene.disk if kind == "out"]) == len(pages)


def test_after_a_restart_the_newest_page_is_still_the_last() -> None:
    scene = Scene("front")
    for minute in range(5):
        scene.wait(minute + 1)
        scene.tell(PageAsked(KITCHEN, note=str(minute)))
    notes = [page.note for page in scene.core.paging.pages.values()]
    scene.disk = dict(sorted(scene.disk.items(), key=lambda item: hash(item[0])))
    scene.restart()
    assert [page.note for page in scene.core.paging.pages.values()] == notes
