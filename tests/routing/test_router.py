"""The router with a real store: nothing leaves unsaved, nothing comes in twice, and no single fault stops it."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from agent.domain.audience import Audience
from agent.domain.effects import Acknowledge, Cancel, Effect, Keep, Notify, Post, Refresh, Reply, Tell
from agent.domain.events import Event, GaveUp, Heard, NotSaved
from agent.domain.messages import PageNew, ReceiptItem
from agent.domain.task import Disbelieve
from agent.routing import router, rows
from tests.routing.place import Place, members, play, receipt, soon


def test_what_stands_before_the_first_keep_is_done_at_once_and_the_rest_after_the_commit(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        place.up()
        post = place.post()
        place.on_effect = lambda effect: place.disk.log.append(type(effect).__name__)
        place.router.run([Refresh(), Keep("out", "1", "value"), post, Tell("notice.revoked")])
        assert place.disk.log == ["Refresh"]
        assert place.session.sent == []
        await soon(lambda: place.session.sent)
        assert place.disk.log == ["Refresh", "commit", "Tell"]
        assert place.store.read(rows.OPEN_ROWS) == [(post.id, "kitchen", 1, 2, place.sent()[0][1].exp)]
        place.crash()

    play(scene)


def test_an_open_row_outlives_a_crash_and_goes_when_a_link_is_up(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        post = place.post(to=("kitchen", "bar"))
        place.router.run([post])
        await soon(lambda: place.store.read(rows.OPEN_ROWS))
        place.crash()
        place.open()
        place.router.start()
        assert place.router.open_rows == 2
        place.up()
        await soon(lambda: len(place.session.sent) == 2)
        assert sorted(place.types()) == [("bar", "page.new"), ("kitchen", "page.new")]
        place.crash()

    play(scene)


def test_only_the_receipt_that_was_wanted_closes_a_row_on_disk(tmp_path: Path) -> None:
    async def scene() -> None:
        people = members()
        front, kitchen = Place(tmp_path, people), Place(tmp_path, people, "kitchen")
        front.up()
        post = front.post()
        front.router.run([post])
        await soon(lambda: front.session.sent)
        for stage in ("stored", "presented"):
            answer = kitchen.post(to=("front",), type_="receipt", params=receipt(post.id, stage), want=0)
            front.arrive(
                kitchen, Post(answer.id, Audience("station", "front"), ("front",), "receipt", answer.params, want=0)
            )
            await soon(lambda stage=stage: any(isinstance(e, Heard) and e.stage == stage for e in front.events))  # type: ignore[misc]
            assert front.router.open_rows == (1 if stage == "stored" else 0)
        await soon(lambda: not front.store.read(rows.OPEN_ROWS))
        assert front.store.read(rows.FRAME, (post.id,)) == []
        front.crash()
        kitchen.crash()

    play(scene)


def test_the_core_keeps_what_it_heard_before_the_row_is_gone(tmp_path: Path) -> None:
    """Were the row closed first, a crash between the two would leave a page that is neither sent nor shown."""

    async def scene() -> None:
        people = members()
        front, kitchen = Place(tmp_path, people), Place(tmp_path, people, "kitchen")
        post = front.post(want=1)
        front.router.run([post])
        await soon(lambda: front.router.open_rows)
        submit, submitted = front.store.submit, list[str]()

        def keep(event: Event) -> None:
            submitted.append(type(event).__name__)
            front.router.run([Keep("out", post.id, "stored")])

        def note(*work: Any) -> None:
            submitted.append("submit")
            submit(*work)

        front.on_event, front.store.submit = keep, note  # type: ignore[method-assign, assignment]  # looks on
        front.router._outgoing.hear(receipt(post.id), "kitchen", "mqtt")
        assert submitted == ["Heard", "submit", "submit"]
        await soon(lambda: not front.store.read(rows.OPEN_ROWS))
        assert front.store.read(rows.KEPT, ("out",)) != []
        front.crash()
        kitchen.crash()

    play(scene)


def test_a_cancelled_message_goes_no_more(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        post = place.post()
        place.router.run([post])
        await soon(lambda: place.router.open_rows)
        place.router.run([Cancel(post.id)])
        place.up()
        await soon(lambda: not place.store.read(rows.OPEN_ROWS))
        assert place.session.sent == []
        place.crash()

    play(scene)


def test_what_was_let_in_and_says_what_cannot_be_is_counted_as_refused(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        place.router.run([Disbelieve("lease"), Disbelieve("lease")])
        assert place.router.refused == {"lease": 2}
        place.crash()

    play(scene)


def test_a_page_that_cannot_be_written_is_given_up_and_harms_nothing_else(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        place.up()
        long, wild, good = (place.post(params=PageNew(note=note)) for note in ("x" * 5000, "\ud800", "please"))
        place.router.run([long, wild, good, Reply(1, {})])
        await soon(lambda: place.session.sent)
        given_up = [event for event in place.events if isinstance(event, GaveUp)]
        assert [(one.id, one.why) for one in given_up] == [(long.id, "too-large"), (wild.id, "unsendable")]
        assert place.done == [Reply(1, {})]
        place.router.run([place.post(params=PageNew(note="x" * 5000), want=0)])
        place.crash()

    play(scene)


def test_a_value_that_cannot_be_written_is_told_like_a_disk_that_is_full(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        place.router.run([Keep("out", "1", object()), Reply(1, {})])
        (reply,) = place.done
        assert isinstance(reply, Reply)
        assert reply.error is not None
        place.crash()

    play(scene)


def test_one_effect_that_fails_keeps_no_other_from_being_done_or_saved(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        place.up()

        def fail(effect: Effect) -> None:
            if isinstance(effect, Tell):
                raise KeyError("a text with a hole")

        place.on_effect = fail
        place.router.run([Tell("a"), Refresh(), place.post(), Tell("b"), Reply(1, {})])
        await soon(lambda: place.session.sent)
        assert [type(effect) for effect in place.done] == [Tell, Refresh, Tell, Reply]
        place.crash()

    play(scene)


def test_a_full_disk_is_told_to_whoever_asked_and_nothing_leaves(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        place.up()
        place.disk.full = True
        post = place.post()
        place.router.run([Keep("out", post.id, "page"), post, Reply(1, {"page": post.id}), Refresh()])
        await soon(lambda: any(isinstance(event, NotSaved) for event in place.events))
        (reply,) = [effect for effect in place.done if isinstance(effect, Reply)]
        assert reply.error is not None
        assert GaveUp(post.id, "kitchen", "store") in place.events
        assert place.session.sent == []
        assert place.router.open_rows == 0
        place.disk.full = False
        place.router.run([place.post()])
        await soon(lambda: place.session.sent)
        place.crash()

    play(scene)


def test_a_page_is_handled_when_it_was_presented_and_everything_else_at_once(tmp_path: Path) -> None:
    async def scene() -> None:
        people = members()
        front, kitchen = Place(tmp_path, people), Place(tmp_path, people, "kitchen")
        page, order = front.post(), front.post()
        for post in (page, order):
            kitchen.arrive(front, post)
        await soon(lambda: len(kitchen.arrived()) == 2)
        kitchen.router.run([Notify(page.id)], page.id)
        kitchen.router.run([Notify("another page that waited for this order")], order.id)
        await soon(lambda: kitchen.handled() == {page.id: False, order.id: True})
        kitchen.router.run([Acknowledge(page.id, "front", "presented")])
        await soon(lambda: all(kitchen.handled().values()))
        front.crash()
        kitchen.crash()

    play(scene)


def test_the_last_receipts_and_the_good_bye_leave_before_the_link_is_let_go(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        place.up()
        place.router._replies.receipt("kitchen", "0" * 32, "stored")
        place.router.run([place.post(want=0)])
        await place.router.drain()
        place.crash()
        assert place.types() == [("kitchen", "page.new"), ("kitchen", "receipt")]

    play(scene)


def test_at_the_end_a_mail_server_has_longer_to_take_the_good_bye(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router, "DRAIN_S", 0.01)
    monkeypatch.setattr(router, "LAST_MAIL_S", 30.0)

    async def scene() -> None:
        place = Place(tmp_path, members())
        place.session.held_up = asyncio.Event()
        place.up("mail")
        place.router.run([place.post(want=0)])
        await place.router.drain()
        assert place.session.sent == []
        asyncio.get_running_loop().call_later(0.1, place.session.held_up.set)
        await place.router.drain(for_good=True)
        assert len(place.session.sent) == 1
        place.crash()

    play(scene)


@pytest.mark.parametrize("letters", ["x", "ü", "変", "🔔", '"'])
def test_long_reasons_in_any_letters_reach_the_sender(tmp_path: Path, letters: str) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        place.up()
        place.router.run([Acknowledge(f"{n:032x}", "kitchen", "presented", letters * 500) for n in range(64)])
        await soon(lambda: len(place.receipts()) == 64)
        place.crash()

    play(scene)


def test_a_reason_is_sent_as_every_station_reads_it() -> None:
    from agent.routing.receipts import Receipts

    receipts = Receipts()
    receipts.add("kitchen", "0" * 32, "presented", "no\tsound:\nnone\x00", 1)
    ((_, sent),) = receipts.take()
    assert sent.items == (ReceiptItem("0" * 32, "presented", "no sound: none ", 1),)


def test_a_loop_that_ends_finds_nothing_to_do(tmp_path: Path) -> None:
    async def scene() -> None:
        place = Place(tmp_path, members())
        place.crash()
        await asyncio.sleep(0)

    play(scene)
