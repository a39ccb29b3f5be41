"""A stand-in for PyAV: aiortc can be imported and opens data channels, and every call for media fails clearly."""

from typing import NoReturn

__version__ = "18.1.0+nomedia"


class FFmpegError(Exception):
    """What PyAV raises when FFmpeg fails; aiortc catches it."""


class NoMedia(RuntimeError):
    """Somebody wanted sound or pictures of a build that only has data channels."""

    def __init__(self, what: str) -> None:
        super().__init__(f"av.{what}: this build opens data channels only; install PyAV in place of its stand-in")


class Media:
    """What aiortc names when it is imported, and nobody can make."""

    def __init__(self, *_: object, **__: object) -> None:
        raise NoMedia(type(self).__name__)

    @classmethod
    def create(cls, *_: object, **__: object) -> NoReturn:
        """Make one; raises NoMedia."""
        raise NoMedia(f"{cls.__name__}.create")


class AudioFrame(Media):
    """Sound."""


class VideoFrame(Media):
    """A picture."""


class AudioResampler(Media):
    """Turns sound into other sound."""


class CodecContext(Media):
    """Encodes or decodes."""


def open(*_: object, **__: object) -> NoReturn:  # noqa: A001 - PyAV calls it so
    """Open a file or device; raises NoMedia."""
    raise NoMedia("open")
