"""A page as it was received, and when something is to be done about it again."""

from agent.domain.effects import Effect, WakeAt
from agent.domain.envelope import URGENT
from agent.domain.events import Arrived, Instant, Presented
from agent.domain.messages import PageNew
from agent.domain.page import NOT_SHOWN, InPage, Ring
from agent.station.pages.lifetime import life_s


def received(event: Arrived, params: PageNew, now: Instant) -> InPage:
    """Return the page of an arrival."""
    envelope, order = event.envelope, params.order
    audience = envelope.audience
    if audience is None:
        raise ValueError("an admitted envelope has an audience")
    page = InPage(
        envelope.id,
        envelope.sender,
        audience,
        envelope.at,
        envelope.exp,
        order.uuid if order else None,
        order.title if order else "",
        params.note,
        envelope.prio == URGENT,
        event.unverified and not now.anchored,
    )
    page.ends_at = None if now.anchored else now.mono + life_s(page)
    return page


def is_news(page: InPage, event: Presented) -> bool:
    """A first showing, or the first that went well after one that did not: the notification daemon came back."""
    return page.ring is Ring.RINGING or (page.ring is Ring.RUNG and event.ok and page.why.startswith(NOT_SHOWN))


def wake(page: InPage) -> list[Effect]:
    """Return the waking a page needs next."""
    at = page.ends_at if page.ring_at is None else page.ring_at
    return [] if at is None else [WakeAt(at)]
