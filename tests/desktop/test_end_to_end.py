"""A working day by pixels: orders typed, pages sent from the tray, heard, answered on notices and in menus."""

import pytest

from agent.ui.icons import Picture
from agent.ui.view import IconState
from agent.ui.window.palette import DARK, LIGHT, rgb
from tests.desktop.tray import PATIENCE
from tests.desktop.workplace import Workplace
from tests.servers.popups import popups
from tests.servers.programs import until
from tests.servers.recording import Recording

pytestmark = pytest.mark.desktop

ORDER = "Order 17"
PAGE_HERTZ = 880
APART = 2.0
"""Seconds of silence between two rings; within one ring there are none so long."""


def wears(workplace: Workplace, station: str, state: IconState, count: int = 0) -> bool:
    return workplace.tray.wears(workplace.site.pid(station), Picture(state, count))


def rings(heard: Recording) -> list[float]:
    """When each ring began, seconds from the start of a recording."""
    found: list[float] = []
    last = -APART
    for at in heard.loud_at():
        if at - last >= APART:
            found.append(at)
        last = at
    return found


def titles(workplace: Workplace, station: str) -> list[str]:
    """What a station's orders are called."""
    return [str(one["title"]) for one in workplace.state(station)["orders"]]


def send_page(workplace: Workplace, title: str) -> None:
    """Page the kitchen for an order over anna's control socket."""
    workplace.ask("front", "page", to={"role": "kitchen"}, order=workplace.order(title))


def test_both_icons_stand_on_the_panel(workplace: Workplace) -> None:
    items = workplace.bus.items()
    assert {(item["Id"], item["Title"]) for item in items.values()} == {("no-more-running", "No More Running")}
    assert set(items) == {workplace.site.pid("front"), workplace.site.pid("kitchen")}
    assert len(workplace.tray.icons()) == 2
    assert wears(workplace, "front", IconState.OK)
    assert wears(workplace, "kitchen", IconState.OK)
    workplace.shot("icons")


def test_an_order_typed_in_annas_window_is_at_bens_at_once(workplace: Workplace) -> None:
    workplace.choose("front", "Orders…", shot="menu")
    until(workplace.window, "anna's window", PATIENCE)
    workplace.shot("window-empty")
    workplace.desktop.press_key("ctrl+n", lambda: workplace.desktop.focused() == "New Order", "the form")
    workplace.still()
    workplace.desktop.type(ORDER)
    workplace.shot("window-new-order")
    workplace.desktop.press_key("Return", lambda: ORDER in titles(workplace, "kitchen"), "the order at ben's")
    workplace.shot("window-order")


def test_a_page_rings_at_bens_and_the_button_he_presses_tells_anna(workplace: Workplace) -> None:
    workplace.order(ORDER)
    workplace.silent(0.3)
    heard = workplace.sink.from_here()
    workplace.choose("front", "Page for an order", ORDER, "kitchen (1)", shot="menu-page")
    (box,) = workplace.pages_shown()
    assert workplace.asked("kitchen", "anna Is Paging For Order 17").buttons == {
        "accepted": "On my way",
        "declined": "Can't",
        "default": "Open",
    }
    until(lambda: heard.loud_seconds() > 0.2, "the sound", PATIENCE)
    assert heard.strongest() == pytest.approx(PAGE_HERTZ, abs=5)
    until(lambda: wears(workplace, "kitchen", IconState.ATTENTION, 1), "ben's icon with a 1", PATIENCE)
    workplace.shot("notice")
    good = rgb(LIGHT.good)
    before = workplace.colours(workplace.window() or box).get(good, 0)

    workplace.press(box, 0)
    workplace.reaches("front", ORDER, "accepted")
    workplace.pages_shown(0)
    workplace.asked("front", "ben is on the way: Order 17")
    workplace.silent(0.5)
    until(lambda: wears(workplace, "kitchen", IconState.OK), "ben's icon as before", PATIENCE)
    until(lambda: workplace.colours(workplace.window() or box).get(good, 0) > before, "green in the window", PATIENCE)
    workplace.says("front", r"Order 17: taken by ben after \d+ s")
    workplace.shot("taken")
    workplace.tray.open_menu(workplace.site.pid("front"))
    workplace.shot("menu-taken")
    workplace.tray.close_menu()


