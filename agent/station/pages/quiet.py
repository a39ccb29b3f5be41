"""Do not disturb: for so many minutes nothing sounds at this desk but what is urgent."""

from agent.domain.effects import Effect, Refresh, Reply, Tell, WakeAt
from agent.domain.errors import BadInput
from agent.domain.events import Instant, QuietAsked
from agent.station.desk import Desk


def asked(desk: Desk, event: QuietAsked, now: Instant) -> list[Effect]:
    """A person wants quiet, or enough of it."""
    most = desk.habits.quiet_most_minutes
    if not 0 <= event.minutes <= most:
        error = BadInput("Not that long", f"At most {most} minutes are allowed here", field="minutes")
        if event.ticket is None:
            return [Tell("error", {"title": error.title, "message": error.message}, key="error")]
        return [Reply(event.ticket, error=error)]
    until = now.mono + event.minutes * 60
    desk.quiet_until = until if event.minutes else None
    done: list[Effect] = [] if event.ticket is None else [Reply(event.ticket)]
    return [*done, *([WakeAt(until)] if event.minutes else []), Refresh()]


def woke(desk: Desk, now: Instant) -> None:
    """Forget a quiet that is over."""
    if desk.quiet_until is not None and not desk.quiet(now.mono):
        desk.quiet_until = None
