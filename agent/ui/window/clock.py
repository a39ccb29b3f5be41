"""The time now, and a moment as the clock on the wall shows it."""

import time


def now_ms() -> int:
    """Milliseconds since 1970, as the agent counts them."""
    return time.time_ns() // 1_000_000


def clock(at_ms: int) -> str:
    """Hours and minutes, with the day when it is not today."""
    at, today = time.localtime(at_ms / 1000), time.localtime()
    same_day = (at.tm_year, at.tm_yday) == (today.tm_year, today.tm_yday)
    return time.strftime("%H:%M" if same_day else "%Y-%m-%d %H:%M", at)
