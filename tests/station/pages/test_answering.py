"""What people say: heard by everybody who was paged, believed only from whoever was."""

import pytest

from agent.domain.audience import Audience
from agent.domain.effects import Acknowledge, Effect, Keep, Notify, Post, Reply, Tell, Unnotify
from agent.domain.errors import BadInput, NotAllowed
from agent.domain.events import AnswerGiven, Presented, Seen
from agent.domain.messages import PageAnswer
from agent.domain.names import HUB
from agent.domain.page import Answer, Ring
from agent.station.pages import ends
from agent.wire.strict_json import decode, encode
from tests.station.scene import EVERYBODY, KITCHEN, Scene, crew, ident, only, shown


def test_on_my_way_goes_to_the_sender_and_the_hub_and_to_everybody_else_who_was_paged() -> None:
    scene = Scene()
    scene.rings()
    effects = scene.tell(AnswerGiven(ident(1), "accepted", "two minutes"))
    first, second = only(effects, Post)
    assert (first.to, set(first.recipients)) == (Audience("station", "front"), {"front", HUB})
    assert (second.to, set(second.recipients)) == (KITCHEN, {"oven", "wall"})
    assert first.params == PageAnswer(answer="accepted", person="ben", text="two minutes")
    assert (first.re, first.want) == (ident(1), 1)
    assert only(effects, Unnotify) == [Unnotify(ident(1))]
    kept = next(i for i, effect in enumerate(effects) if isinstance(effect, Keep))
    assert kept < effects.index(first)


@pytest.mark.parametrize("text", ["tab\there", "two\nlines", "Cafe\u0301", "\ud800", "x" * 500, "\x00"])
def test_whatever_is_typed_with_an_answer_can_be_read_by_the_sender(text: str) -> None:
    scene = Scene()
    scene.rings()
    (answer, *_) = only(scene.tell(AnswerGiven(ident(1), "accepted", text)), Post)
    assert isinstance(answer.params, PageAnswer)
    assert len(answer.params.text) <= 120
    decode(encode({"text": answer.params.text}))


def test_the_first_answer_silences_the_others() -> None:
    scene = Scene()
    scene.rings()
    assert only(scene.answered("oven"), Unnotify) == [Unnotify(ident(1))]
    assert only(scene.wait(90), Notify) == []


def test_declining_is_for_oneself() -> None:
    scene = Scene()
    scene.rings()
    assert scene.answered("oven", "declined") == []
    assert scene.page().open


def test_who_declines_at_one_desk_declines_at_all_of_theirs() -> None:
    scene = Scene("front-2")
    scene.rings(sender="boss", to=Audience("person", "anna"))
    effects = scene.answered("front", "declined")
    assert only(effects, Unnotify) == [Unnotify(ident(1))]
    assert not scene.page().open


@pytest.mark.parametrize("liar", ["front", "boss", "front-2", HUB, "gone"])
def test_nobody_who_was_not_paged_can_silence_a_page(liar: str) -> None:
    scene = Scene()
    scene.rings()
    assert scene.answered(liar, to=KITCHEN) == []
    assert scene.page().open


def test_only_the_sender_and_the_hub_can_withdraw() -> None:
    scene = Scene()
    for number, by in ((1, "front"), (2, HUB)):
        scene.rings(number)
        for stranger in ("oven", "boss"):
            assert scene.withdrawn(stranger, number) == []
        assert only(scene.withdrawn(by, number), Unnotify) == [Unnotify(ident(number))]


def test_a_withdrawal_or_an_answer_that_overtakes_its_page_keeps_it_silent() -> None:
    scene = Scene()
    scene.withdrawn("front", 1)
    scene.answered("oven", number=2)
    for number in (1, 2):
        effects = scene.paged(number)
        assert shown(effects) == []
        assert [told.stage for told in only(effects, Acknowledge)] == ["presented"]
    assert only(scene.wait(60), Notify) == []


def test_it_does_so_after_a_restart() -> None:
    scene = Scene()
    scene.withdrawn("front", 1)
    scene.restart()
    assert shown(scene.paged(1)) == []


def test_were_the_ends_forgotten_the_page_would_ring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ends.Ends, "add", lambda *_: [])
    scene = Scene()
    scene.withdrawn("front", 1)
    assert shown(scene.paged(1)) == [ident(1)]


def test_a_stranger_cannot_silence_a_page_before_it_comes() -> None:
    scene = Scene()
    for liar in ("boss", "front-2", "oven"):
        scene.withdrawn(liar, 1)
    for liar in ("front", "boss", "front-2"):
        scene.answered(liar, number=1)
    assert shown(scene.paged(1)) == [ident(1)]


def test_ends_are_forgotten_when_no_page_can_come_any_more() -> None:
    scene = Scene()
    for number in range(5):
        scene.withdrawn("front", number)
    scene.wait(31 * 60)
    scene.withdrawn("front", 9)
    assert len(scene.core.ringing.ends) == 1
    assert [kind for kind, _ in scene.disk if kind == "end"] == ["end"]


