"""Which STUN and TURN servers a station is told about when it is let in, and how long its password there is good."""

from agent.domain.messages import Ice
from agent.hub.turn import turn_credentials
from agent.system.config.schema import Hub


def ice_of(settings: Hub, station: str, now_ms: int) -> Ice | None:
    """Return what this station may use from now on; None if nothing is configured."""
    urls = settings.turn.urls if settings.turn.secret else ()
    if not urls:
        return Ice(stun=settings.stun) if settings.stun else None
    shown = turn_credentials(settings.turn.secret, station, now_ms)
    return Ice(stun=settings.stun, turn=urls, user=shown.user, password=shown.password, until=shown.until)
