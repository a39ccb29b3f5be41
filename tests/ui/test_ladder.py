"""What the sender reads of a page, in one line."""

import pytest

from agent.domain.audience import Audience
from agent.domain.page import Answer, OutPage, State, Target
from agent.ui.ladder import declined_by, reason, summary
from agent.ui.texts import Texts

ENGLISH = Texts.of("en")
PEOPLE = {"kitchen-1": "ben", "kitchen-2": "clara"}


def page(*targets: Target) -> OutPage:
    return OutPage(
        "p1", Audience("role", "kitchen"), 1000, 90_000, None, "", "", False, {each.station: each for each in targets}
    )


def said(of: OutPage) -> str:
    return summary(of, ENGLISH, PEOPLE.__getitem__)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        (Target("kitchen-1"), "queued"),
        (Target("kitchen-1", State.SENT, "mqtt"), "sent over MQTT"),
        (Target("kitchen-1", State.STORED, "mqtt"), "on the device"),
        (
            Target("kitchen-1", State.STORED, "mqtt", "not-shown: dbus: gone"),
            "on the device (no notice could be shown)",
        ),
        (Target("kitchen-1", State.PRESENTED, "mqtt"), "shown"),
        (Target("kitchen-1", State.PRESENTED, "mqtt", "dnd"), "shown (do not disturb is on)"),
        (Target("kitchen-1", State.DECLINED, "mqtt"), "declined by ben"),
        (Target("kitchen-1", State.DECLINED, "mqtt", "oven is full"), "declined by ben: oven is full"),
        (Target("kitchen-1", State.EXPIRED), "expired"),
    ],
)
def test_each_rung_has_its_words(target: Target, text: str) -> None:
    assert said(page(target)) == text


def test_who_takes_it_is_named_with_the_seconds() -> None:
    taken = page(Target("kitchen-1", State.ACCEPTED))
    taken.taken = Answer(15_200, "kitchen-1", "ben", "accepted")
    assert said(taken) == "taken by ben after 14 s"


def test_one_who_was_shown_it_properly_outweighs_one_who_was_not() -> None:
    quiet, loud = Target("kitchen-1", State.PRESENTED, why="dnd"), Target("kitchen-2", State.PRESENTED)
    assert said(page(quiet, loud)) == "shown"


def test_nobody_has_declined_while_somebody_else_may_come() -> None:
    declined, waiting = Target("kitchen-1", State.DECLINED), Target("kitchen-2", State.PRESENTED)
    assert declined_by(page(declined, waiting), PEOPLE.__getitem__) == ""
    waiting.state = State.DECLINED
    assert declined_by(page(declined, waiting), PEOPLE.__getitem__) == "ben, clara"


@pytest.mark.parametrize(
    ("why", "text"),
    [
        ("", ""),
        ("dnd", "do not disturb is on"),
        ("not-shown: dbus: no session bus", "no notice could be shown: dbus: no session bus"),
        ("a reason of a newer agent", "a reason of a newer agent"),
    ],
)
def test_reasons_are_said_in_words(why: str, text: str) -> None:
    assert reason(why, ENGLISH) == text
