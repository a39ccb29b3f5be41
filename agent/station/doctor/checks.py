"""All checks, in the order in which a page meets what they look at; each in a file with its neighbours."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from agent.station.doctor.autostart import autostart
from agent.station.doctor.configuration import configuration, settings
from agent.station.doctor.database import database, member
from agent.station.doctor.desktop import leave, notices, tray, window
from agent.station.doctor.disk import disk
from agent.station.doctor.finding import Finding, Findings
from agent.station.doctor.keys import enrolment, key, storage
from agent.station.doctor.mailbox import mail
from agent.station.doctor.network import broker, certificate, clock, hub, permissions, signaling
from agent.station.doctor.running import agent, link, proof, quiet
from agent.station.doctor.sight import Sight
from agent.station.doctor.sound import sound

Check = Callable[[Sight], Awaitable[list[Finding]]]

PATIENCE_S = 30.0
"""So long one check may take, seconds; a name server that hangs takes longer."""

log = logging.getLogger(__name__)

CHECKS: tuple[Check, ...] = (
    configuration,
    settings,
    enrolment,
    key,
    storage,
    agent,
    member,
    link,
    proof,
    hub,
    broker,
    permissions,
    signaling,
    certificate,
    clock,
    mail,
    tray,
    notices,
    window,
    sound,
    quiet,
    autostart,
    disk,
    database,
)


async def examine(sight: Sight, checks: tuple[Check, ...] = CHECKS) -> list[Finding]:
    """What all checks found, in their order; they look at once."""
    try:
        found = await asyncio.gather(*(_look(check, sight) for check in checks))
    finally:
        await leave()
    return [finding for findings in found for finding in findings]


async def _look(check: Check, sight: Sight) -> list[Finding]:
    """One check; a mistake in it costs no other, and none keeps the rest waiting for ever."""
    name = getattr(check, "__name__", "check")
    try:
        async with asyncio.timeout(PATIENCE_S):
            return await check(sight)
    except Exception as error:
        log.debug("the check %s failed", name, exc_info=True)
        return [Findings("doctor").warning("mistake", name=name, error=f"{type(error).__name__}: {error}")]
