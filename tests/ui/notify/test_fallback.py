"""Promises of several notifiers as one: somebody shows the notice, or every reason is told."""

import asyncio
import logging

import pytest

from agent.ui.notify.base import Happened, Notice, Notifier, Shown
from agent.ui.notify.fallback import Fallback
from agent.ui.notify.silent import SilentNotifier
from tests.ui.notify.stage import page


class Scripted:
    """A notifier that writes down what is asked of it and then does as scripted: "takes", "refuses", or raises."""

    def __init__(self, name: str, script: str | Exception, asked: list[str]) -> None:
        self.name, self.script, self._asked = name, script, asked

    def _ask(self, what: str) -> None:
        self._asked.append(f"{self.name} {what}")
        if isinstance(self.script, Exception):
            raise self.script

    async def start(self, happened: Happened) -> None:
        self._ask("start")

    async def show(self, notice: Notice) -> Shown:
        self._ask(f"show {notice.key}")
        return Shown(ok=self.script == "takes", by=self.name, why="" if self.script == "takes" else "has no mind to")

    async def close(self, key: str) -> None:
        self._ask(f"close {key}")

    async def stop(self) -> None:
        self._ask("stop")


def scripted(*scripts: str | Exception) -> tuple[list[Scripted], list[str]]:
    """Notifiers called first, second, … and the one list they write to."""
    asked: list[str] = []
    names = ("first", "second", "third")
    return [Scripted(name, script, asked) for name, script in zip(names, scripts, strict=False)], asked


def test_the_first_that_takes_a_notice_is_the_only_one_to_show_it() -> None:
    notifiers, asked = scripted("refuses", "takes", "takes")
    fallback = Fallback(notifiers)
    assert fallback.name == "first"
    assert asyncio.run(fallback.show(page("p"))) == Shown(ok=True, by="second")
    assert asked == ["first show p", "second show p"]
    assert fallback.name == "second"


def test_each_notice_is_tried_from_the_beginning_again() -> None:
    async def test() -> None:
        notifiers, _ = scripted("refuses", "takes")
        fallback = Fallback(notifiers)
        await fallback.show(page("a"))
        notifiers[0].script = "takes"
        assert await fallback.show(page("b")) == Shown(ok=True, by="first")

    asyncio.run(test())


def test_when_nobody_shows_it_every_reason_is_told() -> None:
    notifiers, _ = scripted("refuses", OSError("no daemon"), ValueError())
    shown = asyncio.run(Fallback(notifiers).show(page()))
    assert shown == Shown(ok=False, by="third", why="first: has no mind to; second: no daemon; third: ValueError")


@pytest.mark.parametrize(
    "error", [OSError("broken"), RuntimeError("x" * 10_000), UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogate")]
)
def test_whatever_a_notifier_raises_stays_inside(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        notifiers, asked = scripted(error, "takes")
        fallback = Fallback(notifiers)
        await fallback.start(lambda key, action: None)
        assert (await fallback.show(page("p"))).ok
        await fallback.close("p")
        await fallback.stop()
        told = [f"{name} {what}" for what in ("start", "show p", "close p", "stop") for name in ("first", "second")]
        assert asked == told

    with caplog.at_level(logging.WARNING):
        asyncio.run(test())
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 3
    assert max(len(record.getMessage()) for record in caplog.records) < 300


def test_the_silent_notifier_never_claims_that_somebody_saw_something() -> None:
    async def test() -> None:
        silent: Notifier = SilentNotifier()
        await silent.start(lambda key, action: None)
        assert await silent.show(page()) == Shown(ok=False, by="silent", why="notifications are switched off")
        await silent.close("page-1")
        await silent.stop()

    asyncio.run(test())
