"""What is really drawn: notices on dunst and xfce4-notifyd, clicked with a mouse."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from agent.ui.notify.base import Notice, Shown, Urgency
from tests.servers.desktop import XFCE, Desktop
from tests.ui.notify.stage import ANSWERS, Stage, page, soon, staged

pytestmark = pytest.mark.desktop

NASTY = Notice(
    "page-1",
    "Ben <b>(kitchen)</b> is paging & calling",
    'Order <i>17</i> & <a href="https://evil.example/">more</a>\nsecond line <img src="file:///etc/passwd">',
    ANSWERS,
    Urgency.CRITICAL,
)
Test = Callable[[Stage], Awaitable[None]]


@pytest.fixture(scope="module")
def xfce() -> Iterator[Desktop]:
    """A desktop with xfce4-notifyd, which draws buttons."""
    if missing := Desktop.missing() + [
        str(path) for path in [Path(XFCE, "notifyd/xfce4-notifyd")] if not path.exists()
    ]:
        pytest.skip(f"not installed: {', '.join(missing)}")
    with Desktop(notify="xfce", panel=False, sound=False) as started:
        yield started


def address(desktop: Desktop) -> str:
    """The desktop's session bus."""
    return desktop.env["DBUS_SESSION_BUS_ADDRESS"]


def drawn(desktop: Desktop) -> tuple[int, int, int, int] | None:
    """Left, top, right, bottom of what is drawn in the upper half of the screen, where notices stand."""
    box: tuple[int, int, int, int] | None = desktop.pixels().convert("RGB").crop((0, 0, 1024, 384)).getbbox()
    return box


async def still(desktop: Desktop) -> tuple[int, int, int, int]:
    """Where the notices are, once they have stopped moving and fading in."""
    before = None
    while (now := desktop.pixels().tobytes()) != before or drawn(desktop) is None:  # pytest-timeout is the limit
        before = now
        await asyncio.sleep(0.15)
    box = drawn(desktop)
    assert box
    return box


async def gone(desktop: Desktop) -> None:
    """Return when no notice is drawn."""
    await soon(lambda: drawn(desktop) is None, "an empty screen")


def test_dunst_shows_a_page_as_text_and_a_left_click_opens_it(desktop: Desktop) -> None:
    async def test(stage: Stage) -> None:
        assert await stage.notifier.show(NASTY) == Shown(ok=True, by="dbus")
        left, top, right, bottom = await still(desktop)
        desktop.screenshot("notice-dunst")
        desktop.click((left + right) // 2, (top + bottom) // 2)
        await soon(lambda: stage.happened, "the click")
        await gone(desktop)
        await stage.all_heard()
        assert stage.happened == [("page-1", "open")]

    on(desktop, test)


def test_dunst_right_click_dismisses_and_close_takes_away(desktop: Desktop) -> None:
    async def test(stage: Stage) -> None:
        await stage.notifier.show(page("a"))
        left, top, right, bottom = await still(desktop)
        desktop.click((left + right) // 2, (top + bottom) // 2, button=3)
        await soon(lambda: stage.happened, "the dismissal")
        assert stage.happened == [("a", "dismissed")]
        await stage.notifier.show(page("b"))
        await still(desktop)
        await stage.notifier.close("b")
        await gone(desktop)
        assert len(stage.happened) == 1

    on(desktop, test)


def test_xfce_draws_the_buttons_and_pressing_one_answers(xfce: Desktop) -> None:
    async def test(stage: Stage) -> None:
        assert await stage.notifier.show(NASTY) == Shown(ok=True, by="dbus")
        left, _, right, bottom = await still(xfce)
        xfce.screenshot("notice-xfce")
        row, width = bottom - 30, (right - left) / 4
        xfce.click(int(left + width * 1.5), row)
        await soon(lambda: stage.happened, "the second button")
        assert stage.happened == [("page-1", "later")]

    on(xfce, test)


@pytest.mark.parametrize(("place", "action"), list(enumerate(("accepted", "later", "declined", "open"))))
def test_xfce_puts_the_main_button_first(place: int, action: str, xfce: Desktop) -> None:
    async def test(stage: Stage) -> None:
        await stage.notifier.show(page(f"page-{place}"))
        left, _, right, bottom = await still(xfce)
        xfce.click(int(left + (right - left) / 4 * (place + 0.5)), bottom - 30)
        await soon(lambda: stage.happened, action)
        assert stage.happened == [(f"page-{place}", action)]

    on(xfce, test)


def test_xfce_changes_a_notice_in_place(xfce: Desktop) -> None:
    async def test(stage: Stage) -> None:
        await stage.notifier.show(page(body="Order 17"))
        before = await still(xfce)
        await stage.notifier.show(page(body="Order 18"))
        assert await still(xfce) == before
        await stage.notifier.close("page-1")
        await gone(xfce)
        assert stage.happened == []

    on(xfce, test)


def on(desktop: Desktop, test: Test) -> None:
    """Run a test with a notifier on that desktop, beginning with an empty screen."""

    async def run() -> None:
        desktop.move(10, 700)
        await gone(desktop)
        async with staged(address(desktop)) as stage:
            await test(stage)

    asyncio.run(run())
