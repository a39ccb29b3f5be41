"""Message ids: UUIDv7, so that they sort by the time they were made."""

import os
import time


def new_id() -> str:
    """Return 32 hex digits of a UUIDv7 (RFC 9562): 48 bits of time, the rest random."""
    value = (time.time_ns() // 1_000_000 & 0xFFFFFFFFFFFF) << 80 | int.from_bytes(os.urandom(10), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return f"{value:032x}"
