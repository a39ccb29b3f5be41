"""Promises of the last fallback, with the real notify-send in front of an imagined daemon."""

import asyncio
import html
import shutil
import threading

import pytest

from agent.ui.notify.base import Notice, Shown
from agent.ui.notify.plyer import BALLOON_BODY, BALLOON_TITLE, PlyerNotifier, _text
from tests.servers.notification_daemon import NotificationDaemon
from tests.servers.session_bus import Bus
from tests.ui.notify.nasty import CORPUS, MARKUP, PLACES, as_body, as_title
from tests.ui.notify.stage import page

needs_notify_send = pytest.mark.skipif(shutil.which("notify-send") is None, reason="not installed: notify-send")


@pytest.fixture
def address(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> str:
    """The bus that notify-send finds."""
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.address)
    return bus.address


@needs_notify_send
def test_a_notice_is_shown_with_escaped_text(address: str) -> None:
    async def test() -> None:
        async with NotificationDaemon(address) as daemon:
            assert await PlyerNotifier().show(page(body="<b>5 & 6</b>")) == Shown(ok=True, by="plyer")
            assert (daemon.last.title, daemon.last.body) == ("Ben (kitchen) is paging", "&lt;b&gt;5 &amp; 6&lt;/b&gt;")
            assert daemon.last.actions == []

    asyncio.run(test())


@needs_notify_send
@pytest.mark.parametrize("text", [*PLACES, *MARKUP[:6]])
def test_no_text_becomes_an_option_or_loses_a_letter(address: str, text: str) -> None:
    async def test() -> None:
        async with NotificationDaemon(address) as daemon:
            assert await PlyerNotifier().show(Notice("page-1", text, text)) == Shown(ok=True, by="plyer")
            assert daemon.last.title.strip() == as_title(text)
            assert daemon.last.body.strip() == html.escape(as_body(text), quote=False)
            assert not {"image-path", "image_path", "image-data"} & set(daemon.last.hints)

    asyncio.run(test())


@needs_notify_send
def test_without_a_daemon_the_words_of_notify_send_are_the_reason(address: str) -> None:
    shown = asyncio.run(PlyerNotifier().show(page()))
    assert (shown.ok, shown.by) == (False, "plyer")
    assert "org.freedesktop.Notifications" in shown.why


def test_without_notify_send_the_reason_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    shown = asyncio.run(PlyerNotifier().show(page()))
    assert (shown.ok, shown.by) == (False, "plyer")
    assert "notify-send" in shown.why


def test_it_blocks_a_thread_of_its_own_and_not_the_agent() -> None:
    async def test() -> None:
        shown, done = threading.Event(), threading.Event()

        def slow(title: str, message: str) -> None:
            shown.set()
            done.wait(timeout=10)

        showing = asyncio.create_task(PlyerNotifier(slow).show(page()))
        await asyncio.to_thread(shown.wait, 10)
        assert not showing.done()
        done.set()
        assert (await showing).ok

    asyncio.run(test())


def test_what_it_raises_is_a_reason() -> None:
    def breaks(title: str, message: str) -> None:
        raise RuntimeError("Shell_NotifyIconW failed.")

    shown = asyncio.run(PlyerNotifier(breaks).show(page()))
    assert shown == Shown(ok=False, by="plyer", why="Shell_NotifyIconW failed.")


@pytest.mark.parametrize("text", CORPUS)
def test_a_windows_balloon_gets_no_more_than_it_holds_and_no_escapes(text: str) -> None:
    title, body = _text(Notice("page-1", text + "🍕" * 300, text + "🍕" * 300), platform="win32")
    assert len(title.encode("utf-16-le")) <= 2 * BALLOON_TITLE
    assert len(body.encode("utf-16-le")) <= 2 * BALLOON_BODY
    assert as_title(text + "🍕" * 300).startswith(title)
    assert as_body(text + "🍕" * 300).startswith(body)
