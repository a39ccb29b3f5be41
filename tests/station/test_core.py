"""The core as a whole: total over everything that can happen, deaf to what is not for it, and never raising."""

import typing

import pytest

from agent.domain.audience import Audience
from agent.domain.effects import Effect, Note, Refresh, Tell
from agent.domain.events import Event, LinkChanged, NotSaved, QuietAsked, Woke
from agent.domain.heads import HEADS, LedgerFork
from agent.domain.messages import (
    PARAMETERS,
    AuthConfirm,
    AuthHello,
    AuthOk,
    AuthProof,
    AuthRefused,
    ErrorNote,
    LedgerEntry,
    LedgerGet,
    LedgerHead,
    LedgerPart,
    OrderDelete,
    OrderItem,
    OrderList,
    OrderPart,
    OrderPut,
    OrderRef,
    PageAnswer,
    PageNew,
    PageWithdraw,
    Parameters,
    Presence,
    Probe,
    PskFailed,
    PskHello,
    PskOffer,
    PskProof,
    PskReady,
    PskRequest,
    PskStored,
    PskUse,
    Receipt,
)
from agent.domain.names import HUB
from agent.station.core import SAVING_S
from agent.station.proof.conversation import PROOFS
from tests.routing.place import receipt
from tests.station.scene import EVERYBODY, KITCHEN, TYPES, Scene, ident, only
from tests.walks.members import NOW_MS

STRANGERS = ("front", "front-2", "oven", "wall", "boss", "gone", HUB, "nobody")
FAR = 2**53 - 1
ID, TOKEN = "A" * 11, "A" * 43
JUNK: tuple[Parameters, ...] = (
    PageNew(),
    PageNew(order=OrderRef(ident(5), ""), note="\n" * 500),
    PageNew(order=OrderRef(ident(5), "x" * 120), x={"deep": [[["x"]]]}),
    PageAnswer(answer="accepted", person="anna"),
    PageAnswer(answer="declined", person="nobody", text="x" * 120),
    PageWithdraw(why="x" * 120),
    receipt(ident(1), "refused", "x" * 120),
    OrderPut(uuid=ident(5), kind="order", fields={}),
    OrderPut(uuid=ident(5), kind="item", fields={"title": (5, (FAR, FAR, "front")), "zz": (True, (0, 0, "a"))}),
    OrderPut(uuid=ident(5), kind="order", fields={"title": (None, (0, 0, "a")), "created": ("x", (1, 1, "a"))}),
    OrderPut(uuid=ident(5), kind="order", fields={f"{'a' * n}": (n, (n, n, "a")) for n in range(1, 33)}),
    OrderDelete(uuid=ident(5), stamp=(FAR, FAR, "z")),
    OrderDelete(uuid=ident(5), stamp=(0, 0, "a")),
    OrderList(since=FAR, only=(ident(5),), parts=(FAR,)),
    OrderPart(i=FAR, n=0, upto=FAR, items=()),
    OrderPart(i=3, n=1, upto=0, items=(OrderItem(ident(5), "order", {"x": (5, (FAR, 0, "a"))}, (FAR, FAR, "a")),)),
    LedgerGet(after=FAR),
    LedgerPart(entries=("", "junk", "a.b.c"), more=True),
    LedgerEntry(seq=1, prev="A" * 43, op="genesis", subject="hub", value={}),
    LedgerHead(seq=FAR, hash="A" * 43),
    LedgerFork(seq=FAR, one="A" * 22, other="B" * 22, evidence=("", "a.b.c")),
    Presence(up=False),
    Probe(n=FAR, roster=FAR, time=FAR, live=" " * 12 * 1024),
    Probe(n=0),
    ErrorNote(code="unknown-type"),
    AuthHello(psk_id=ID, gen=FAR, n_s=TOKEN, mac=TOKEN),
    AuthProof(n_s=TOKEN, n_h=TOKEN, not_after=FAR, mac=TOKEN),
    AuthConfirm(n_s=TOKEN, n_h=TOKEN, mac=TOKEN),
    AuthOk(n_s=TOKEN, session="A" * 22, until=FAR, hub_time=0, roles=("a",) * 64, mac=TOKEN),
    AuthRefused(about=TOKEN, code="x" * 32),
    AuthRefused(about=ident(1), code="again"),
    PskRequest(round=ident(1), psk_id=ID, backup_id=ID),
    PskReady(round=ident(1)),
    PskHello(round=ident(1), backup_id=ID, gen=1, n_s=TOKEN, mac=TOKEN),
    PskProof(round=ident(1), n_s=TOKEN, n_h=TOKEN, mac=TOKEN),
    PskOffer(round=ident(1), gen=1, psk_id=ID, backup_id=ID, box="A" * 107, mac=TOKEN),
    PskStored(round=ident(1), gen=FAR, not_after=FAR, life_ms=FAR, mac=TOKEN),
    PskUse(round=ident(1), psk_id=ID, mac=TOKEN),
    PskFailed(round=ident(1), code="x"),
)


