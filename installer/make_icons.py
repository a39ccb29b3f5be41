"""Draw the icons of the tray and of the program, the same pixels on every computer: python installer/make_icons.py."""

import sys
import zlib
from dataclasses import dataclass
from math import cos, radians, sin
from pathlib import Path

from PIL import Image, ImageDraw

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from agent.ui.icons import COUNTS, FACES, SIZES, Panel  # noqa: E402 - this is a script beside the package
from agent.ui.view import IconState  # noqa: E402 - the same

FINE = 8
"""Drawn so many times larger and scaled down, so that edges are smooth."""
WHITE = "#ffffff"
APP_SIZES = (16, 22, 24, 32, 48, 64, 128, 256)
Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Ink:
    """The colours for one kind of panel. A state is never told by its colour alone: each has a shape of its own."""

    calm: str
    mark: str
    off: str
    alarm: str


INKS = {
    Panel.DARK: Ink(calm="#2bc4ab", mark="#ffb300", off="#a3a9ae", alarm="#f4503f"),
    Panel.LIGHT: Ink(calm="#0b7d6c", mark="#d97706", off="#6b7278", alarm="#d32f25"),
    # at least 3 : 1 against #353535 and against #f5f5f4, the panels of common themes
    Panel.ANY: Ink(calm="#109e8a", mark="#e08600", off="#84898e", alarm="#e5432f"),
}


class Shape:
    """White on nothing, in pixels of the finished picture."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.mask = Image.new("L", (size * FINE, size * FINE))
        self._pen = ImageDraw.Draw(self.mask)

    def bar(self, left: float, top: float, right: float, bottom: float, radius: float) -> None:
        """A rectangle with round corners."""
        self._pen.rounded_rectangle(_box(left, top, right, bottom), radius * FINE, fill=255)

    def dome(self, left: float, top: float, right: float, bottom: float) -> None:
        """The upper half of an ellipse."""
        self._pen.pieslice(_box(left, top, right, 2 * bottom - top), 180, 360, fill=255)

    def line(self, points: list[Point], width: float) -> None:
        """A stroke through `points` with round ends and joints."""
        scaled = [(x * FINE, y * FINE) for x, y in points]
        self._pen.line(scaled, fill=255, width=round(width * FINE), joint="curve")
        for x, y in (points[0], points[-1]):
            half = width / 2
            self._pen.ellipse(_box(x - half, y - half, x + half, y + half), fill=255)

    def area(self, points: list[Point], rim: float = 0.0) -> None:
        """A filled polygon, larger by `rim` on every side."""
        self._pen.polygon([(x * FINE, y * FINE) for x, y in points], fill=255)
        if rim:
            self.line([*points, *points[:2]], 2 * rim)

    def without(self, other: "Shape") -> "Shape":
        """This shape with the other cut out."""
        self.mask.paste(0, mask=other.mask)
        return self

    def inked(self, colour: str) -> Image.Image:
        """The finished picture in one colour."""
        picture = Image.new("RGBA", (self.size, self.size), colour)
        picture.putalpha(self.mask.reduce(FINE))
        return picture


def _box(left: float, top: float, right: float, bottom: float) -> tuple[float, float, float, float]:
    return left * FINE, top * FINE, right * FINE - 1, bottom * FINE - 1


@dataclass(frozen=True, slots=True)
class Bell:
    """A reception bell in a square of `size`: knob, dome, base. All edges lie on whole pixels."""

    size: int

    def _at(self, sixteenths: float) -> int:
        return int(sixteenths * self.size / 16 + 0.5)

    @property
    def knob(self) -> int:
        """Half the width of the knob."""
        return max(1, self._at(1.2))

    @property
    def top(self) -> int:
        """Where the dome begins, measured from above."""
        return self._at(1) + max(1, self._at(1.6))

    @property
    def bottom(self) -> int:
        """Where the dome ends."""
        return self._at(11.6)

    def shape(self) -> Shape:
        """The bell, filled."""
        shape, side, rim = Shape(self.size), self._at(1.6), self._at(0.6)
        middle, base = self.size // 2, self.bottom + max(1, int(self.size / 16 + 0.3))
        thick = max(2, self._at(1.9))
        shape.bar(middle - self.knob, self._at(1), middle + self.knob, self.top + self.knob, self.knob * 0.9)
        shape.dome(side, self.top, self.size - side, self.bottom)
        shape.bar(rim, base, self.size - rim, base + thick, thick / 2.2)
        return shape


def _arc(middle: Point, radius: Point, start: float, end: float) -> list[Point]:
    """Points on an ellipse; degrees clockwise from three o'clock."""
    steps = [radians(start + (end - start) * step / 14) for step in range(15)]
    return [(middle[0] + radius[0] * cos(turn), middle[1] + radius[1] * sin(turn)) for turn in steps]


