"""What IT should look at, in sentences: a split list, a restored hub, an invite used twice, a mailbox, wrong keys."""

from agent.hub import keys_report
from agent.hub.core import Core, Links
from agent.hub.enrolment import Enrolment
from agent.hub.recovery import Recovery
from agent.routing.policy import MAIL


def alarms(core: Core, recovery: Recovery, enrolment: Enrolment) -> list[str]:
    """Return all of them, as `nmr hub status` shows them and monitoring counts them."""
    keys = keys_report.alarms(core.proofs, core.ledger)
    return [*core.forks.alarms(), *recovery.alarms(), *enrolment.alarms, *_mailbox(core.links), *keys]


def _mailbox(links: Links) -> list[str]:
    """Also when it is open and only nothing can be sent."""
    mail = links.states.get(MAIL)
    if mail is None or not mail.why:
        return []
    return [f"The hub's mailbox: {mail.why}. Whoever has nothing else is not reached. Try it: nmr mail test --hub"]
