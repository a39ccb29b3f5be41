"""One of them."""

from .. import Media  # noqa: TID252 - to the checkers "av" is the other one


class VideoStream(Media):
    """Pictures one after the other."""
