"""The list of active objects after the proof, N-43 to N-48: the exact notices, two minutes, and what waits for it."""

import pytest

from agent.domain.effects import OpenInbox, Post
from agent.domain.errors import TryLater
from agent.domain.events import OrderChanged, OrderDropped, PageAsked
from agent.domain.messages import OrderItem, OrderList
from agent.domain.order import DONE
from agent.station.picture import take_picture
from agent.station.surface import Surface
from agent.system.config.schema import Config
from agent.ui.menu import tray_view
from agent.ui.report import state, status
from agent.ui.window.model.model import Model, told
from tests.station.proof.test_proving import REQUESTING, SUBSCRIBING
from tests.station.scene import KITCHEN, ident, only
from tests.station.walk import ENGLISH, Walk
from tests.walks.desk import Drawing, Showing
from tests.walks.members import NOW_MS

NONE_CAME = "No Objects Received From Broker Services"
SOME_CAME = "Not All Objects Received From Broker Services - Asking Again"


def item(number: int) -> OrderItem:
    return OrderItem(ident(number), "order", {"title": (f"order {number}", (NOW_MS, 0, "boss"))}, None)


def lists(walk: Walk) -> list[tuple[float, OrderList]]:
    posts = [(mono, effect) for mono, effect in walk.times if isinstance(effect, Post)]
    return [(mono, post.params) for mono, post in posts if isinstance(post.params, OrderList)]


def test_N_43_nothing_is_asked_for_before_the_hub_has_proven_itself() -> None:  # noqa: N802 - rows of the outline
    walk = Walk(dropped={"auth.ok"}).connect()
    assert [post.type for post in walk.posts if not post.channel] == []
    walk.dropped.clear()
    walk.after(5)
    assert {"order.list", "ledger.get", "probe"} <= set(walk.sent_types)


def test_N_43_news_of_members_that_came_with_the_proof_is_asked_for_when_it_can_be() -> None:  # noqa: N802
    """Asked before, the question would go nowhere, and the next one would have to wait."""
    walk = Walk(head=(99, "A" * 22)).connect()
    sent = [(post.type, post.channel) for post in walk.posts]
    assert sent.index(("ledger.get", "")) > sent.index(("auth.confirm", "auth"))
    up = [mono for mono, effect in walk.times if effect == OpenInbox()]
    assert len([post for post in walk.posts if post.type == "ledger.get"]) == len(up) == 1
    order = [type(effect).__name__ if not isinstance(effect, Post) else effect.type for effect in walk.deeds]
    assert order.index("OpenInbox") < order.index("ledger.get")


def test_N_44_the_request_is_told_while_the_first_list_comes_and_taken_back_with_its_last_part() -> None:  # noqa: N802
    walk = Walk().connect()
    assert walk.shown[-2:] == [SUBSCRIBING, REQUESTING]
    walk.list_comes(item(1), i=0, n=2)
    assert walk.notice == REQUESTING
    walk.list_comes(item(2), i=1, n=2)
    assert walk.notice == ""
    assert walk.told == []


def test_N_44_a_later_list_comes_without_a_word() -> None:  # noqa: N802
    walk = Walk().connect()
    walk.list_comes(item(1))
    seen = len(walk.shown)
    walk.change("down").connect()
    assert REQUESTING not in walk.shown[seen:]
    walk.after(130)
    assert NONE_CAME not in [*walk.shown, *walk.told]


def test_N_45_the_list_is_asked_for_at_once_and_for_this_station_s_roles() -> None:  # noqa: N802
    """The hub knows the roles of whoever asks from the ledger, so the request carries no word about them."""
    walk = Walk().connect()
    assert lists(walk) == [(1000.0, OrderList(since=0))]


