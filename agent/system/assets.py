"""Where the icons, sounds and translations lie, from a checkout as from an installed package."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_PLACES = (_PACKAGE / "assets", _PACKAGE.parent / "assets")  # installed, then checkout


def asset(name: str) -> Path:
    """The file or folder called `name` below `assets/`, with `/` between the parts.

    Raises:
        FileNotFoundError: Neither the package nor the checkout has it; the installation is damaged.
    """
    for place in _PLACES:
        path = place / name
        if path.exists():
            return path
    raise FileNotFoundError(f"asset {name!r} is in none of: {', '.join(map(str, _PLACES))}")
