"""Sending, whatever breaks: a link, a key, a look at the disk, a membership."""

import asyncio
from pathlib import Path

import pytest

from agent.domain.audience import THE_HUB
from agent.domain.effects import Post
from agent.domain.envelope import LIFE_MS, WANT_NOTHING
from agent.domain.events import GaveUp, Late, Sent
from agent.domain.keys import to_b64u
from agent.domain.messages import AuthHello, OrderList, Probe
from agent.domain.names import HUB
from agent.links.base import LinkDown
from agent.routing.policy import late_after
from agent.system.store import StoreError
from agent.wire.keys import Identity
from tests.routing.place import Place, members, play, soon
from tests.walks.members import NOW_MS


@pytest.mark.parametrize("fault", [LinkDown("down"), OSError("defect"), ValueError("defect")])
def test_a_link_that_fails_once_takes_the_next_message(tmp_path: Path, fault: Exception) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        place.up()
        place.session.broken = fault
        first, second = place.post(), place.post()
        place.router.run([first])
        await soon(lambda: place.router.open_rows)
        await asyncio.sleep(0)
        place.session.broken = None
        place.router.run([second])
        await soon(lambda: place.session.sent)
        assert [envelope.id for _, envelope, _ in place.sent()] == [second.id]
        assert [event.id for event in place.events if isinstance(event, Sent)] == [second.id]
        place.crash()

    play(scene)


def test_a_member_whose_key_is_none_costs_nobody_else_the_page(tmp_path: Path) -> None:
    async def scene() -> None:
        people = members()
        spoiled = Identity.new(people.site, "a-spoiler")
        keys = {"sign": to_b64u(spoiled.sign), "receive": to_b64u(bytes(32))}
        people.append("member.add", "a-spoiler", {"person": "x", "roles": ["kitchen"], **keys})
        place = Place(tmp_path, people)
        place.up()
        place.router.run([place.post(to=("a-spoiler", "bar", "kitchen"))])
        await soon(lambda: len(place.session.sent) == 2)
        place.session.sent.clear()
        place.skew_s += 4.0
        place.router._outgoing._look()
        await soon(lambda: len(place.session.sent) == 2)
        assert {to for to, _ in place.session.sent} == {"bar", "kitchen"}
        place.crash()

    play(scene)


def test_a_look_that_fails_is_not_the_last_one(tmp_path: Path) -> None:
    """A disk that cannot be read for a moment must not end all repeats until the next reconnection."""

    async def scene() -> None:
        place = Place(tmp_path, members())
        place.up()
        place.router.run([place.post()])
        await soon(lambda: place.session.sent)
        read, outgoing = place.store.read, place.router._outgoing

        def broken(*_: object) -> list[tuple[object, ...]]:
            raise StoreError("The disk is away", "for a moment")

        place.store.read = broken  # type: ignore[method-assign, assignment]
        place.skew_s += 4.0
        outgoing._look()
        assert outgoing._timer is not None
        assert outgoing._timer.when() > asyncio.get_running_loop().time()
        place.store.read = read  # type: ignore[method-assign]
        place.session.sent.clear()
        place.skew_s += 10.0
        outgoing._look()
        await soon(lambda: place.session.sent)
        place.crash()

    play(scene)


