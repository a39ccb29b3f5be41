"""The invites of a site: who may come, who came, and who came too late; pure."""

from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from agent.domain.envelope import DAY_MS
from agent.domain.keys import to_b64u
from agent.domain.ledger import Member
from agent.wire.enrolment import Request

FORGET_MS = 7 * DAY_MS
_LONGEST_NAME = 32

Verdict = Literal["new", "again", "invite-expired", "invite-used", "invite-claimed"]


class Issued(Struct, frozen=True, kw_only=True):
    """An invite as the hub keeps it; `secret`, keys and `answer` in base64url, times ms UTC.

    `claimed` is the first key that came with it, `given` the station name that key got, `answer` the sealed answer,
    which only that station can open, so that a repeated request gets the same. `used` once the station confirmed.
    With `renews`, the id of a PSK, it hands these keys to the station that is there already: claimed from the start
    by the key the ledger knows, and worth nothing once the hub holds other keys.
    """

    id: str
    secret: str
    person: str
    roles: tuple[str, ...]
    station: str
    not_after: int
    claimed: str = ""
    given: str = ""
    answer: str = ""
    used: bool = False
    renews: str = ""

    def __repr__(self) -> str:
        """Show neither the secret nor the answer: this comes into tracebacks."""
        return f"Issued(id={self.id!r}, given={self.given!r}, used={self.used})"


def judge(issued: Issued, request: Request, now_ms: int) -> Verdict:
    """Decide about a request whose proofs are right."""
    stranger = issued.claimed not in ("", _keys(request))
    if issued.used and (stranger or now_ms >= issued.not_after):
        return "invite-used"
    if now_ms >= issued.not_after:
        return "invite-expired"
    if stranger:
        return "invite-claimed"
    return "again" if issued.claimed else "new"


def is_alarm(issued: Issued, request: Request) -> bool:
    """Whether a second computer knows the secret of an invite."""
    return issued.claimed not in ("", _keys(request))


def claimed_by(request: Request) -> str:
    """What `claimed` says when this request was the first."""
    return _keys(request)


def claimed_for(member: Member) -> str:
    """What `claimed` says when nobody but this member may come."""
    return f"{to_b64u(member.sign)}.{to_b64u(member.receive)}"


def free_name(wish: str, taken: Callable[[str], bool]) -> str:
    """Return `wish`, or the first of wish-2, wish-3 … that is free."""
    name, number = wish, 1
    while taken(name):
        number += 1
        end = f"-{number}"
        name = wish[: _LONGEST_NAME - len(end)].rstrip("-") + end
    return name


def _keys(request: Request) -> str:
    return f"{request.sign}.{request.receive}"
