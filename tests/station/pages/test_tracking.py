"""How far a page got: told once when it is late, once when it failed, and always in the end."""

import pytest

from agent.domain.audience import Audience
from agent.domain.effects import Cancel, Sound, Tell
from agent.domain.events import GaveUp, Heard, Late, PageAsked, Sent, WithdrawAsked
from agent.domain.messages import PageAnswer
from agent.domain.names import HUB
from agent.domain.page import State
from tests.station.scene import KITCHEN, Scene, ident, only

LIFE_S = 30 * 60.0
STOVE = Audience("station", "stove")


def paged(audience: Audience = KITCHEN, station: str = "front") -> Scene:
    scene = Scene(station)
    scene.tell(PageAsked(audience, note="now"))
    return scene


def told(effects: list[object]) -> list[str]:
    return [effect.text for effect in effects if isinstance(effect, Tell)]


def heard(scene: Scene, station: str, stage: str, why: str = "") -> list[object]:
    return list(scene.tell(Heard(scene.sent.id, station, stage, why, scene.ms, "mqtt")))


def answer(scene: Scene, station: str, said: str = "accepted", at: int | None = None) -> list[object]:
    person = scene.core.desk.person(station)
    params = PageAnswer(answer=said, person=person)  # type: ignore[arg-type]  # the test names answers
    return list(scene.arrives(station, params, re=scene.sent.id, at=scene.ms if at is None else at))


def test_a_page_climbs_with_its_receipts_and_never_down() -> None:
    scene = paged(STOVE)
    scene.tell(Sent(scene.sent.id, "stove", "mqtt"))
    states = [scene.sent.state]
    for stage in ("presented", "stored", "seen"):
        heard(scene, "stove", stage)
        states.append(scene.sent.state)
    scene.tell(Sent(scene.sent.id, "stove", "mail"))
    assert [*states, scene.sent.state] == [State.SENT, State.PRESENTED, State.PRESENTED, State.SEEN, State.SEEN]


def test_red_comes_once_for_the_whole_page_and_goes_with_the_first_delivery() -> None:
    scene = paged()
    first = scene.tell(Late(scene.sent.id, "stove"))
    assert (told(list(first)), len(only(first, Sound))) == (["notice.page-late"], 1)
    assert told(list(scene.tell(Late(scene.sent.id, "oven")))) == []
    assert scene.sent.late
    heard(scene, "oven", "stored")
    assert not scene.sent.late


def test_lateness_of_what_is_delivered_taken_or_not_ours_is_none() -> None:
    scene = paged(STOVE)
    heard(scene, "stove", "stored")
    assert scene.tell(Late(scene.sent.id, "stove")) == []
    assert scene.tell(Late(scene.sent.id, HUB)) == []
    assert scene.tell(Late(ident(5), "stove")) == []


@pytest.mark.parametrize("forged", ["boss", "front-2", HUB])
def test_receipts_and_answers_count_only_from_a_station_that_was_paged(forged: str) -> None:
    scene = paged(STOVE)
    assert heard(scene, forged, "presented") == []
    assert only(scene.arrives(forged, PageAnswer(answer="accepted", person="x"), re=scene.sent.id), Tell) == []
    assert scene.sent.taken is None
    assert scene.sent.state is State.QUEUED


@pytest.mark.parametrize(("why", "state"), [("missed", State.MISSED), ("order-deleted", State.UNDELIVERABLE)])
def test_a_refusal_is_told_when_nobody_is_left(why: str, state: State) -> None:
    """Its row is closed: without a word the sender would wait for somebody who will never come."""
    scene = paged()
    for station in ("stove", "oven"):
        assert told(heard(scene, station, "refused", why)) == []
    assert told(heard(scene, "wall", "refused", why)) == ["notice.page-failed"]
    assert scene.sent.state is state
    assert told(heard(scene, "wall", "refused", why)) == []


