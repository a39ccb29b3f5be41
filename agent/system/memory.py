"""Gives memory that was only needed for starting back to the system."""

import gc
import sys


def give_back() -> None:
    """Collect garbage, keep what is left out of later collections, and let the C library return free pages.

    Loading modules leaves some 5 MiB of holes that glibc would keep for ever; other systems do this by themselves.
    """
    gc.collect()
    gc.freeze()
    if sys.platform == "linux":
        import ctypes
        from contextlib import suppress

        with suppress(OSError, AttributeError):  # another C library than glibc
            ctypes.CDLL(None).malloc_trim(0)
