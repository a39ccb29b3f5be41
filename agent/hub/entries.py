"""How an entry of the site's ledger is written: signed by the hub's key and linked to the one before."""

from collections.abc import Mapping, Sequence

from agent.domain.audience import EVERYBODY
from agent.domain.envelope import LIFE_MS, QUIET, VERSION, WANT_NOTHING, Envelope
from agent.domain.keys import to_b64u
from agent.domain.ledger import Ledger
from agent.domain.mail import NOWHERE, Mailbox
from agent.domain.names import HUB
from agent.wire.frame import sign_frame
from agent.wire.keys import Identity


def make_entry(
    ledger: Ledger, me: Identity, op: str, subject: str, value: Mapping[str, object], *, id_: str, at: int
) -> bytes:
    """Return the frame of the entry that follows `ledger`; `at` is ms UTC. Whether it may follow, read_entry says."""
    entry = {"seq": ledger.seq + 1, "prev": to_b64u(ledger.head), "op": op, "subject": subject, "value": dict(value)}
    envelope = Envelope(
        v=VERSION,
        site=me.site,
        id=id_,
        sender=HUB,
        to=EVERYBODY.to_wire(),
        type="ledger.entry",
        at=at,
        exp=at + LIFE_MS["ledger.entry"],
        re=None,
        want=WANT_NOTHING,
        prio=QUIET,
        head=ledger.short_head(),
        p=entry,
    )
    return sign_frame(envelope, me)


def genesis_value(me: Identity) -> dict[str, object]:
    """The value of the first entry: the hub's own keys."""
    return {"sign": to_b64u(me.sign), "receive": to_b64u(me.receive)}


def member_value(
    person: str, roles: Sequence[str], sign: str, receive: str, mailbox: Mailbox = NOWHERE
) -> dict[str, object]:
    """The value of `member.add`; keys in base64url."""
    where = mailbox_value(mailbox) if mailbox.mail else {}
    return {"person": person, "roles": list(roles), "sign": sign, "receive": receive, **where}


def mailbox_value(mailbox: Mailbox) -> dict[str, object]:
    """The value of `member.mail`."""
    return {"mail": mailbox.mail, "plus": mailbox.plus}
