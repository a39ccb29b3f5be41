"""Pages that come: each rings once, again until answered, never after its end, and never on a guess of the time."""

import pytest

from agent.domain.effects import Acknowledge, Hush, Notify, Post, Sound, Tell, Unnotify
from agent.domain.envelope import LIFE_MS
from agent.domain.events import AnswerGiven, OrderDropped, Presented, QuietAsked
from agent.domain.messages import OrderItem, OrderPut
from agent.domain.page import NO_TIME, NOT_SHOWN, SUMMARY, Ring
from agent.station.desk import Habits
from agent.station.pages.ringing import HOLD_S
from tests.station.scene import EVERYBODY, Scene, ident, only, shown
from tests.walks.members import NOW_MS

UUID = ident(77)
HOUR_S = 3600.0


def stamped(value: str | bool, ms: int = NOW_MS) -> tuple[str | bool, tuple[int, int, str]]:
    return value, (ms, 0, "front")


def test_a_page_rings_at_once_and_its_sender_hears_when_it_was_shown() -> None:
    scene = Scene()
    assert shown(scene.paged()) == [ident(1)]
    told = only(scene.tell(Presented(ident(1), ok=True)), Acknowledge)
    assert told == [Acknowledge(ident(1), "front", "presented")]
    assert scene.page().ring is Ring.RUNG


def test_it_sounds_again_every_thirty_seconds_until_answered() -> None:
    scene = Scene()
    scene.rings()
    again = [effect for effect in only(scene.wait(95), Notify) if effect.again]
    assert [effect.sound for effect in again] == [True] * 3
    scene.tell(AnswerGiven(ident(1), "accepted"))
    assert only(scene.wait(60), Notify) == []


def test_of_several_pages_at_one_moment_one_is_heard_and_all_are_shown() -> None:
    scene = Scene()
    for number in (1, 2, 3):
        scene.rings(number)
    again = only(scene.wait(31), Notify)
    assert sorted(effect.page for effect in again) == [ident(1), ident(2), ident(3)]
    assert [effect.sound for effect in again].count(True) == 1


def test_a_page_whose_showing_failed_says_so_and_says_when_it_went_well() -> None:
    scene = Scene()
    scene.paged()
    told = scene.tell(Presented(ident(1), ok=False, why=f"{NOT_SHOWN}: no daemon"))
    assert [effect.stage for effect in only(told, Acknowledge)] == ["stored"]
    scene.wait(31)
    assert [effect.stage for effect in only(scene.tell(Presented(ident(1), ok=True)), Acknowledge)] == ["presented"]
    assert scene.tell(Presented(ident(1), ok=True)) == []


def test_a_page_that_no_notifier_ever_finishes_with_rings_again_all_the_same() -> None:
    scene = Scene()
    scene.paged()
    assert [effect.page for effect in only(scene.wait(31), Notify)] == [ident(1)]


def test_later_is_two_minutes_even_when_the_showing_ends_after_it_was_said() -> None:
    scene = Scene()
    scene.paged()
    assert only(scene.tell(AnswerGiven(ident(1), "later")), Unnotify)
    scene.tell(Presented(ident(1), ok=True))
    assert only(scene.wait(100), Notify) == []
    assert len(only(scene.wait(25), Notify)) == 1


def test_quiet_shows_without_a_sound_and_urgent_breaks_it() -> None:
    scene = Scene()
    scene.tell(QuietAsked(30))
    (plain,) = only(scene.paged(1), Notify)
    (urgent,) = only(scene.paged(2, prio=2), Notify)
    assert (plain.sound, urgent.sound) == (False, True)
    scene.wait(31 * 60)
    (after,) = only(scene.paged(3), Notify)
    assert after.sound


def test_a_page_for_an_unknown_order_waits_for_the_hub_and_rings_all_the_same() -> None:
    scene = Scene()
    held = scene.paged(order=UUID)
    assert shown(held) == []
    assert [(post.type, post.recipients) for post in only(held, Post)] == [("order.list", ("hub",))]
    rung = scene.wait(HOLD_S + 0.5)
    assert shown(rung) == [ident(1)]
    assert scene.page().unknown_order


def test_a_page_for_an_order_that_comes_in_time_rings_as_usual() -> None:
    scene = Scene()
    scene.paged(order=UUID)
    put = OrderPut(uuid=UUID, kind="order", fields={"title": stamped("soup")})
    assert shown(scene.arrives("front", put, to=EVERYBODY)) == [ident(1)]
    assert not scene.page().unknown_order


