"""Frames of any kind."""

from . import Media


class Frame(Media):
    """A piece of sound or a picture."""
