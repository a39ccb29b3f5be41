"""pystray's own back ends with real icons: GTK on the panel, and Windows' taskbar as wine has it."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from tests.servers.desktop import Desktop
from tests.servers.sight import find_icon, middle, open_menu, vanished
from tests.servers.speaking import Speaking, speaking

ROOT = Path(__file__).resolve().parents[3]
SYSTEM_GTK = Path("/usr/lib/python3/dist-packages/gi")
PROGRAM = ("-m", "tests.servers.tray_program")
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


@pytest.fixture
def windows(plain: Desktop, tmp_path: Path) -> Iterator[dict[str, str]]:
    """What Python for Windows needs around it. NMR_WINE_PYTHON names its python.exe, which has pystray and Pillow."""
    python = os.environ.get("NMR_WINE_PYTHON")
    if shutil.which("wine") is None or python is None:
        pytest.skip("no wine, or NMR_WINE_PYTHON does not name a python.exe with pystray and Pillow")
    env = plain.env | {
        "WINEPREFIX": os.environ.get("NMR_WINE_PREFIX", str(tmp_path / "prefix")),
        "WINEARCH": "win64",
        "WINEDEBUG": "-all",
        "WINEDLLOVERRIDES": "mscoree,mshtml=",
        "PYTHONPATH": "Z:" + str(ROOT).replace("/", "\\"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHON_EXE": python,
    }
    quiet = subprocess.DEVNULL
    subprocess.run(["wineboot"], env=env, stdin=quiet, stdout=quiet, stderr=quiet, timeout=110, check=True)
    yield env
    subprocess.run(["wineserver", "-k"], env=env, check=False)


async def menu_works(desktop: Desktop, empty: Image.Image, program: Speaking, name: str, *, steady: bool) -> None:
    """Every entry does what it says; in a `steady` menu also when it is changed under a person's hand."""
    icon = await find_icon(desktop, empty)
    menu = await open_menu(desktop, icon)
    await asyncio.to_thread(desktop.click, *middle(menu, ROWS, 1))
    await program.said("page bar")
    if steady:
        menu = await open_menu(desktop, icon)
        await asyncio.sleep(1.5)  # meanwhile the view changes
    else:
        await asyncio.sleep(1.5)
        menu = await open_menu(desktop, icon)
    desktop.screenshot(f"tray-{name}-open")
    await asyncio.to_thread(desktop.click, *middle(menu, ROWS, 2))
    await program.said("quiet")
    menu = await open_menu(desktop, icon)
    desktop.screenshot(f"tray-{name}-changed")
    await asyncio.to_thread(desktop.click, *middle(menu, ROWS, 3))
    await program.said("quit")
    await program.said("stopped")


@pytest.mark.desktop
def test_the_gtk_icon_shows_the_menu_and_hears_clicks(plain: Desktop, gtk_path: str) -> None:
    async def run() -> None:
        empty = plain.panel_strip()
        env = plain.env | {"NMR_TRAY": "native", "PYTHONPATH": gtk_path}
        async with speaking(sys.executable, *PROGRAM, env=env) as program:
            await program.said("registered")
            await menu_works(plain, empty, program, "gtk", steady=False)
        await vanished(plain, empty)

    asyncio.run(run())


@pytest.mark.desktop
@pytest.mark.wine
def test_the_windows_icon_shows_the_menu_and_hears_clicks(plain: Desktop, windows: dict[str, str]) -> None:
    async def run() -> None:
        empty = plain.panel_strip()
        async with speaking("wine", windows["PYTHON_EXE"], *PROGRAM, env=windows) as program:
            await program.said("tray native", 60)
            await program.said("registered")
            await menu_works(plain, empty, program, "windows", steady=True)
        await vanished(plain, empty)

    asyncio.run(run())