def test_with_dunst_a_click_shows_the_page_and_the_menu_answers_it(workplace: Workplace) -> None:
    workplace.close_windows()
    workplace.use_notifier("dunst")
    title = "anna Is Paging For Table 4"
    send_page(workplace, "Table 4")
    workplace.reaches("front", "Table 4", "presented")
    until(lambda: popups(workplace.desktop, "NOTIFICATION"), "the notice", PATIENCE)
    workplace.shot("dunst")
    left, top, right, _ = popups(workplace.desktop, "NOTIFICATION")[0]
    workplace.desktop.click((left + right) // 2, top + 20)  # a page insists and stands above all others
    until(workplace.window, "ben's window", PATIENCE)
    workplace.reaches("front", "Table 4", "seen")
    workplace.shot("ben-pages")
    workplace.close_windows()

    workplace.choose("kitchen", title, "Later", shot="menu-answer")
    workplace.silent(1.0)
    assert wears(workplace, "kitchen", IconState.ATTENTION, 1), "it still waits"
    workplace.choose("kitchen", title, "Can't")
    workplace.reaches("front", "Table 4", "declined")
    workplace.says("front", "Table 4 to kitchen: declined by ben")
    assert title not in workplace.lines("kitchen")

    send_page(workplace, "Table 4")
    workplace.reaches("front", "Table 4", "presented")
    workplace.choose("kitchen", title, "On my way")
    workplace.reaches("front", "Table 4", "accepted")


def test_the_sound_comes_again_until_somebody_answers(workplace: Workplace) -> None:
    workplace.order("Table 12")
    workplace.silent(0.3)
    heard = workplace.sink.from_here()
    send_page(workplace, "Table 12")
    until(lambda: len(rings(heard)) == 2, "the second ring", PATIENCE)
    first, second = rings(heard)
    assert 4.5 < second - first < 8
    (box,) = workplace.pages_shown()
    workplace.press(box, 1)
    workplace.reaches("front", "Table 12", "declined")
    workplace.silent(6.0)
    assert len(rings(heard)) == 2


def test_without_a_notification_daemon_no_page_is_lost(workplace: Workplace) -> None:
    send_page(workplace, "Pick-up Meyer")
    workplace.pages_shown()
    workplace.use_notifier(None)
    send_page(workplace, "Room 204")
    workplace.reaches("front", "Room 204", "stored")
    until(lambda: workplace.page("front", "Room 204")["targets"][0]["why"], "the reason at anna's", PATIENCE)
    assert workplace.page("front", "Room 204")["targets"][0]["why"].startswith("no notice could be shown: dbus: ")
    workplace.says("front", r"Room 204 to kitchen: on the device \(no notice could be shown\)")
    until(lambda: wears(workplace, "kitchen", IconState.ATTENTION, 2), "ben's icon with a 2", PATIENCE)

    workplace.choose("kitchen", "anna Is Paging For Room 204", "On my way", shot="no-daemon")
    workplace.reaches("front", "Room 204", "accepted")
    send_page(workplace, "Bar")
    workplace.reaches("front", "Bar", "stored")
    workplace.desktop.start_notify("xfce")
    workplace.pages_shown(2)  # one came with the daemon, the other one rings again
    workplace.reaches("front", "Bar", "presented")
    workplace.shot("daemon-back")


def test_icons_and_menus_survive_a_restart_of_the_panel(workplace: Workplace) -> None:
    workplace.desktop.stop_panel()
    workplace.desktop.start_panel()
    until(lambda: len(workplace.tray.icons()) == 2, "both icons", PATIENCE)
    workplace.tray.meet()
    workplace.choose("front", "Page kitchen (1)")
    workplace.asked("kitchen", "anna Is Paging You")
    (box,) = workplace.pages_shown()
    workplace.press(box, 0)
    workplace.says("front", r"kitchen: taken by ben after \d+ s")


def test_a_german_station_speaks_german_and_is_dark(workplace: Workplace) -> None:
    workplace.close_windows()
    workplace.join("bar", "carla", "bar", '[ui]\nlanguage = "de"\ntheme = "dark"\n')
    workplace.says("front", r"Page bar \(1\)")
    workplace.ask("front", "page", to={"person": "carla"}, order=workplace.order(ORDER), note="zwei Kaffee")
    asked = workplace.asked("bar", "anna ruft wegen Order 17")
    assert asked.buttons == {"accepted": "Ich komme", "declined": "Geht nicht", "default": "Öffnen"}
    workplace.pages_shown()
    lines = workplace.lines("bar")
    assert lines[0] == "anna ruft wegen Order 17"
    assert {"Person rufen", "Wegen eines Auftrags rufen", "Aufträge…", "Nicht stören", "Beenden"} < set(lines)
    workplace.choose("bar", "Aufträge…", shot="de-menu")
    until(workplace.window, "carla's window", PATIENCE)
    workplace.shot("de-window")
    colours = workplace.colours(workplace.window() or (0, 0, 1, 1))
    assert max(colours, key=lambda colour: colours[colour]) == rgb(DARK.surface)
    workplace.choose("bar", "anna ruft wegen Order 17", "Ich komme")
    workplace.reaches("front", ORDER, "accepted")