def test_the_sender_is_told_while_everything_is_offline(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        post = place.post()
        place.router.run([post])
        await soon(lambda: place.router.open_rows)
        place.skew_s += late_after(post.prio)
        place.router._outgoing._look()
        assert place.events == [Late(post.id, "kitchen")]
        place.skew_ms += 31 * 60_000
        place.router._outgoing._look()
        assert place.events[1:] == [GaveUp(post.id, "kitchen", "expired")]
        await soon(lambda: not place.store.read("SELECT id FROM outbox"))
        place.crash()

    play(scene)


def test_what_was_on_its_way_to_somebody_revoked_is_given_up_after_a_restart_too(tmp_path: Path) -> None:
    async def scene() -> None:
        people = members()
        place = Place(tmp_path, people)
        post = place.post(to=("kitchen", "bar"))
        place.router.run([post])
        await soon(lambda: place.router.open_rows == 2)
        place.crash()
        people.revoke("bar")
        place.open()
        place.router.start()
        assert place.events == [GaveUp(post.id, "bar", "revoked")]
        assert place.router.open_rows == 1
        place.crash()

    play(scene)


@pytest.mark.parametrize("name_goes_on", [False, True])
def test_whoever_is_shown_out_gives_everything_up_at_once(tmp_path: Path, name_goes_on: bool) -> None:
    async def scene() -> None:
        people = members()
        place = Place(tmp_path, people)
        post = place.post(to=("kitchen", "bar"))
        place.router.run([post])
        await soon(lambda: place.router.open_rows == 2)
        people.revoke("front")
        if name_goes_on:
            people.add("front", "front-desk")
        place.router.revoked()
        assert {(event.station, event.why) for event in place.events if isinstance(event, GaveUp)} == {
            ("kitchen", "revoked"),
            ("bar", "revoked"),
        }
        place.crash()

    play(scene)


def test_what_a_decision_was_dated_is_what_others_compare(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        place.up()
        place.router.run([place.post(at=1234, want=0)])
        await soon(lambda: place.session.sent)
        assert place.sent()[0][1].at == 1234
        place.crash()

    play(scene)


@pytest.mark.parametrize("hours", [-3, 3, 87_600])
def test_what_was_signed_by_a_wrong_clock_is_signed_again_when_the_hub_has_told_the_time(
    tmp_path: Path, hours: int
) -> None:
    """Nobody would believe its date: a withdrawal would be refused for ever, and the page would ring on."""

    async def scene() -> None:
        place, shift = Place(tmp_path, members()), hours * 3_600_000
        place.up()
        place.anchored, place.skew_ms = False, shift
        post, old = place.post(), place.post(want=0)
        place.router.run([post, old])
        await soon(lambda: len(place.session.sent) == 2)
        place.session.sent.clear()
        place.anchored, place.skew_ms = True, 0
        place.router.clock_set(-shift)
        await soon(lambda: place.session.sent)
        ((_, envelope, _),) = place.sent()
        assert envelope.id == post.id
        assert abs(envelope.at - place.now().ms) < 5000
        assert place.store.read("SELECT exp FROM outbox") == [(envelope.exp,)]
        assert not [event for event in place.events if isinstance(event, GaveUp)]
        place.crash()

    play(scene)


def test_a_clock_that_was_right_signs_nothing_twice(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        place.up()
        place.anchored = False
        place.router.run([place.post()])
        await soon(lambda: place.session.sent)
        place.anchored = True
        place.router.clock_set(1500)
        await asyncio.sleep(0.05)
        assert len(place.session.sent) == 1
        place.crash()

    play(scene)


def proof() -> Post:
    params = AuthHello(psk_id="A" * 11, gen=1, n_s="A" * 43, mac="A" * 43)
    return Post("f" * 32, THE_HUB, (HUB,), "auth.hello", params, want=WANT_NOTHING, channel="auth")


def test_before_the_hub_has_proven_itself_nothing_but_proofs_leaves(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        place.router.greeted("mqtt", place.session)  # type: ignore[arg-type]  # sends only
        page = place.post()
        place.router.run([page, proof()])
        await soon(lambda: place.session.channels)
        assert place.session.channels == ["auth"]
        place.up()
        await soon(lambda: len(place.session.sent) == 2)
        assert place.session.channels == ["auth", ""]
        assert place.types()[1] == ("kitchen", "page.new")
        place.router.run([proof()])  # and so it goes on while the link is up
        await soon(lambda: len(place.session.sent) == 3)
        assert place.session.channels[2] == "auth"
        place.crash()

    play(scene)


def test_a_proof_takes_only_links_that_lead_to_the_hub(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        place.up("mail")
        place.router.run([proof(), place.post()])
        await soon(lambda: place.session.sent)
        assert place.session.channels == [""]
        place.router.closed("mail")
        place.router.greeted("mqtt", place.session)  # type: ignore[arg-type]  # sends only
        place.router.closed("mqtt")
        place.router.run([proof()])
        await asyncio.sleep(0)
        assert place.session.channels == [""]
        place.crash()

    play(scene)


def test_the_way_that_carried_the_proofs_goes_on_when_the_link_comes_up(tmp_path: Path) -> None:
    """An idle lane is an empty one, and must not be taken for none: its task would hang on for ever."""

    async def scene() -> None:
        place = Place(tmp_path, members())
        before = len(asyncio.all_tasks())
        place.router.greeted("mqtt", place.session)  # type: ignore[arg-type]  # sends only
        place.up()
        assert len(asyncio.all_tasks()) == before + 1
        place.crash()

    play(scene)


@pytest.mark.parametrize(("link", "again"), [("mail", False), ("mqtt", True)])
def test_what_a_mail_server_took_does_not_go_there_again_when_the_link_comes_back(
    tmp_path: Path, link: str, again: bool
) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        place.up(link)
        post = place.post()
        place.router.run([post])
        await soon(lambda: any(isinstance(event, Sent) for event in place.events))
        place.session.sent.clear()
        place.up(link)
        place.router.run([second := place.post()])
        await soon(lambda: second.id in [envelope.id for _, envelope, _ in place.sent()])
        assert (post.id in [envelope.id for _, envelope, _ in place.sent()]) == again
        place.crash()

    play(scene)


def test_what_is_only_true_for_a_moment_does_not_go_by_mail_but_where_that_is_said(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        place.up("mail")
        place.router.run([place.post(type_="probe", params=Probe(n=1), want=WANT_NOTHING)])
        place.router.run([place.post(type_="order.list", params=OrderList(), want=WANT_NOTHING)])
        place.router.run([asked := place.post(type_="order.list", params=OrderList(), want=WANT_NOTHING, over="mail")])
        place.router.run([page := place.post()])
        await soon(lambda: len(place.session.sent) == 2)
        assert [envelope.id for _, envelope, _ in place.sent()] == [asked.id, page.id]
        place.crash()

    play(scene)


def test_a_row_of_an_earlier_run_ends_where_only_mail_tells_what_time_it_is(tmp_path: Path) -> None:
    """Else an answer that nobody takes any more would be mailed every two minutes for ever."""

    async def scene() -> None:
        place = Place(tmp_path, members())
        place.router.run([post := place.post()])
        await soon(lambda: place.router.open_rows)
        place.crash()
        place.anchored, place.skew_ms = False, 10**9
        place.open()
        place.router.start()
        assert (place.events, place.router.open_rows) == ([], 1)
        place.least = NOW_MS + 2_000_000 + LIFE_MS["page.new"]
        place.router._outgoing._look()
        assert place.events == [GaveUp(post.id, "kitchen", "expired")]
        place.crash()

    play(scene)
