"""What encodes and decodes them."""

from .. import Media  # noqa: TID252 - to the checkers "av" is the other one


class VideoCodecContext(Media):
    """One codec at work."""
