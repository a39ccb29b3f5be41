"""pystray's own back ends with real icons: GTK on the panel, and Windows' taskbar as wine has it."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.servers.desktop import Desktop
from tests.servers.sight import find_icon, middle, open_menu, vanished
from tests.servers.speaking import speaking
from tests.servers.waiting import eventually
from tests.servers.wine import SLOW, Wine, windows

ROOT = Path(__file__).resolve().parents[3]
SYSTEM_GTK = Path("/usr/lib/python3/dist-packages/gi")
PROGRAM = ("-m", "tests.servers.tray_program")
Said = Callable[[str], Awaitable[None]]
"""Waits until the program says that line."""
ROWS = 4
"""Entries in the program's menu: page the kitchen, page the bar, quiet, quit."""


@pytest.fixture(scope="module")
def plain() -> Iterator[Desktop]:
    """A desktop without notification daemon and sound."""
    if missing := Desktop.missing():
        pytest.skip(f"not installed: {', '.join(missing)}")
    with Desktop(notify=None, sound=False) as started:
        yield started


@pytest.fixture
def gtk_path(tmp_path: Path) -> str:
    """Where a program finds the system's GTK bindings and nothing else of the system's packages."""
    (tmp_path / "gi").symlink_to(SYSTEM_GTK)
    probe = "import gi; gi.require_version('Gtk', '3.0')"
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    found = subprocess.run([sys.executable, "-c", probe], env=env, check=False, capture_output=True, text=True)
    if found.returncode:
        pytest.skip(f"no GTK for this Python: {found.stderr.strip().splitlines()[-1]}")
    return f"{tmp_path}{os.pathsep}{ROOT}"


async def menu_works(desktop: Desktop, empty: Image.Image, said: Said, name: str, *, steady: bool) -> None:
    """Every entry does what it says; in a `steady` menu also when it is changed under a person's hand."""
    icon = await find_icon(desktop, empty)
    menu = await open_menu(desktop, icon)
    await asyncio.to_thread(desktop.click, *middle(menu, ROWS, 1))
    await said("page bar")
    if steady:
        menu = await open_menu(desktop, icon)
        await asyncio.sleep(1.5)  # meanwhile the view changes
    else:
        await asyncio.sleep(1.5)
        menu = await open_menu(desktop, icon)
    desktop.screenshot(f"tray-{name}-open")
    await asyncio.to_thread(desktop.click, *middle(menu, ROWS, 2))
    await said("quiet")
    menu = await open_menu(desktop, icon)
    desktop.screenshot(f"tray-{name}-changed")
    await asyncio.to_thread(desktop.click, *middle(menu, ROWS, 3))
    await said("quit")
    await said("stopped")


@pytest.mark.desktop
def test_the_gtk_icon_shows_the_menu_and_hears_clicks(plain: Desktop, gtk_path: str) -> None:
    async def run() -> None:
        empty = plain.panel_strip()
        env = plain.env | {"NMR_TRAY": "native", "PYTHONPATH": gtk_path}
        async with speaking(sys.executable, *PROGRAM, env=env) as program:
            await program.said("registered")
            await menu_works(plain, empty, program.said, "gtk", steady=False)
        await vanished(plain, empty)

    asyncio.run(run())


@pytest.mark.desktop
@pytest.mark.wine
def test_the_windows_icon_shows_the_menu_and_hears_clicks(plain: Desktop, tmp_path: Path) -> None:
    async def run(wine: Wine) -> None:
        empty = plain.panel_strip()
        program = wine.start(*PROGRAM)

        async def said(line: str) -> None:
            await eventually(lambda: line in program.said.splitlines(), SLOW)

        await said("tray native")
        await said("registered")
        await menu_works(plain, empty, said, "windows", steady=True)
        await vanished(plain, empty)

    with windows(plain.env, tmp_path) as wine:
        asyncio.run(run(wine))