def events_of(union: object) -> set[type]:
    return set(typing.get_args(union))


def test_the_core_knows_every_event() -> None:
    assert set(Scene().core._on) == events_of(Event)


def test_the_core_knows_every_message_and_the_hub_s_are_the_hub_s_alone() -> None:
    core = Scene().core
    assert {*core._from_anybody, *core._from_hub} == {*PARAMETERS.values(), LedgerFork}
    assert set(core._from_anybody).isdisjoint(core._from_hub)
    assert set(core._from_hub) == {OrderPart, LedgerHead, Probe, *PROOFS}


def test_a_table_with_a_hole_would_be_noticed() -> None:
    core = Scene().core
    del core._on[Woke]
    assert set(core._on) != events_of(Event)


@pytest.mark.parametrize("anchored", [True, False])
@pytest.mark.parametrize("station", ["stove", "front", "wall", "gone"])
def test_no_message_of_anybody_raises(station: str, anchored: bool) -> None:
    """Every type with the wildest values its schema lets through, from everybody, to everybody, in any state."""
    scene = Scene(station, anchored=anchored)
    scene.up()
    scene.rings(1, to=EVERYBODY)
    for sender in STRANGERS:
        for params in JUNK:
            for re in (None, ident(1), ident(9)):
                for to in (KITCHEN, EVERYBODY, Audience("station", station), Audience("person", "anna")):
                    scene.arrives(sender, params, to=to, re=re, head=(FAR, "A" * 22))
    scene.hub_answers()
    scene.wait(40)
    scene.restart()
    scene.wait(5)


def test_messages_of_times_that_cannot_be_raise_nothing() -> None:
    scene = Scene(anchored=False)
    for at in (0, 1, FAR - 1):
        for params in JUNK:
            scene.arrives("front", params, at=at, exp=FAR, re=ident(1))
    scene.wait(10)
    scene.up()
    scene.hub_answers(ms=NOW_MS)
    scene.wait(10)


@pytest.mark.parametrize("sender", ["front", "boss", "oven"])
def test_what_only_the_hub_may_say_has_no_effect_from_others(sender: str) -> None:
    scene = Scene()
    scene.up()
    asked = scene.posts[-1].id
    for params in JUNK:
        if type(params) in scene.core._from_hub:
            effects = scene.arrives(sender, params, to=EVERYBODY, re=asked)
            assert [type(effect) for effect in effects if not isinstance(effect, Refresh)] == []


def test_what_a_station_has_no_use_for_has_no_effect() -> None:
    scene = Scene()
    for params in (
        OrderList(),
        Presence(up=True),
        receipt(ident(1)),
        LedgerHead(seq=1, hash="A" * 43),
    ):
        assert isinstance(params, OrderList | Presence | Receipt | LedgerHead)
        assert scene.arrives("front", params, to=EVERYBODY) == []


def test_whoever_does_not_understand_us_is_noted() -> None:
    effects = Scene().arrives("front", ErrorNote(code="unknown-type"), re=ident(4))
    assert only(effects, Note) == [Note("not understood", {"station": "front", "code": "unknown-type", "id": ident(4)})]


