"""Showing what was decided: in turn, honest about what failed, and never for ever."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest

from agent.domain.audience import Audience
from agent.domain.effects import (
    Anchor,
    Effect,
    ExpectMail,
    GiveBack,
    Hush,
    Note,
    Notify,
    Refresh,
    ShowFork,
    Sound,
    Tell,
    Unnotify,
    UseServers,
    WakeAt,
)
from agent.domain.events import AnswerGiven, Event, Presented, Seen
from agent.domain.page import NOT_SHOWN, Answer, InPage
from agent.domain.task import Disbelieve, PutQuestion, RunTask, StopTask
from agent.station import performer
from agent.station.desk import Desk, Habits
from agent.station.door import Door
from agent.station.performer import Performer
from agent.station.requests import Requests
from agent.station.surface import Surface
from agent.station.wakes import Wakes
from agent.system.clock import AnchoredClock
from agent.ui.notify.base import Notice, Shown
from agent.ui.texts import Texts
from tests.station.scene import crew, ident
from tests.walks.desk import Drawing, Showing
from tests.walks.members import NOW_MS

PAGE = ident(1)


def nobody(*_: object) -> Any:
    raise AssertionError("nobody asks")


class Stage:
    """A performer before a desktop that records."""

    def __init__(self) -> None:
        self.notifier, self.events, self.woken = Showing(), list[Event](), list[float]()
        self.refreshed, self.shifts = 0, list[int]()
        kitchen = Audience("role", "kitchen")
        self.pages = {PAGE: InPage(PAGE, "front", kitchen, NOW_MS, NOW_MS + 1000, note="now")}
        self.desk = Desk("s1", "stove", lambda: ident(9), crew().ledger)
        self.performer = Performer(
            surface=Surface(Drawing(), self.notifier, self.notifier),
            requests=Requests(self),  # type: ignore[arg-type]  # nobody asks
            wakes=Wakes(lambda: 0.0, lambda: None),
            clock=AnchoredClock(),
            handle=self.events.append,
            page=self.pages.get,
            desk=self.desk,
            texts=lambda: Texts.of("en"),
            grew=lambda _seq, _head: None,
            refresh=self._refresh,
            clock_set=self.shifts.append,
            door={
                **Door(router=nobody, handle=self.events.append, load=nobody, save=nobody).deeds,
                UseServers: lambda _: None,
                ExpectMail: lambda _: None,
                GiveBack: lambda _: None,
                ShowFork: lambda _: None,
                RunTask: lambda _: None,
                StopTask: lambda _: None,
            },
        )

    def _refresh(self) -> None:
        self.refreshed += 1

    def play(self, *effects: Effect) -> list[Event]:
        async def scene() -> None:
            for effect in effects:
                self.performer.perform(effect)
            await self.performer.settle()

        asyncio.run(scene())
        return self.events


def test_a_page_is_shown_sounds_and_is_reported() -> None:
    stage = Stage()
    assert stage.play(Notify(PAGE)) == [Presented(PAGE, ok=True)]
    assert stage.notifier.rung(PAGE) == 1
    assert ("play", "page") in stage.notifier.events


@pytest.mark.parametrize(("quiet_until", "why"), [(None, "muted"), (1e12, "dnd")])
def test_silence_has_its_reason(quiet_until: float | None, why: str) -> None:
    stage = Stage()
    stage.desk.quiet_until = quiet_until
    assert stage.play(Notify(PAGE, sound=False)) == [Presented(PAGE, ok=True, why=why)]
    assert not [event for event in stage.notifier.events if event[0] == "play"]


@pytest.mark.parametrize(
    ("quiet_until", "page_sound", "heard"), [(None, True, True), (1e12, True, False), (None, False, False)]
)
def test_a_question_is_heard_unless_people_want_silence(
    quiet_until: float | None, page_sound: bool, heard: bool
) -> None:
    stage = Stage()
    stage.desk.quiet_until, stage.desk.habits = quiet_until, Habits(page_sound=page_sound)
    stage.play(PutQuestion("t@front", "front", "Is the back door locked?", ("Yes", "No")))
    assert stage.notifier.rung("t@front") == 1
    assert (("play", "page") in stage.notifier.events) is heard


def test_what_the_desktop_did_not_take_is_not_called_shown() -> None:
    stage = Stage()
    stage.notifier.fails = "no daemon"
    (reported,) = stage.play(Notify(PAGE))
    assert isinstance(reported, Presented)
    assert not reported.ok
    assert reported.why.startswith(NOT_SHOWN)


def test_a_notifier_that_raises_is_a_notifier_that_failed() -> None:
    """Without a report the page would wait for one for ever, and its sender with it."""
    stage = Stage()

    async def show(notice: Notice) -> Shown:
        raise RuntimeError("a defect")

    stage.notifier.show = show  # type: ignore[method-assign]  # a broken one
    (reported,) = stage.play(Notify(PAGE))
    assert reported == Presented(PAGE, ok=False, why=f"{NOT_SHOWN}: RuntimeError")


def test_a_page_that_is_over_before_it_is_shown_is_reported_and_not_shown() -> None:
    stage = Stage()
    stage.pages[PAGE].answer = Answer(1, "oven", "cleo", "accepted")
    assert stage.play(Notify(PAGE)) == [Presented(PAGE, ok=True, why="over")]
    assert stage.notifier.rung(PAGE) == 0
    assert Stage().play(Notify(ident(5))) == []


def test_taking_away_never_overtakes_showing() -> None:
    stage = Stage()
    show = stage.notifier.show

    async def slowly(notice: Notice) -> Shown:
        await asyncio.sleep(0.05)
        return await show(notice)

    stage.notifier.show = slowly  # type: ignore[method-assign]  # a slow one
    stage.play(Notify(PAGE), Unnotify(PAGE))
    assert [event for event in stage.notifier.events if event[0] != "play"] == [("show", PAGE), ("close", PAGE)]
    assert stage.notifier.notices == {}


def test_a_desktop_that_hangs_does_not_keep_the_agent_from_ending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(performer, "SETTLE_S", 0.05)
    stage = Stage()

    async def for_ever(notice: Notice) -> Shown:
        await asyncio.Event().wait()
        return Shown(ok=True, by="")

    stage.notifier.show = for_ever  # type: ignore[method-assign]  # one that hangs
    assert stage.play(Notify(PAGE)) == []


def test_missed_pages_are_told_in_one_line() -> None:
    stage = Stage()
    stage.play(Tell("notice.missed", {"n": "1"}, key="a"), Tell("notice.missed", {"n": "7"}, key="b"))
    assert [notice.title for notice in stage.notifier.notices.values()] == [
        "While you were away: 1 page, already over",
        "While you were away: 7 pages, already over",
    ]


def test_the_first_word_of_the_hub_says_how_wrong_our_clock_was() -> None:
    stage = Stage()
    now = time.time() * 1000
    for _ in range(2):
        stage.play(Anchor(round(now) + 7_200_000, time.monotonic()))
    (shift,) = stage.shifts
    assert abs(shift - 7_200_000) < 5000


def test_small_things_are_done() -> None:
    stage = Stage()
    stage.play(Sound("order"), Hush(), Refresh(), Note("ledger refused", {"code": "fork"}))
    assert ("play", "order") in stage.notifier.events
    assert stage.refreshed == 1


def test_every_effect_is_somebody_s() -> None:
    import typing

    from agent.domain.effects import Acknowledge, Cancel, Keep, Post

    routers = {Keep, Post, Acknowledge, Cancel, Disbelieve}
    assert set(Stage().performer._run) == set(typing.get_args(Effect)) - routers
    assert WakeAt in Stage().performer._run


def test_what_people_do_with_a_notice_is_an_event() -> None:
    stage = Stage()
    done: list[tuple[str, Callable[[], Event]]] = [
        ("accepted", lambda: AnswerGiven(PAGE, "accepted")),
        ("declined", lambda: AnswerGiven(PAGE, "declined")),
        ("open", lambda: Seen(PAGE)),
        ("dismissed", lambda: Seen(PAGE)),
    ]
    for action, event in done:
        stage.performer.happened(PAGE, action)
        assert stage.events[-1] == event()
    stage.performer.happened(PAGE, "expired")
    stage.performer.happened("another", "accepted")
    assert len(stage.events) == len(done)
