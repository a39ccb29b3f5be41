"""Checks of the configuration: whether it can be read, every key is known and nothing is said in vain."""

from agent.station.doctor.finding import Finding, Findings
from agent.station.doctor.sight import Sight


async def configuration(sight: Sight) -> list[Finding]:
    """The mistakes in it, and what in it has no effect: unknown keys, or what a policy fixes."""
    found, read = Findings("configuration"), sight.settings
    findings = [found.warning("broken", problem=str(one)) for one in read.mistakes]
    findings += [found.warning("in-vain", problem=str(one)) for one in read.warnings]
    return findings or [found.ok()]


async def settings(sight: Sight) -> list[Finding]:
    """What is set so that less rings than people may think."""
    found, findings = Findings("settings"), []
    if not sight.config.ring.page_sound:
        findings.append(found.warning("no-sound"))
    if sight.only_mail:
        findings.append(found.ok("only-mail"))
    elif not sight.config.link.mqtt.enabled:
        p2p = sight.config.link.p2p.enabled
        findings.append(found.warning("no-mqtt") if p2p else found.failure("no-link"))
    return findings or [found.ok()]