def test_a_disk_that_takes_nothing_is_told_now_and_then() -> None:
    scene = Scene()
    full = NotSaved("The disk is full", "Make room")
    (tell,) = scene.tell(full)
    assert isinstance(tell, Tell)
    assert tell.values == {"title": "The disk is full", "message": "Make room"}
    assert scene.tell(full) == []
    scene.wait(SAVING_S)
    assert len(scene.tell(full)) == 1


def test_quiet_has_an_end_and_a_limit() -> None:
    scene = Scene()
    scene.tell(QuietAsked(30, ticket=1))
    assert scene.core.desk.quiet(scene.now.mono)
    for minutes in (-1, 481):
        (reply,) = scene.tell(QuietAsked(minutes, ticket=2))
        assert getattr(reply, "error", None) is not None
    assert [type(effect) for effect in scene.tell(QuietAsked(481))] == [Tell]
    scene.wait(30 * 60 + 1)
    assert scene.core.desk.quiet_until is None
    scene.tell(QuietAsked(30))
    scene.tell(QuietAsked(0))
    assert scene.core.desk.quiet_until is None


def test_a_second_link_asks_for_nothing_again() -> None:
    scene = Scene()
    scene.up()
    before = [post.type for post in scene.posts]
    scene.tell(LinkChanged("memory", "up"))
    assert [post.type for post in scene.posts] == [*before, "probe"]
    scene.tell(LinkChanged("memory", "down"))
    scene.tell(LinkChanged("mqtt", "down"))
    scene.wait(3)
    scene.tell(LinkChanged("memory", "up"))
    assert [post.type for post in scene.posts][-3:] == ["probe", "ledger.get", "order.list"]


def test_mail_alone_asks_for_members_and_orders_once_and_leaves_the_rest_until_the_hub_is_near() -> None:
    scene = Scene()
    scene.start()
    scene.tell(LinkChanged("mail", "up"))
    assert [post.type for post in scene.posts] == ["ledger.get", "order.list"]
    assert scene.core.fetching.ready(scene.now), "nobody waits for a list that comes by mail"
    scene.wait(200)
    assert len(scene.posts) == 2, "nothing is asked again and again by mail"
    scene.tell(LinkChanged("mqtt", "up"))
    assert {"probe", "order.list"} <= {post.type for post in scene.posts[2:]}


def test_direct_ways_ask_the_hub_for_nothing_and_take_nothing_from_the_link_that_does() -> None:
    scene = Scene()
    scene.tell(LinkChanged("p2p", "up"))
    assert scene.posts == []
    assert not scene.core.reach.connected
    scene.up()
    assert [post.type for post in scene.posts][:3] == ["probe", "ledger.get", "order.list"]


def test_the_same_events_give_the_same_effects() -> None:
    """Pure: nothing but the events and the time decides."""

    def story() -> list[Effect]:
        scene = Scene()
        effects = [*scene.up(), *scene.hub_answers(), *scene.paged(), *scene.wait(70), *scene.answered("oven")]
        return [*effects, *scene.list_comes(OrderItem(ident(3), "order", {"title": ("a", (1, 0, "a"))}, None))]

    assert story() == story()


def test_everything_kept_can_be_read_again() -> None:
    scene = Scene()
    scene.up()
    scene.rings(1)
    scene.withdrawn(number=8)
    scene.list_comes(OrderItem(ident(3), "order", {"title": ("a", (1, 0, "a"))}, None), upto=9)
    before = scene.core
    scene.restart(anchored=True)
    assert scene.core.ringing.pages.keys() == before.ringing.pages.keys()
    assert len(scene.core.ringing.ends) == 1
    assert scene.core.ordering.orders == before.ordering.orders
    assert scene.core.fetching.since == 9


def test_the_junk_above_is_of_every_type() -> None:
    assert {TYPES[type(params)] for params in JUNK} == {*PARAMETERS, *HEADS}
