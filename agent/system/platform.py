"""Which operating systems we run on, asked before anything else."""

import sys

from agent.domain.errors import NmrError


def check_platform(name: str = sys.platform) -> None:
    """Return on Linux and Windows; raises NmrError anywhere else (N-04, N-05)."""
    if name not in ("linux", "win32"):
        raise NmrError(
            "Incompatible operating system",
            f"No More Running runs on Windows and Linux, this is “{name}”. Install it on one of those.",
            code="incompatible-system",
        )