def test_N_46_missing_parts_are_asked_for_again_until_the_two_minutes_are_over() -> None:  # noqa: N802
    walk = Walk().connect()
    walk.list_comes(item(2), i=1, n=3)
    walk.after(119.9)
    again = [asked for _, asked in lists(walk)[1:]]
    assert len(again) >= 20
    assert {asked.parts for asked in again} == {(0, 2)}
    assert walk.notice == REQUESTING
    walk.after(0.1)
    assert walk.notice == SOME_CAME
    walk.list_comes(item(1), i=0, n=3)
    assert len(lists(walk)) == len(again) + 1


def test_N_47_every_part_makes_its_orders_at_once() -> None:  # noqa: N802
    walk = Walk().connect()
    walk.list_comes(item(1), i=0, n=2)
    assert [order.title for order in walk.core.ordering.alive()] == ["order 1"]
    walk.list_comes(item(2), i=1, n=2)
    assert [order.title for order in walk.core.ordering.alive()] == ["order 1", "order 2"]


def test_N_48_two_minutes_without_a_list_are_told_until_one_comes() -> None:  # noqa: N802
    walk = Walk().connect()
    walk.after(119.9)
    assert (walk.notice, walk.told) == (REQUESTING, [])
    walk.after(0.1)
    assert (walk.notice, walk.told) == (NONE_CAME, [NONE_CAME])
    walk.hub_answers()
    assert len(lists(walk)) > 1, "a hub that is heard is asked again"
    assert walk.notice == NONE_CAME
    walk.list_comes(item(1))
    assert walk.notice == ""


def changes(ticket: int | None) -> list[object]:
    return [
        OrderChanged(ident(1), "order", {"title": "x"}, ticket=ticket),
        OrderChanged(ident(1), "order", {DONE: True}, ticket=ticket),
        OrderDropped(ident(1), ticket),
        PageAsked(KITCHEN, order=ident(1), ticket=ticket),
    ]


@pytest.mark.parametrize("number", range(4))
def test_N_44_what_changes_or_pages_for_an_order_is_refused_until_the_list_is_complete(number: int) -> None:  # noqa: N802
    walk = Walk("boss").connect()
    walk.list_comes(item(1), i=0, n=2)
    (reply, *_) = walk.tell(changes(1)[number])  # type: ignore[arg-type]  # events
    error = reply.error  # type: ignore[union-attr]  # a Reply
    assert isinstance(error, TryLater)
    assert error.code == "syncing"
    before = len(walk.posts)
    walk.list_comes(item(2), i=1, n=2)
    walk.tell(changes(2)[number])  # type: ignore[arg-type]  # events
    assert len(walk.posts) > before


def test_N_44_new_orders_and_pages_about_none_may_be_made_meanwhile() -> None:  # noqa: N802
    walk = Walk("boss").connect()
    assert only(walk.tell(OrderChanged("", "order", {"title": "new"}, create=True, ticket=1)), Post)
    assert only(walk.tell(PageAsked(KITCHEN, note="now", ticket=2)), Post)


def test_N_44_menu_and_window_grey_what_has_to_wait() -> None:  # noqa: N802
    walk = Walk("boss").connect()
    desktop = Showing()

    def enabled() -> dict[str, bool]:
        now = take_picture(walk.core, Config(), Surface(Drawing(), desktop, desktop), [], "keyring", walk.now)
        menu = {entry.key: entry.enabled for entry in tray_view(now, ENGLISH).menu}
        window = told(Model({}), {"state": state(now, ENGLISH)})
        can = status(now)["can"]
        why = {deed: window.why_not(deed, ENGLISH) for deed in ("page", "edit", "create")}
        assert {deed: not words for deed, words in why.items()} == {deed: can[deed] for deed in why}
        assert set(why.values()) <= {"", REQUESTING}
        return {"new-order": menu["new-order"], "page-order": menu["page-order"], **can}

    assert enabled() == {
        "new-order": True,
        "page-order": False,
        "page": False,
        "edit": False,
        "create": True,
        "everybody": True,
    }
    walk.list_comes(item(1))
    assert all(enabled().values())
