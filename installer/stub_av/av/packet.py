"""Encoded pieces."""

from . import Media


class Packet(Media):
    """An encoded piece of sound or picture."""
