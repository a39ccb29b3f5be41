"""Letters of an enrolment in a station's mailbox: left for the command that waits for them, or put away."""

from collections.abc import Callable
from pathlib import Path

from agent.links.base import Delivery
from agent.system.credentials import is_pending
from agent.wire.enrol_letter import is_enrol_letter

MOST_LEFT = 32
"""More are put away: what is left counts towards what the mailbox hands up at most, and any member can write some."""


def before(router: Callable[[Delivery], None], secrets_folder: Path) -> Callable[[Delivery], None]:
    """Return what takes these letters and leaves everything else to the router."""
    left = 0

    def arrived(delivery: Delivery) -> None:
        nonlocal left
        if not is_enrol_letter(delivery.sealed):
            router(delivery)
        elif is_pending(secrets_folder) and left < MOST_LEFT:
            left += 1
        else:
            delivery.accept()

    return arrived
