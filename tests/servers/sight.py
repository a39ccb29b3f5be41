"""Find things on the screen of a test desktop by what changed there."""

import asyncio
from collections.abc import Callable

from PIL import Image, ImageChops

from tests.servers.desktop import PANEL, Desktop
from tests.servers.waiting import eventually

Box = tuple[int, int, int, int]
"""Left, top, right, bottom."""
TALLER_THAN_A_TOOLTIP = 60
"""Pixels; any menu of four entries is."""


def difference(one: Image.Image, other: Image.Image) -> Box | None:
    """The box in which two pictures of the same size differ."""
    return ImageChops.difference(one.convert("RGB"), other.convert("RGB")).getbbox()


async def settled(look: Callable[[], Image.Image], before: Image.Image, tall: int = 1) -> Box:
    """The box that differs from `before`, as soon as it is `tall` pixels high and three looks were alike."""
    seen: list[Box | None] = []

    async def alike() -> bool:
        seen.append(difference(before, await asyncio.to_thread(look)))
        box = seen[-1]
        return box is not None and box[3] - box[1] >= tall and seen[-3:] == [box] * 3

    await eventually(alike, 10)
    assert seen[-1] is not None
    return seen[-1]


async def vanished(desktop: Desktop, empty: Image.Image) -> None:
    """Wait until the panel is empty again."""
    await eventually(lambda: difference(empty, desktop.panel_strip()) is None)


def middle(box: Box, rows: int = 1, row: int = 0) -> tuple[int, int]:
    """The middle of one of `rows` equal rows of a box."""
    left, top, right, bottom = box
    return (left + right) // 2, round(top + (bottom - top) * (row + 0.5) / rows)


async def find_icon(desktop: Desktop, empty: Image.Image) -> tuple[int, int]:
    """Where on the screen the icon is, found as what the panel did not show before."""
    x, y = middle(await settled(desktop.panel_strip, empty))
    return PANEL[0] + x, PANEL[1] + y


async def open_menu(desktop: Desktop, icon: tuple[int, int]) -> Box:
    """Right click; returns the box of the menu on the screen."""
    x, y = icon
    await asyncio.to_thread(desktop.move, x, y)
    before = desktop.pixels()
    await asyncio.to_thread(desktop.click, x, y, 3)

    def above_panel() -> Image.Image:
        return desktop.pixels().crop((0, 0, 1024, PANEL[1]))

    return await settled(above_panel, before.crop((0, 0, 1024, PANEL[1])), TALLER_THAN_A_TOOLTIP)
