"""Which tray is taken where."""

import asyncio
import importlib.machinery
import importlib.util

import pytest
from dbus_fast.aio import MessageBus

from agent.ui.tray.base import Tray
from agent.ui.tray.choose import choose_tray
from tests.servers.desktop import Bus
from tests.servers.tray_host import tray_host


def gtk_is(there: bool, patch: pytest.MonkeyPatch) -> None:
    """Make it look as if PyGObject was installed, or not, on a desktop with a display."""
    find = importlib.util.find_spec
    spec = importlib.machinery.ModuleSpec("gi", None) if there else None
    patch.setattr(importlib.util, "find_spec", lambda name, *rest: spec if name == "gi" else find(name, *rest))
    patch.setenv("DISPLAY", ":99")
    patch.delenv("NMR_TRAY", raising=False)


async def chosen(address: str, force: str | None = None) -> Tray:
    bus = await MessageBus(address).connect()
    try:
        return await choose_tray(bus, force=force)
    finally:
        bus.disconnect()


@pytest.mark.parametrize("gtk", [True, False])
def test_a_panel_that_speaks_dbus_gets_our_own_item(bus: Bus, monkeypatch: pytest.MonkeyPatch, gtk: bool) -> None:
    gtk_is(gtk, monkeypatch)

    async def run() -> None:
        async with tray_host(bus.address):
            assert (await chosen(bus.address)).name == "sni"

    asyncio.run(run())


def test_without_such_a_panel_an_old_tray_is_tried_where_gtk_is(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    gtk_is(True, monkeypatch)
    assert asyncio.run(chosen(bus.address)).name == "native"


def test_without_gtk_our_item_waits_for_a_panel(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    gtk_is(False, monkeypatch)
    tray = asyncio.run(chosen(bus.address))
    assert tray.name == "sni"
    assert not tray.registered


def test_without_a_bus_and_gtk_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    gtk_is(False, monkeypatch)
    assert asyncio.run(choose_tray(None)).name == "silent"


def test_without_a_display_gtk_is_no_choice(monkeypatch: pytest.MonkeyPatch) -> None:
    gtk_is(True, monkeypatch)
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    assert asyncio.run(choose_tray(None)).name == "silent"


def test_the_choice_can_be_overridden(bus: Bus, monkeypatch: pytest.MonkeyPatch) -> None:
    gtk_is(False, monkeypatch)
    monkeypatch.setenv("NMR_TRAY", "silent")
    assert asyncio.run(chosen(bus.address)).name == "silent"
    assert asyncio.run(chosen(bus.address, force="sni")).name == "sni"


@pytest.mark.parametrize("name", ["sni", "no such tray"])
def test_a_tray_that_cannot_be_had_is_the_silent_one(name: str, caplog: pytest.LogCaptureFixture) -> None:
    assert asyncio.run(choose_tray(None, force=name)).name == "silent"
    assert "no tray icon" in caplog.text
