"""How long a page counts: until the hub's time says that it is over, or its whole life has passed before our eyes.

No other clock ends a page: that of a computer may be years wrong until the hub has told the time.
"""

from agent.domain.events import Instant
from agent.domain.page import InPage, OutPage


def life_s(page: InPage | OutPage) -> float:
    """Return for how many seconds its sender means the page to count."""
    return (page.exp - page.at) / 1000


def is_over(page: InPage | OutPage, now: Instant) -> bool:
    """Whether it counts no longer."""
    return page.exp <= now.sure_ms or (page.ends_at is not None and page.ends_at <= now.mono)


def is_doubtful(page: InPage | OutPage, now: Instant) -> bool:
    """Whether it is over by our own clock only."""
    return not now.anchored and page.exp <= now.ms
