"""Which operating systems we run on, and what they have to be told before anything else."""

import sys
from io import TextIOWrapper

from agent.domain.errors import NmrError


def check_platform(name: str = sys.platform) -> None:
    """Return on Linux and Windows; raises NmrError anywhere else (N-04, N-05)."""
    if name not in ("linux", "win32"):
        raise NmrError(
            "Incompatible operating system",
            f"No More Running runs on Windows and Linux, this is “{name}”. Install it on one of those.",
            code="incompatible-system",
        )


def speak_utf8() -> None:
    """Write UTF-8 into pipes and files on Windows too: its code pages lack half of what people write to each other."""
    for stream in (sys.stdout, sys.stderr):  # a console takes everything already, and a program without one has None
        if isinstance(stream, TextIOWrapper) and not stream.isatty():
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
