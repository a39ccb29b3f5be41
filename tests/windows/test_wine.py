"""The agent on Windows, tray, window, pipe, sound and all, at a site whose hub is a Linux computer.

The tests share one agent and stand in the order of a working day; the one that quits it is the last.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.demo.site import Site
from agent.system.control import connect_to
from tests.servers.desktop import Desktop
from tests.servers.programs import until
from tests.servers.wine import SLOW, windows
from tests.windows.station import WindowsStation

pytestmark = [pytest.mark.wine, pytest.mark.desktop, pytest.mark.timeout(300)]

TITLE, FORM = "No More Running", "New Order"
"""Of the window and of the form it opens for Ctrl+N."""
TONE = 880
"""Hz, of the sound a page makes."""


def live(site: Site) -> list[str]:
    """The stations that are there, as the hub has it."""
    with connect_to(site.profile("hub").hub_control_address) as hub:
        return [one["station"] for one in hub.request("hub.stations") if one["live"]]


def kitchen_pages(site: Site) -> list[dict[str, Any]]:
    """The pages the kitchen knows of."""
    with site.talk("kitchen") as kitchen:
        pages: list[dict[str, Any]] = next(kitchen.watch())["pages"]
        return pages


def page_the_front_desk(site: Site, note: str, *, until_it: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Page the front desk from the kitchen; returns the page as soon as the kitchen sees it as wanted."""
    with site.talk("kitchen") as kitchen:
        for event in kitchen.follow("page", to={"role": "front-desk"}, note=note, wait=True):
            page: dict[str, Any] = event["page"]
            if until_it(page):
                return page
    raise AssertionError(f"the page settled as {page}")


def painted(desktop: Desktop, title: str) -> bool:
    """Whether a window shows what is in it; before that wine leaves it black, and loses what is typed."""
    box = desktop.window_box(title)
    return box is not None and desktop.pixels().crop(box).convert("L").getextrema() != (0, 0)


def test_an_invite_makes_a_windows_computer_a_station(front: WindowsStation, site: Site) -> None:
    assert front.enrolled == {"site": "demo", "station": "front", "person": "anna"}
    until(lambda: live(site) == ["front", "kitchen"], "Anna among those who are there")


def test_the_agent_tells_on_its_pipe_how_it_is(
    front: WindowsStation, record_testsuite_property: Callable[[str, object], None]
) -> None:
    assert front.agent
    record_testsuite_property("under wine, start to icon, s", round(front.seconds_to_icon, 2))
    record_testsuite_property("under wine, resident, MiB", round(front.agent.megabytes))
    status = front.asked("status")
    assert (status["station"], status["person"], status["roles"]) == ("front", "anna", ["front-desk"])
    assert (status["state"], status["tray"]) == ("ok", "native")
    assert [(link["name"], link["state"]) for link in status["links"]] == [("mqtt", "up")]


def test_a_click_in_the_menu_of_the_icon_pages_the_kitchen(front: WindowsStation, site: Site) -> None:
    front.press_first_entry()  # Page kitchen
    until(lambda: kitchen_pages(site), "Anna's page in the kitchen")
    (page,) = kitchen_pages(site)
    assert (page["from_person"], page["to"], page["out"]) == ("anna", "kitchen", False)


def test_every_letter_gets_through_the_command_line(front: WindowsStation, site: Site) -> None:
    note = "Grüße → naïve 北京 🍕"
    asked = front.asked("page", "role:kitchen", "--note", note)["page"]
    until(lambda: (asked, note) in [(page["id"], page["note"]) for page in kitchen_pages(site)], "the note")
    front.nmr("order", "add", "Tisch 4 → 🍕")
    assert "Tisch 4 → 🍕" in front.nmr("order", "list").said


def test_a_page_from_linux_is_shown_heard_and_answered(front: WindowsStation, site: Site, desktop: Desktop) -> None:
    with desktop.record() as sound:
        page = page_the_front_desk(site, "the soup", until_it=lambda page: page["state"] == "presented")
        (target,) = page["targets"]
        assert (target["station"], target["link"], target["why"]) == ("front", "mqtt", "")
        until(lambda: sound.loud_seconds() > 0.2, "the sound of the page")
        assert sound.strongest() == TONE
    desktop.screenshot("wine-page")
    # Wine has no toasts, so the balloon shows it.
    assert front.asked("status")["notifier"] == "plyer"
    front.press_first_answer()  # On my way
    with site.talk("kitchen") as kitchen:
        until(lambda: {p["id"]: p for p in next(kitchen.watch())["pages"]}[page["id"]]["state"] == "accepted", "yes")
    desktop.screenshot("wine-answered")


def test_a_second_start_opens_the_window_of_the_first(front: WindowsStation, site: Site, desktop: Desktop) -> None:
    assert front.nmr("run").process.returncode == 0
    until(lambda: desktop.focused() == TITLE, "the window", SLOW)
    desktop.press_key("ctrl+n", lambda: desktop.focused() == FORM, "the form over the window")
    until(lambda: painted(desktop, FORM), "what is in the form", SLOW)
    for _ in range(2):  # what is typed in the very moment a window appears is sometimes lost
        desktop.key("ctrl+a")
        desktop.type("Order 17")
    desktop.screenshot("wine-form")

    def titles() -> list[str]:
        with site.talk("kitchen") as kitchen:
            return [order["title"] for order in kitchen.request("orders")]

    desktop.press_key("Return", lambda: "Order 17" in titles(), "the order typed into the window")
    until(lambda: desktop.focused() == TITLE, "the window behind the form")
    desktop.screenshot("wine-window")
    desktop.press_key("ctrl+w", lambda: desktop.find_window(TITLE) is None, "the end of the window")
    assert "window-fault" not in front.log


def test_quit_on_the_pipe_ends_it_without_a_trace(front: WindowsStation, site: Site) -> None:
    assert front.agent
    assert front.nmr("quit").process.returncode == 0
    assert front.agent.wait() == 0
    assert "Traceback" not in front.agent.said
    assert not [line for line in front.log.splitlines() if " ERROR " in line]
    until(front.icon_is_gone, "an empty panel")
    gone = front.nmr("status")
    assert (gone.process.returncode, gone.said) == (69, "nmr: The agent is not running. Start it with: nmr run\r\n")
    until(lambda: live(site) == ["kitchen"], "Anna's good-bye")


def test_hub_broker_and_two_stations_run_on_windows_alone(desktop: Desktop, tmp_path: Path) -> None:
    with windows(desktop.env, tmp_path, "hub") as wine:
        demo = wine.start("-m", "agent", "demo", "--once", "--json")
        assert demo.wait(150) == 0, demo.said
        assert '"step": "page accepted"' in demo.said