def test_a_flood_of_ends_fills_neither_memory_nor_disk() -> None:
    scene = Scene()
    for number in range(ends.MOST + 50):
        scene.withdrawn("front", number)
    assert len(scene.core.ringing.ends) == ends.MOST
    assert len([kind for kind, _ in scene.disk if kind == "end"]) == ends.MOST


def test_answers_to_our_own_pages_are_no_ends() -> None:
    from agent.domain.events import PageAsked

    scene = Scene("front")
    scene.tell(PageAsked(KITCHEN))
    scene.arrives("stove", PageAnswer(answer="accepted", person="ben"), re=scene.sent.id)
    assert len(scene.core.ringing.ends) == 0
    assert [kind for kind, _ in scene.disk if kind == "end"] == []


def both_answer(first: str, ours: int, theirs: int) -> tuple[Scene, list[Effect]]:
    scene = Scene(first)
    scene.rings()
    scene.ms += ours
    scene.tell(AnswerGiven(ident(1), "accepted"))
    other = "oven" if first == "stove" else "stove"
    return scene, scene.answered(other, at=scene.ms - ours + theirs)


def test_of_two_who_answer_at_once_the_earlier_comes_and_the_other_is_told() -> None:
    scene, told = both_answer("stove", 10, 5)
    assert [tell.text for tell in only(told, Tell)] == ["notice.page-taken-by"]
    assert scene.page().answer == Answer(scene.ms - 5, "oven", "cleo", "accepted")
    scene, told = both_answer("stove", 5, 10)
    assert told == []
    assert scene.winner == "stove"


def test_at_the_same_millisecond_the_lower_name_comes_at_both_desks() -> None:
    winners = set()
    for first in ("stove", "oven"):
        scene, _ = both_answer(first, 5, 5)
        winners.add(scene.winner)
    assert winners == {"oven"}


def test_others_compare_the_very_time_we_compare_ourselves() -> None:
    """Signing takes a moment; were it the time of signing, two could each think to have won."""
    scene = Scene()
    scene.rings()
    posts = only(scene.tell(AnswerGiven(ident(1), "accepted")), Post)
    assert {post.at for post in posts} == {scene.ms}
    assert scene.page().answer == Answer(scene.ms, "stove", "ben", "accepted")


def test_a_bystander_agrees_whatever_the_order_of_the_answers() -> None:
    for order in ((("stove", 7), ("oven", 5)), (("oven", 5), ("stove", 7))):
        scene = Scene("wall")
        scene.rings()
        for station, after in order:
            scene.answered(station, at=scene.ms + after)
        assert scene.winner == "oven"


def test_a_display_is_told_that_it_may_not_answer() -> None:
    """Its answer would be refused by everybody, and only here would the page look taken."""
    scene = Scene("wall")
    scene.rings()
    (reply,) = only(scene.tell(AnswerGiven(ident(1), "accepted", ticket=1)), Reply)
    assert isinstance(reply.error, NotAllowed)
    assert [tell.text for tell in only(scene.tell(AnswerGiven(ident(1), "accepted")), Tell)] == ["error"]
    assert scene.page().open
    assert only(scene.tell(AnswerGiven(ident(1), "later", ticket=2)), Reply) == [Reply(2)]


def test_an_answer_to_nothing_is_told_and_a_second_one_changes_nothing() -> None:
    scene = Scene()
    (reply,) = only(scene.tell(AnswerGiven(ident(9), "accepted", ticket=1)), Reply)
    assert isinstance(reply.error, BadInput)
    scene.rings()
    scene.tell(AnswerGiven(ident(1), "declined"))
    again = scene.tell(AnswerGiven(ident(1), "accepted", ticket=2))
    assert only(again, Post) == []
    assert only(again, Reply) == [Reply(2)]


def test_a_look_is_told_once() -> None:
    scene = Scene()
    scene.rings()
    assert only(scene.tell(Seen(ident(1))), Acknowledge) == [Acknowledge(ident(1), "front", "seen")]
    assert scene.tell(Seen(ident(1))) == []
    assert scene.tell(Seen(ident(5))) == []


def test_a_page_answered_before_it_was_shown_is_over_when_that_is_reported() -> None:
    scene = Scene()
    scene.paged()
    scene.answered("oven")
    effects = scene.tell(Presented(ident(1), ok=True, why="over"))
    assert only(effects, Acknowledge) == [Acknowledge(ident(1), "front", "presented", "over")]
    assert scene.page().ring is Ring.RUNG
    assert only(scene.wait(60), Notify) == []


def test_whoever_leaves_the_site_answers_nothing_any_more() -> None:
    scene = Scene("gone")
    scene.rings(to=EVERYBODY)
    (reply,) = only(scene.tell(AnswerGiven(ident(1), "accepted", ticket=1)), Reply)
    assert isinstance(reply.error, NotAllowed)
    assert crew().ledger.member("gone") is None
