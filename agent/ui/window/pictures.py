"""Small smooth pictures as PNG bytes: rounded boxes, discs, ticks and crosses; Tk itself draws them with steps.

A shape is a signed distance: how far a pixel's middle lies outside (+) or inside (-) of it, in pixels.
A picture is a pile of (shape, colour), the first at the bottom, on a known background: for a picture
with an alpha channel Tk asks the X server back for each piece it draws, which takes a second for one window.
"""

from __future__ import annotations

import struct
import zlib
from functools import cache

from agent.ui.window.palette import rgb

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from agent.ui.window.model.ladder import Mark

    Shape = Callable[[float, float], float]
    DrawTick = Callable[[int, str, str, str, str | None], bytes]
    Layer = tuple[Shape, str]
    Colour = tuple[int, int, int]

STROKE = 0.15
"""Width of ticks and rings, as a part of the picture's size."""


def box(size: tuple[int, int], radius: int, back: str, fill: str, edge: str = "", stroke: int = 1) -> bytes:
    """A box with round corners and a border of `stroke` pixels; wider and higher than 2 × radius."""
    width, height = size
    below, inside, around = rgb(back), rgb(fill), rgb(edge or fill)
    rows = []
    for covers in _corner(radius, stroke):
        left = [_over(_over(below, around, outer), inside, inner) for outer, inner in covers]
        rows.append(b"".join(map(bytes, [*left, *[left[-1]] * (width - 2 * len(left)), *reversed(left)])))
    return png(width, [*rows, *[rows[-1]] * (height - 2 * len(rows)), *reversed(rows)])


@cache
def _corner(radius: int, stroke: int) -> list[list[tuple[float, float]]]:
    """How much of each pixel of the upper left corner the box covers, and the box without its border."""
    middles = [min(i + 0.5, radius) for i in range(radius + 1)]  # with one pixel of the straight sides
    away = [[_length(radius - x, radius - y) - radius for x in middles] for y in middles]
    return [[(_cover(distance), _cover(distance + stroke)) for distance in row] for row in away]


def mark(kind: Mark, size: int, back: str, colour: str, inner: str) -> bytes:
    """One rung of a ladder: a point, a ring, a disc, a disc with a tick or with a cross in the colour `inner`."""
    middle = size / 2
    disc = _disc(middle, middle * {"none": 0.3, "hollow": 0.72, "full": 0.72}.get(kind, 1.0))
    if kind == "hollow":
        return _square(size, back, [(_ring(disc, size * STROKE), colour)])
    lines = {"done": _tick, "bad": _cross}.get(kind)
    return _square(size, back, [(disc, colour), (lines(size), inner)] if lines else [(disc, colour)])


def tick_box(size: int, back: str, fill: str, edge: str, tick: str | None) -> bytes:
    """A box to tick, ticked when a colour for the tick is given."""
    shape = _rounded(size, max(2, size // 5))
    layers: list[Layer] = [(shape, edge), (_shrunk(shape, max(1, size / 14)), fill)]
    return _square(size, back, [*layers, (_tick(size), tick)] if tick else layers)


def choice(size: int, back: str, fill: str, edge: str, dot: str | None) -> bytes:
    """A round choice, with a dot when a colour for it is given."""
    shape = _disc(size / 2, size / 2)
    layers: list[Layer] = [(shape, edge), (_shrunk(shape, max(1, size / 14)), fill)]
    return _square(size, back, [*layers, (_disc(size / 2, size * 0.22), dot)] if dot else layers)


def _square(size: int, back: str, layers: Sequence[Layer]) -> bytes:
    below, middles = rgb(back), [i + 0.5 for i in range(size)]
    colours = [(shape, rgb(colour)) for shape, colour in layers]
    rows = []
    for y in middles:
        row = b""
        for x in middles:
            pixel = below
            for shape, colour in colours:
                pixel = _over(pixel, colour, _cover(shape(x, y)))
            row += bytes(pixel)
        rows.append(row)
    return png(size, rows)


def _cover(distance: float) -> float:
    """How much of a pixel lies inside of a shape whose border is so far away, 0 to 1."""
    return min(1.0, max(0.0, 0.5 - distance))


def _over(below: Colour, colour: Colour, cover: float) -> Colour:
    """One colour laid over another."""
    if not cover:
        return below
    if cover >= 1:
        return colour
    red, green, blue = (round(old + (new - old) * cover) for old, new in zip(below, colour, strict=True))
    return red, green, blue


def _length(x: float, y: float) -> float:
    return float((x * x + y * y) ** 0.5)


def _disc(middle: float, radius: float) -> Shape:
    return lambda x, y: _length(x - middle, y - middle) - radius


def _ring(shape: Shape, width: float) -> Shape:
    return lambda x, y: max(shape(x, y), -shape(x, y) - width)


def _shrunk(shape: Shape, by: float) -> Shape:
    return lambda x, y: shape(x, y) + by


def _rounded(size: int, radius: float) -> Shape:
    inner = size / 2 - radius

    def distance(x: float, y: float) -> float:
        over, under = abs(x - size / 2) - inner, abs(y - size / 2) - inner
        return _length(max(over, 0.0), max(under, 0.0)) + min(max(over, under), 0.0) - radius

    return distance


def _tick(size: int) -> Shape:
    short = _stroke((0.29 * size, 0.52 * size), (0.44 * size, 0.67 * size), size * STROKE / 2)
    long = _stroke((0.44 * size, 0.67 * size), (0.72 * size, 0.35 * size), size * STROKE / 2)
    return lambda x, y: min(short(x, y), long(x, y))


def _cross(size: int) -> Shape:
    down = _stroke((0.34 * size, 0.34 * size), (0.66 * size, 0.66 * size), size * STROKE / 2)
    up = _stroke((0.34 * size, 0.66 * size), (0.66 * size, 0.34 * size), size * STROKE / 2)
    return lambda x, y: min(down(x, y), up(x, y))


def _stroke(start: tuple[float, float], end: tuple[float, float], half_width: float) -> Shape:
    along_x, along_y = end[0] - start[0], end[1] - start[1]
    square = along_x**2 + along_y**2

    def distance(x: float, y: float) -> float:
        part = min(1.0, max(0.0, ((x - start[0]) * along_x + (y - start[1]) * along_y) / square))
        return _length(x - start[0] - part * along_x, y - start[1] - part * along_y) - half_width

    return distance


def png(width: int, rows: list[bytes]) -> bytes:
    """A picture from its rows of 3 × width bytes."""
    head = struct.pack(">IIBBBBB", width, len(rows), 8, 2, 0, 0, 0)
    data = zlib.compress(b"".join(b"\0" + row for row in rows), 1)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
