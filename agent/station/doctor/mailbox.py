"""The check of the mailbox: whether both servers let us in; nothing is sent and nothing changed."""

from dataclasses import replace
from typing import TYPE_CHECKING

from agent.domain.errors import NmrError
from agent.station.doctor.finding import Finding, Findings
from agent.station.doctor.sight import Sight
from agent.system.beside import beside
from agent.system.config.schema_links import MailLink
from agent.system.paths import Profile

if TYPE_CHECKING:
    from agent.links.mail.trial import Step

ANSWER_S = 6.0
"""So long a server has for each answer, seconds."""


async def mail(sight: Sight) -> list[Finding]:
    """Whether the mailbox lets us in; where pages have another link, it does ring without."""
    found, wanted = Findings("mail"), sight.config.link.mail
    if not wanted.enabled:
        return [found.off()]
    bad = found.warning if sight.config.link.mqtt.enabled else found.failure
    try:
        steps = await beside(lambda: _tried(wanted, sight.profile))
    except NmrError as error:
        if error.code == "mail-secret-missing":
            return [bad("no-secret")]
        return [bad("not-set-up", detail=str(error).rstrip("."))]
    last = steps[-1]
    if last.ok:
        return [found.ok(address=wanted.address, ms=f"{sum(step.ms for step in steps):.0f}")]
    host = wanted.smtp if last.name == "send-login" else wanted.imap
    what = "login-refused" if last.fault == "refused" else "folder" if last.fault == "folder" else "away"
    return [bad(what, host=host, detail=last.detail.rstrip("."))]


def _tried(wanted: MailLink, profile: Profile) -> "list[Step]":
    """The steps as far as they came; raises NmrError where there is nothing to try with."""
    from agent.links.mail.configured import configured
    from agent.links.mail.settings import Pace
    from agent.links.mail.trial import Trial
    from agent.wire.keys import Identity

    settings, token = configured(wanted, profile.secrets_folder, Identity.new("doctor", "doctor"))
    return list(Trial(replace(settings, pace=Pace(answer=ANSWER_S)), token).logins())