# Each sign as strokes in a field four wide and six high; fonts are unreadable at the five pixels there are.
SIGNS: dict[str, list[list[Point]]] = {
    "!": [[(2, 0), (2, 3.6)], [(2, 5.9), (2, 6)]],
    "+": [[(0, 3.2), (3.2, 3.2)], [(1.6, 1.6), (1.6, 4.8)]],
    "1": [[(0.9, 1.3), (2.3, 0), (2.3, 6)]],
    "2": [[*_arc((2, 1.9), (1.9, 1.9), 190, 390), (0.1, 6), (4, 6)]],
    "3": [_arc((2, 1.55), (1.75, 1.55), 200, 450) + _arc((2, 4.4), (1.95, 1.6), 270, 520)],
    "4": [[(3, 6), (3, 0), (0, 4.3), (4.2, 4.3)]],
    "5": [[(3.7, 0), (0.6, 0), (0.35, 2.7), *_arc((1.95, 4.05), (2, 1.95), 225, 500)]],
    "6": [_arc((2.9, 4.2), (2.8, 4.2), 270, 180) + _arc((2, 4.1), (1.9, 1.9), 180, 540)],
    "7": [[(0, 0), (4, 0), (1.4, 6)]],
    "8": [_arc((2, 1.5), (1.65, 1.5), 90, 450), _arc((2, 4.45), (1.95, 1.55), 270, 630)],
    "9": [_arc((2, 1.9), (1.9, 1.9), 0, 360) + _arc((1.1, 1.8), (2.8, 4.2), 0, 90)],
}


def calm(size: int, ink: Ink) -> Image.Image:
    """All is well: the bell."""
    return Bell(size).shape().inked(ink.calm)


def degraded(size: int, ink: Ink) -> Image.Image:
    """Works, but not as it should: a warning triangle before the bell."""
    side = round(size * 0.5)
    triangle = [(size - side / 2, size - side * 0.95), (float(size), float(size)), (float(size - side), float(size))]
    hole, mark = Shape(size), Shape(size)
    hole.area(triangle, rim=max(1.0, 1.1 * size / 16))
    mark.area(triangle)
    picture = Bell(size).shape().without(hole).inked(ink.calm)
    picture.alpha_composite(mark.inked(ink.mark))
    return picture


def offline(size: int, ink: Ink) -> Image.Image:
    """Nobody can be reached: a grey bell, struck through."""
    width = max(2.0, size / 11)
    stroke: list[Point] = [(size * 0.08, size * 0.09), (size * 0.92, size * 0.93)]
    hole, slash = Shape(size), Shape(size)
    hole.line(stroke, width + 2 * max(1.0, size / 18))
    slash.line(stroke, width)
    picture = Bell(size).shape().without(hole).inked(ink.off)
    picture.alpha_composite(slash.inked(ink.off))
    return picture


def attention(size: int, ink: Ink, text: str) -> Image.Image:
    """Somebody waits for an answer: a red bell with the number in it."""
    bell, signs = Bell(size), Shape(size)
    height = bell.bottom - bell.top
    unit = round(height * 0.62 * 2) / 12 * (1.0 if len(text) == 1 else 0.88)
    left = (size - unit * (4.0 if len(text) == 1 else 8.4)) / 2
    top = bell.bottom - unit * 6 - max(1.0, height * 0.14)
    for sign in text:
        for stroke in SIGNS[sign]:
            signs.line([(left + x * unit, top + y * unit) for x, y in stroke], max(1.15, unit * 1.25))
        left += 5.2 * unit
    picture = bell.shape().inked(ink.alarm)
    picture.alpha_composite(signs.inked(WHITE))
    return picture


def face(name: str, size: int, ink: Ink) -> Image.Image:
    """One of FACES."""
    match name:
        case IconState.OK:
            return calm(size, ink)
        case IconState.DEGRADED:
            return degraded(size, ink)
        case IconState.OFFLINE:
            return offline(size, ink)
    return attention(size, ink, name if name in COUNTS else "!")


def program(size: int) -> Image.Image:
    """The program's own icon, for menus and windows: a white bell on a tile."""
    tile, inner = Shape(size), max(12, round(size * 0.74) // 2 * 2)
    tile.bar(0, 0, size, size, size * 0.22)
    picture = tile.inked("#0e8f7e")
    picture.alpha_composite(Bell(inner).shape().inked(WHITE), ((size - inner) // 2, (size - inner) // 2))
    return picture


def pixels(panel: Panel) -> bytes:
    """All faces for one kind of panel, as agent/ui/icons.py reads them."""
    made = bytearray()
    for name in FACES:
        for size in SIZES:
            red, green, blue, alpha = face(name, size, INKS[panel]).split()
            made += Image.merge("RGBA", (alpha, red, green, blue)).tobytes()
    return bytes(made)


def write_icon_files(folder: Path) -> None:
    """Write everything that lies in assets/icons."""
    folder.mkdir(parents=True, exist_ok=True)
    for panel in Panel:
        (folder / f"tray-{panel}.argb.z").write_bytes(zlib.compress(pixels(panel), 9))
    for size in APP_SIZES:
        program(size).save(folder / f"no-more-running-{size}.png", optimize=True)
    largest, *others = (program(size) for size in reversed(APP_SIZES))
    sizes = [(size, size) for size in APP_SIZES]
    largest.save(folder / "no-more-running.ico", sizes=sizes, append_images=others)


if __name__ == "__main__":
    write_icon_files(ROOT / "assets" / "icons")
