"""The first start of an agent that IT installed: it joins by the invite that was left, as soon as it can."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator
from itertools import repeat
from pathlib import Path

from agent.domain.errors import Unavailable
from agent.station.enrol import enrol
from agent.system.beside import beside
from agent.system.credentials import Credentials
from agent.system.deployment import Deployment, deployment
from agent.system.log import event
from agent.system.paths import Profile

log = logging.getLogger(__name__)


def patience() -> Iterator[float]:
    """Pauses between two tries, seconds: networks come up after their users, some only with a VPN."""
    yield from (2, 5, 10, 20, 30)
    yield from repeat(60)


async def join(
    profile: Profile, tell: Callable[[str, str], Awaitable[None]], pauses: Iterable[float] | None = None
) -> Credentials | None:
    """Become a station by the invite IT left; None if none was left.

    While hub or invite cannot be reached it tries again, and tells the user so once with (title, message).
    Raises NmrError where trying again cannot help.
    """
    left = deployment(profile)
    if not left.invite:
        return None
    told = False
    for pause in patience() if pauses is None else pauses:
        try:
            return await beside(lambda: _join(profile, left))
        except Unavailable as error:
            event(log, "first-start-waits", reason=error.code)
            if not told:
                await tell(error.title, error.message)
            told = True
        await asyncio.sleep(pause)
    raise Unavailable("This computer could not join its site", "Tell IT", code="first-start")


def _join(profile: Profile, left: Deployment) -> Credentials:
    file = Path(left.invite_file)
    try:
        is_there = file.is_file()
    except OSError:  # a share that is not connected
        is_there = False
    if not is_there:
        raise Unavailable("The invite for this computer is not there yet", f"Waiting for {file}", code="invite-missing")
    got = enrol(profile, str(file), hub_url=left.site_url or None)
    event(log, "first-start-joined", station=got.station)
    return got
