"""Promises of the Windows notifier, with the real desktop-notifier on an imagined Windows."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from agent.ui.notify.base import Notice, Shown, Urgency
from agent.ui.notify.winrt import APP_ID, WinrtNotifier
from tests.ui.notify.nasty import CORPUS, as_body, as_title
from tests.ui.notify.stage import ANSWERS, page, soon
from tests.ui.notify.windows import Windows, install

pytest.importorskip("desktop_notifier", reason="not installed: desktop-notifier")

TAKEN = Shown(ok=True, by="winrt")
Happened = list[tuple[str, str]]


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Windows:
    """A Windows that remembers its toasts."""
    return install(monkeypatch)


@asynccontextmanager
async def started() -> AsyncIterator[tuple[WinrtNotifier, Happened]]:
    """A notifier, and what it told the agent."""
    happened: Happened = []
    notifier = WinrtNotifier()
    await notifier.start(lambda key, action: happened.append((key, action)))
    yield notifier, happened
    await notifier.stop()


def test_a_page_becomes_a_silent_toast_of_our_app_with_its_buttons(windows: Windows) -> None:
    async def test() -> None:
        async with started() as (notifier, _):
            assert await notifier.show(page()) == TAKEN
            toast = windows.toasts["page-1"]
            assert windows.apps == [APP_ID]
            assert toast.texts() == ["Ben (kitchen) is paging", "Order 17"]
            assert [action.get("content") for action in toast.xml.iter("action")] == [label for _, label in ANSWERS]
            assert [audio.attrib for audio in toast.xml.iter("audio")] == [{"silent": "true"}]
            assert toast.priority == "high"

    asyncio.run(test())


def test_nasty_texts_stay_text(windows: Windows) -> None:
    async def test() -> None:
        async with started() as (notifier, _):
            for text in CORPUS:
                assert await notifier.show(Notice("page-1", text, text, (("accepted", text),))) == TAKEN
                toast = windows.toasts["page-1"]
                assert toast.texts() == [as_title(text), as_body(text)]
                assert [action.get("arguments") for action in toast.xml.iter("action")] == [
                    "action=button&amp;id=accepted"
                ]
                kinds = {element.tag for element in toast.xml.iter()}
                assert kinds == {"toast", "visual", "binding", "text", "actions", "action", "audio"}

    asyncio.run(test())


def test_buttons_clicks_and_dismissals_reach_the_agent(windows: Windows) -> None:
    async def test() -> None:
        async with started() as (notifier, happened):
            for key in ("a", "b", "c", "d"):
                await notifier.show(page(key))
            windows.toasts["a"].press("In 5 minutes")
            windows.toasts["b"].click()
            windows.toasts["c"].dismiss()
            windows.toasts["d"].dismiss(why="timed-out")
            await soon(lambda: len(happened) == 3, "three events")
            assert happened == [("a", "later"), ("b", "open"), ("c", "dismissed")]
            windows.toasts["d"].press("On my way")  # from the action centre
            await soon(lambda: len(happened) == 4, "a late button")
            assert happened[-1] == ("d", "accepted")

    asyncio.run(test())


def test_the_same_key_replaces_the_toast_and_closing_takes_it_away(windows: Windows) -> None:
    async def test() -> None:
        async with started() as (notifier, happened):
            key = "page-" + "k" * 100  # longer than Windows takes
            await notifier.show(page(key, "old"))
            await notifier.show(page(key, "new"))
            assert [toast.texts()[1] for toast in windows.toasts.values()] == ["new"]
            assert all(len(tag) <= 64 for tag in windows.toasts)
            next(iter(windows.toasts.values())).click()
            await soon(lambda: happened, "a click")
            assert happened == [(key, "open")]
            await notifier.show(page(key))
            await notifier.close(key)
            await notifier.close("never shown")
            assert windows.toasts == {}

    asyncio.run(test())


def test_stopping_takes_our_toasts_away(windows: Windows) -> None:
    async def test() -> None:
        async with started() as (notifier, _):
            await notifier.show(page("a"))
            await notifier.show(page("b", urgency=Urgency.LOW))
        assert windows.toasts == {}

    asyncio.run(test())


def test_notifications_switched_off_in_the_settings_are_a_reason(windows: Windows) -> None:
    async def test() -> None:
        async with started() as (notifier, _):
            windows.setting = "disabled-for-application"
            shown = await notifier.show(page())
            assert (shown.ok, "switched off in the settings" in shown.why, windows.shown) == (False, True, 0)

    asyncio.run(test())


def test_a_toast_that_windows_refuses_is_not_called_shown(windows: Windows) -> None:
    async def test() -> None:
        async with started() as (notifier, _):
            windows.broken = True
            assert await notifier.show(page()) == Shown(ok=False, by="winrt", why="Windows did not take the toast")
            windows.broken = False
            assert await notifier.show(page()) == TAKEN

    asyncio.run(test())


def test_without_desktop_notifier_the_reason_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "desktop_notifier", None)
    shown = asyncio.run(WinrtNotifier().show(page()))
    assert (shown.ok, shown.by) == (False, "winrt")
    assert "desktop_notifier" in shown.why