def test_a_page_for_an_order_that_is_known_to_be_deleted_is_refused_aloud() -> None:
    scene = Scene()
    scene.paged(order=UUID)
    dead = OrderItem(UUID, "order", {}, (NOW_MS, 0, "front"))
    told = scene.list_comes(dead)
    assert only(told, Acknowledge) == [Acknowledge(ident(1), "front", "refused", "order-deleted")]
    assert shown(scene.wait(10)) == []
    assert only(scene.paged(2, order=UUID), Acknowledge)[0].why == "order-deleted"


def test_an_expired_page_is_listed_and_told_but_never_rung() -> None:
    scene = Scene()
    effects = scene.paged(expired=True, at=NOW_MS - LIFE_MS["page.new"])
    assert shown(effects) == []
    assert only(effects, Acknowledge) == [Acknowledge(ident(1), "front", "refused", "missed")]
    assert scene.page().ring is Ring.MISSED


def test_after_an_outage_one_line_tells_how_many_pages_were_missed() -> None:
    scene = Scene()
    for number in range(30):
        scene.paged(number, expired=True, at=NOW_MS - LIFE_MS["page.new"])
    told = only(scene.wait(5), Tell)
    assert [(tell.text, tell.values) for tell in told] == [("notice.missed", {"n": "30"})]
    assert only(scene.wait(60), Tell) == []


def test_a_page_ends_with_its_life_and_its_notice_goes() -> None:
    scene = Scene()
    scene.rings()
    effects = scene.wait(LIFE_MS["page.new"] / 1000 + 2)
    assert only(effects, Unnotify)[-1:] == [Unnotify(ident(1))]
    assert scene.page().ring is Ring.MISSED
    assert [tell.text for tell in only(effects, Tell)] == ["notice.missed"]


@pytest.mark.parametrize("years", [-10, -1, 1, 10])
def test_a_wrong_clock_kills_no_live_page(years: int) -> None:
    """The station's computer thinks it is another year, and the hub has not spoken yet."""
    scene = Scene(anchored=False, ms=NOW_MS + years * 365 * 86_400_000)
    scene.paged(at=NOW_MS)
    scene.wait(HOLD_S + 0.5)
    assert scene.page().ring is Ring.RINGING
    assert scene.page().unverified
    scene.tell(Presented(ident(1), ok=True))
    scene.wait(60)
    assert scene.page().open


def test_a_page_that_seems_old_waits_for_the_hub_s_time_and_is_missed_if_it_is() -> None:
    """A station that was off for a night gets the old pages before the hub has told the time: none may ring."""
    scene = Scene(anchored=False)
    scene.up()
    for number in range(3):
        assert shown(scene.paged(number, at=NOW_MS - 8 * 3_600_000)) == []
    effects = [*scene.hub_answers(ms=NOW_MS), *scene.wait(40)]
    assert shown(effects) == []
    assert [told.why for told in only(effects, Acknowledge)] == ["missed"] * 3
    assert [tell.values for tell in only(effects, Tell)] == [{"n": "3"}]


def test_a_page_that_seems_old_rings_as_soon_as_the_hub_says_that_it_is_not() -> None:
    scene = Scene(anchored=False, ms=NOW_MS + 5 * 3_600_000)
    scene.up()
    scene.paged(at=NOW_MS)
    assert scene.page().why == NO_TIME
    assert shown(scene.hub_answers(ms=NOW_MS + 1000)) == [ident(1)]
    assert not scene.page().unverified


def test_without_any_hub_a_page_still_ends_some_time() -> None:
    scene = Scene(anchored=False)
    scene.rings()
    scene.wait(LIFE_MS["page.new"] / 1000 + 1)
    assert scene.page().ring is Ring.MISSED


def test_what_was_ringing_at_a_crash_rings_again_and_what_had_rung_only_sounds_again() -> None:
    scene = Scene()
    scene.rings(1)
    scene.paged(2, order=UUID)
    scene.wait(HOLD_S + 0.5)
    assert scene.page(2).ring is Ring.RINGING
    assert shown(scene.restart()) == [ident(2)]
    again = only(scene.wait(31), Notify)
    assert {effect.page for effect in again} == {ident(1), ident(2)}
    assert all(effect.again for effect in again)


def test_a_page_that_was_held_at_a_crash_is_held_no_longer_than_before() -> None:
    scene = Scene()
    scene.paged(order=UUID)
    assert shown(scene.restart()) == []
    assert shown(scene.wait(HOLD_S + 0.5)) == [ident(1)]


