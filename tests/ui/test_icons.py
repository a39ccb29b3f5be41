"""The faces of the icon: all there, all different, all readable, and the same as the drawings."""

import subprocess
import sys
import zlib
from itertools import combinations
from pathlib import Path

import pytest

from agent.system.assets import asset
from agent.ui.icons import FACES, SIZES, Panel, Picture, Pixmap
from agent.ui.view import IconState
from installer.make_icons import APP_SIZES, pixels, write_icon_files

PANELS = {Panel.DARK: [(53, 53, 53)], Panel.LIGHT: [(245, 245, 244)], Panel.ANY: [(53, 53, 53), (245, 245, 244)]}
STATES = [Picture(state, count, panel) for panel in Panel for state in IconState for count in (0, 3)]


def opaque(pixmap: Pixmap) -> list[tuple[int, int, int]]:
    """Red, green and blue of the pixels that cover."""
    argb = pixmap[2]
    return [tuple(argb[at + 1 : at + 4]) for at in range(0, len(argb), 4) if argb[at] == 255]  # type: ignore[misc] # three


def light(colour: tuple[int, int, int]) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [value / 255 for value in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: tuple[int, int, int], other: tuple[int, int, int]) -> float:
    """From 1 (the same) to 21 (black and white)."""
    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("panel", Panel)
def test_what_is_shipped_is_what_is_drawn(panel: Panel) -> None:
    assert zlib.decompress(asset(f"icons/tray-{panel}.argb.z").read_bytes()) == pixels(panel)


def test_every_face_comes_in_every_size() -> None:
    for picture in STATES:
        assert [pixmap[:2] for pixmap in picture.pixmaps()] == [(size, size) for size in SIZES]
        assert all(len(argb) == 4 * width * height for width, height, argb in picture.pixmaps())


def test_no_two_faces_look_alike_even_without_colour() -> None:
    def grey(face: str) -> bytes:
        at = FACES.index(face) * sum(4 * size * size for size in SIZES)
        argb = zlib.decompress(asset("icons/tray-any.argb.z").read_bytes())[at : at + 4 * 16 * 16]
        return b"".join(
            bytes((argb[i], round(light((argb[i + 1], argb[i + 2], argb[i + 3])) * 20))) for i in range(0, len(argb), 4)
        )

    for one, other in combinations(FACES, 2):
        differing = sum(a != b for a, b in zip(grey(one), grey(other), strict=True))
        assert differing >= 4, f"{one} and {other}"


@pytest.mark.parametrize("picture", STATES, ids=str)
def test_the_bell_stands_out_from_the_panel_it_is_made_for(picture: Picture) -> None:
    colours = opaque(picture.pixmaps()[-1])
    main = max(set(colours), key=colours.count)
    for background in PANELS[picture.panel]:
        assert contrast(main, background) >= 3, f"{main} on {background}"


def test_the_number_can_be_told_from_the_bell() -> None:
    for panel in Panel:
        colours = opaque(Picture(IconState.ATTENTION, 3, panel).pixmaps()[-1])
        main = max(set(colours), key=colours.count)
        assert contrast(main, (255, 255, 255)) >= 3


def test_more_than_nine_pages_show_as_nine_and_more() -> None:
    assert Picture(IconState.ATTENTION, 9).face == "9"
    assert Picture(IconState.ATTENTION, 10).face == "9+"
    assert Picture(IconState.ATTENTION, 4000).face == "9+"


def test_a_number_is_shown_only_when_somebody_waits() -> None:
    assert Picture(IconState.OFFLINE, 2).face == "offline"
    assert Picture(IconState.ATTENTION, 0).face == "attention"


@pytest.mark.parametrize(("wanted", "got"), [(1, 16), (16, 16), (17, 20), (20, 20), (41, 48), (400, 48)])
def test_pillow_gets_the_smallest_picture_that_is_large_enough(wanted: int, got: int) -> None:
    picture = Picture(IconState.OK)
    image = picture.image(wanted)
    assert image.size == (got, got)
    red, green, blue, alpha = image.split()
    argb = next(pixmap[2] for pixmap in picture.pixmaps() if pixmap[0] == got)
    assert [plane.tobytes() for plane in (alpha, red, green, blue)] == [argb[channel::4] for channel in range(4)]


def test_showing_an_icon_loads_no_drawing_library() -> None:
    code = (
        "import sys; from agent.ui.icons import Picture; from agent.ui.view import IconState;"
        "Picture(IconState.ATTENTION, 3).pixmaps(); sys.exit(any(name.split('.')[0] == 'PIL' for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_all_files_of_the_icons_can_be_made_again(tmp_path: Path) -> None:
    write_icon_files(tmp_path)
    made = {path.name for path in tmp_path.iterdir()}
    assert made == {path.name for path in asset("icons").iterdir()}
    assert f"no-more-running-{APP_SIZES[-1]}.png" in made
