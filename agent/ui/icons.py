"""The faces of the tray icon as pixels, ready-made, so that an agent need not load a drawing library."""

import zlib
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

from agent.system.assets import asset
from agent.ui.view import IconState

if TYPE_CHECKING:
    from PIL.Image import Image

# assets/icons/tray-PANEL.argb.z, one for each kind of panel, is zlib over all faces one after another:
#   face   = one picture for each of SIZES      in the order of FACES
#   picture = size × size pixels, row by row     pixel = alpha, red, green, blue, one byte each
# installer/make_icons.py draws and writes them; a test holds both together.
SIZES = (16, 20, 22, 24, 32, 40, 48)
"""Width and height of the pictures of one face, in pixels."""
COUNTS = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "9+")
FACES = (IconState.OK, IconState.DEGRADED, IconState.OFFLINE, IconState.ATTENTION, *COUNTS)
"""Every face by name; those named like a number are ATTENTION with that number in the bell."""
_FACE_BYTES = sum(4 * size * size for size in SIZES)

Pixmap = tuple[int, int, bytes]
"""Width, height, pixels."""


class Panel(StrEnum):
    """On what the icon lies; ANY has colours that can be told from dark and from light, where nobody can know."""

    DARK = "dark"
    LIGHT = "light"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Picture:
    """One look of the icon: the state, and how many pages wait for an answer (0: none is shown)."""

    state: IconState
    count: int = 0
    panel: Panel = Panel.ANY

    @property
    def attention(self) -> bool:
        """Whether somebody should look."""
        return self.state is IconState.ATTENTION

    @property
    def face(self) -> str:
        """Which of FACES this is."""
        if self.state is not IconState.ATTENTION or self.count < 1:
            return self.state
        return COUNTS[min(self.count, len(COUNTS)) - 1]

    def pixmaps(self) -> tuple[Pixmap, ...]:
        """The picture in all SIZES."""
        return _pixmaps(self.face, self.panel)

    def image(self, size: int) -> "Image":
        """The picture for Pillow in the smallest of SIZES that is at least `size`, or the largest."""
        from PIL import Image

        width, height, argb = next((made for made in self.pixmaps() if made[0] >= size), self.pixmaps()[-1])
        alpha, red, green, blue = (argb[channel::4] for channel in range(4))
        planes = [Image.frombytes("L", (width, height), plane) for plane in (red, green, blue, alpha)]
        return Image.merge("RGBA", planes)


@lru_cache(maxsize=8)
def _pixmaps(face: str, panel: Panel) -> tuple[Pixmap, ...]:
    packed = asset(f"icons/tray-{panel}.argb.z").read_bytes()
    at = FACES.index(face) * _FACE_BYTES
    pixels = zlib.decompress(packed)[at : at + _FACE_BYTES]
    made = []
    for size in SIZES:
        made.append((size, size, pixels[: 4 * size * size]))
        pixels = pixels[4 * size * size :]
    return tuple(made)