@pytest.mark.parametrize(
    ("why", "state"),
    [
        ("expired", State.EXPIRED),
        ("revoked", State.UNDELIVERABLE),
        ("too-large", State.UNDELIVERABLE),
        ("store", State.UNDELIVERABLE),
    ],
)
def test_what_cannot_be_delivered_is_told_once(why: str, state: State) -> None:
    scene = paged(STOVE)
    assert told(list(scene.tell(GaveUp(scene.sent.id, "stove", why)))) == ["notice.page-failed"]
    assert scene.sent.state is state
    assert told(list(scene.tell(GaveUp(scene.sent.id, "stove", why)))) == []


def test_a_page_that_was_shown_and_not_answered_ends_and_its_sender_is_told() -> None:
    scene = paged()
    heard(scene, "stove", "presented")
    before = scene.wait(LIFE_S - 1)
    assert told(list(before)) == []
    after = scene.wait(2)
    assert told(list(after)) == ["notice.page-unanswered"]
    assert only(after, Cancel) == [Cancel(scene.sent.id)]
    assert scene.sent.settled
    assert scene.sent.state is State.EXPIRED
    assert told(list(scene.wait(LIFE_S))) == []


def test_a_page_that_nobody_got_is_not_called_unanswered() -> None:
    scene = paged()
    assert told(list(scene.wait(LIFE_S + 1))) == ["notice.page-failed"]


def test_the_end_comes_after_a_restart_too_by_the_hub_s_time() -> None:
    scene = paged()
    heard(scene, "stove", "presented")
    scene.restart(after=600)
    scene.up()
    scene.list_comes()
    scene.hub_answers()
    assert told(list(scene.wait(LIFE_S - 602))) == []
    assert told(list(scene.wait(3))) == ["notice.page-unanswered"]


@pytest.mark.parametrize("years", [-10, 10])
def test_without_the_hub_s_time_no_clock_ends_a_page_before_its_life_has_passed(years: int) -> None:
    scene = paged()
    scene.restart(after=years * 365 * 86_400)
    assert told(list(scene.wait(LIFE_S - 1))) == []
    assert told(list(scene.wait(2))) == ["notice.page-failed"]


def test_the_first_who_accepts_is_told_and_an_earlier_one_corrects_it() -> None:
    scene = paged()
    assert told(answer(scene, "stove", at=scene.ms + 10)) == ["notice.page-taken"]
    corrected = answer(scene, "oven", at=scene.ms + 5)
    (tell,) = [effect for effect in corrected if isinstance(effect, Tell)]
    assert (tell.text, tell.values["person"]) == ("notice.page-taken", "cleo")
    assert told(answer(scene, "stove", at=scene.ms + 10)) == []
    assert scene.sent.taken is not None
    assert scene.sent.taken.station == "oven"


def test_who_takes_a_page_ends_its_repeats() -> None:
    scene = paged()
    assert [effect for effect in answer(scene, "stove") if isinstance(effect, Cancel)] == [Cancel(scene.sent.id)]
    assert scene.sent.settled


def test_when_all_decline_the_sender_is_told_once() -> None:
    scene = paged()
    assert told(answer(scene, "stove", "declined")) == []
    assert told(answer(scene, "oven", "declined")) == []
    assert told(answer(scene, "wall", "declined")) == ["notice.page-declined"]
    assert told(answer(scene, "wall", "declined")) == []


def test_a_person_who_declines_at_one_desk_has_declined() -> None:
    scene = paged(Audience("person", "anna"), "stove")
    heard(scene, "front", "presented")
    heard(scene, "front-2", "presented")
    assert told(answer(scene, "front", "declined")) == ["notice.page-declined"]
    assert scene.sent.state is State.DECLINED


def test_an_answer_that_comes_after_the_end_still_counts() -> None:
    scene = paged()
    scene.wait(LIFE_S + 1)
    assert told(answer(scene, "stove")) == ["notice.page-taken"]
    assert scene.sent.taken is not None


def test_a_page_taken_back_is_told_of_no_more_unless_somebody_comes_all_the_same() -> None:
    scene = paged()
    scene.tell(WithdrawAsked(scene.sent.id))
    assert told(answer(scene, "stove", "declined")) == []
    assert told(list(scene.wait(LIFE_S + 1))) == []
    assert told(answer(scene, "oven")) == ["notice.page-taken"]
