"""How much of what has ended stays, and how long: the newest, as long as there is room for it."""

from collections.abc import Iterable
from itertools import accumulate

from agent.domain.envelope import DAY_MS
from agent.domain.tasks import MIB

REMEMBER_MS = 30 * DAY_MS
"""For so long: at the station that asked for a task after the task's time is over, at a worker after it was done."""
MOST_ENDED = 5000
"""So many: each takes 1 to 2 KiB of memory."""
MOST_SMALL_BYTES = 8 * MIB
"""So much of a worker's results that are no blobs: they are in memory as well."""
MOST_LARGE_BYTES = 512 * MIB
"""So much of results that are blobs: on the disk."""
PRUNE_S = 3600.0
"""How often it is looked at."""


def newest(sizes: Iterable[int], most_bytes: int) -> int:
    """Return how many may stay of what takes so many bytes each, the newest first."""
    stay = 0
    for total in accumulate(sizes):
        if stay == MOST_ENDED or total > most_bytes:
            break
        stay += 1
    return stay
