"""Checks of the site as seen from here: hub, brokers, their certificates, the clock, what the broker allows."""

from agent.domain.envelope import DAY_MS
from agent.station.doctor.finding import Finding, Findings
from agent.station.doctor.sight import Broker, Sight
from agent.station.doctor.visit import Visit, last_day, visit
from agent.station.enrolment.https import hub_place
from agent.system.beside import beside

CLOCK_WORTH_A_WORD_S, CLOCK_WRONG_S = 10.0, 300.0
"""From here on a clock is off, or so wrong that certificates and keys are judged wrongly, seconds."""
FULL_SECONDS = 1.0
"""The hub tells no fractions of a second."""
SOON_DAYS = 14.0
"""The hub renews its certificate 30 days before the end: one with less than this left is not being renewed."""


async def hub(sight: Sight) -> list[Finding]:
    """Whether the hub answers at its own port."""
    found, seen = Findings("hub"), await sight.hub()
    if seen is None:
        return [found.off("only-mail" if sight.only_mail else "off")]
    if seen.fault:
        return [_fault(found, seen)]
    return [found.ok(host=seen.host, port=seen.port, ms=f"{seen.tcp_ms or 0:.1f}")]


async def signaling(sight: Sight) -> list[Finding]:
    """Whether stations can find each other for direct ways, where these are wanted; pages also go without."""
    found, credentials = Findings("signaling"), sight.secrets.credentials
    wanted = sight.config.link.p2p
    if credentials is None or not wanted.enabled:
        return [found.off()]
    place = hub_place(wanted.signaling or credentials.url)
    seen = await beside(lambda: visit(place.host, place.port, credentials.ca_pem, http=False))
    if seen.fault:
        return [found.warning("unreachable", host=seen.host, port=seen.port, detail=seen.detail or seen.fault)]
    return [found.ok(host=seen.host, port=seen.port, ms=f"{seen.tcp_ms or 0:.1f}")]


async def broker(sight: Sight) -> list[Finding]:
    """Whether each broker answers and lets us in; one that works is enough."""
    found, brokers = Findings("broker"), await sight.brokers()
    if not brokers:
        return [found.off()]
    findings = [_broker(found, one) for one in brokers]
    if any(finding.level == "ok" for finding in findings):
        return [finding if finding.level == "ok" else _milder(found, finding) for finding in findings]
    return findings


async def permissions(sight: Sight) -> list[Finding]:
    """Whether the broker carries what we need to hear and to say."""
    found = Findings("permissions")
    tried = [one for one in await sight.brokers() if one.trial is not None and one.trial.let_in]
    return [_allowed(found, one) for one in tried] or [found.off()]


async def clock(sight: Sight) -> list[Finding]:
    """Our clock against the hub's."""
    found, seen = Findings("clock"), await sight.hub()
    if seen is None or seen.hub_ahead_ms is None:
        return [found.off()]
    off_s = seen.hub_ahead_ms / 1000
    if abs(off_s) >= CLOCK_WRONG_S:
        return [found.failure("wrong", seconds=round(-off_s))]
    if abs(off_s) >= CLOCK_WORTH_A_WORD_S:
        return [found.warning("off-by", seconds=round(-off_s))]
    return [found.ok(seconds=f"{max(FULL_SECONDS / 2, abs(off_s)):.1f}")]


async def certificate(sight: Sight) -> list[Finding]:
    """How long the certificates of site, hub and brokers are good."""
    found, credentials = Findings("certificate"), sight.secrets.credentials
    if credentials is None:
        return [found.off()]
    seen = [await sight.hub(), *(one.visit for one in await sight.brokers())]
    ends = {f"{one.host}:{one.port}": one.not_after_ms for one in seen if one is not None and one.not_after_ms}
    authority = last_day(credentials.ca_pem)
    if authority is None:
        return [found.failure("no-authority")]
    return [_days(found, name, end, sight.wall()) for name, end in {"CA": authority, **ends}.items()]


def _fault(found: Findings, seen: Visit) -> Finding:
    return found.failure(seen.fault, host=seen.host, port=seen.port, detail=seen.detail or "-")


def _broker(found: Findings, one: Broker) -> Finding:
    if one.visit.fault:
        return _fault(found, one.visit)
    assert one.trial is not None
    if one.trial.refused:
        return found.failure("login-refused", host=one.host, port=one.port, detail=one.trial.why)
    if not one.trial.let_in:
        return found.failure("silent", host=one.host, port=one.port, detail=one.trial.why)
    return found.ok(host=one.host, port=one.port, ms=f"{one.visit.tcp_ms or 0:.1f}")


def _milder(found: Findings, finding: Finding) -> Finding:
    return found.warning(finding.what, **finding.values)


def _allowed(found: Findings, one: Broker) -> Finding:
    trial = one.trial
    assert trial is not None
    if not trial.may_read:
        return found.failure("read", host=one.host)
    if not trial.came_back:
        return found.failure("write", host=one.host)
    return found.ok(host=one.host, ms=f"{trial.rtt_ms or 0:.1f}")


def _days(found: Findings, name: str, end_ms: int, now: float) -> Finding:
    days = (end_ms - now * 1000) / DAY_MS
    if days <= 0:
        return found.failure("expired", name=name, days=round(-days, 1))
    if days < SOON_DAYS:
        return found.warning("soon", name=name, days=round(days, 1))
    return found.ok(name=name, days=round(days))
