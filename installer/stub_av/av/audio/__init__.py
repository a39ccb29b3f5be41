"""Streams of sound."""

from .. import Media  # noqa: TID252 - to the checkers "av" is the other one


class AudioStream(Media):
    """One of them."""