def test_after_a_night_off_nothing_of_yesterday_rings() -> None:
    scene = Scene()
    scene.rings(1)
    scene.paged(2, order=UUID)
    effects = scene.restart(after=10 * HOUR_S)
    scene.up()
    effects += [*scene.hub_answers(), *scene.wait(120)]
    assert only(effects, Notify) == []
    assert {scene.page(number).ring for number in (1, 2)} == {Ring.MISSED}
    assert [tell.values for tell in only(effects, Tell) if tell.text == "notice.missed"] == [{"n": "2"}]


def test_after_a_restart_without_a_hub_a_page_that_has_rung_waits_and_one_that_has_not_rings() -> None:
    scene = Scene()
    scene.rings(1)
    scene.paged(2, order=UUID)
    effects = [*scene.restart(after=HOUR_S), *scene.wait(60)]
    assert {effect.page for effect in only(effects, Notify)} == {ident(2)}
    assert scene.page(1).open


def test_a_page_that_still_lives_after_a_restart_goes_on_when_the_time_is_known() -> None:
    scene = Scene()
    scene.rings(1)
    scene.ms += 4 * 3_600_000  # the computer's clock comes back wrong
    scene.restart()
    scene.up()
    assert only(scene.wait(60), Notify) == []
    effects = scene.hub_answers(ms=NOW_MS + 120_000)
    assert [effect.page for effect in only(effects, Notify)] == [ident(1)]


def test_a_page_that_is_handed_on_again_is_known() -> None:
    """It was answered before it could be shown, so its row was never marked: the next start brings it again."""
    scene = Scene()
    scene.paged()
    scene.answered("oven")
    scene.restart()
    assert scene.paged() == []
    assert only(scene.wait(60), Notify) == []


def test_pages_come_back_oldest_first_whatever_their_ids() -> None:
    scene = Scene()
    for number in (5, 3, 9, 1):
        scene.wait(1)
        scene.rings(number)
    scene.restart()
    assert [page.id for page in scene.core.ringing.open_pages()] == [ident(number) for number in (5, 3, 9, 1)]


def test_more_than_ten_rings_a_minute_become_one_line_and_stay_one() -> None:
    scene = Scene()
    effects = [effect for number in range(40) for effect in scene.paged(number)]
    assert len(shown(effects)) == 10
    assert [tell.text for tell in only(effects, Tell)] == ["notice.page-storm"]
    assert [told.why for told in only(effects, Acknowledge)] == [SUMMARY] * 30
    for number in range(10):
        scene.tell(Presented(ident(number), ok=True))
    later = scene.wait(31)
    assert len(only(later, Notify)) == 10
    assert [tell.text for tell in only(later, Tell)] == ["notice.page-storm"]
    assert len(scene.core.ringing.open_pages()) == 40


def test_a_line_for_many_pages_is_heard_again_when_nothing_else_sounds() -> None:
    scene = Scene(habits=Habits(per_minute=0))
    scene.paged(1)
    scene.paged(2)
    later = scene.wait(31)
    assert only(later, Notify) == []
    assert len(only(later, Sound)) == 1
    assert [tell.values["count"] for tell in only(later, Tell)] == ["2"]


def test_another_sender_s_page_rings_in_the_middle_of_a_storm() -> None:
    scene = Scene()
    for number in range(40):
        scene.paged(number)
    assert shown(scene.paged(99, "boss")) == [ident(99)]


def test_the_sound_stops_with_the_last_page_that_rings() -> None:
    scene = Scene()
    scene.rings(1)
    scene.rings(2)
    assert only(scene.withdrawn(number=1), Hush) == []
    assert only(scene.withdrawn(number=2), Hush) == [Hush()]


def test_pages_that_are_over_are_forgotten_in_batches_and_open_ones_never() -> None:
    scene = Scene()
    for number in range(600):
        scene.paged(number)
        if number % 3:
            scene.withdrawn(number=number)
    assert len(scene.core.ringing.open_pages()) == 200
    assert len(scene.core.ringing.pages) < 500
    assert len([kind for kind, _ in scene.disk if kind == "in"]) <= len(scene.core.ringing.pages)


def test_a_page_for_an_order_deleted_here_is_refused() -> None:
    scene = Scene()
    scene.up()
    scene.list_comes(OrderItem(UUID, "order", {"title": stamped("soup")}, None))
    assert shown(scene.paged(1, order=UUID)) == [ident(1)]
    scene.tell(OrderDropped(UUID, ticket=1))
    assert only(scene.paged(2, order=UUID), Acknowledge)[0].stage == "refused"
