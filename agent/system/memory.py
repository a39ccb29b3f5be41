"""Keeps what the C library holds for this process small."""

import gc
import sys

_M_ARENA_MAX = -8  # <malloc.h>


def one_heap() -> None:
    """Let all threads share one heap; to be called before the first is started.

    glibc gives each thread a heap of its own, and what one has freed no other gets: nearly 1 MiB in an agent. They
    hardly ever wait for each other there, for they hold Python's own lock when they allocate.
    """
    _ask_glibc("mallopt", _M_ARENA_MAX, 1)


def give_back() -> None:
    """Collect garbage, keep what is left out of later collections, and let the C library return free pages.

    Loading modules leaves some 5 MiB of holes that glibc would keep for ever; other systems do this by themselves.
    """
    gc.collect()
    gc.freeze()
    _ask_glibc("malloc_trim", 0)


def _ask_glibc(function: str, *numbers: int) -> None:
    if sys.platform == "linux":
        import ctypes
        from contextlib import suppress

        with suppress(OSError, AttributeError):  # another C library than glibc
            getattr(ctypes.CDLL(None), function)(*numbers)
