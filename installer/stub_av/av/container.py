"""Files and devices."""

from . import Media


class InputContainer(Media):
    """One to read from."""


class OutputContainer(Media):
    """One to write to."""
