"""The one message form of all links: who says what to whom, when, and until when it counts."""

from typing import Annotated, Any

from msgspec import Meta, Struct

from agent.domain.audience import Audience
from agent.domain.names import ID_PATTERN, NAME_PATTERN

VERSION = 1
MINUTE_MS = 60_000
DAY_MS = 24 * 60 * MINUTE_MS
SAFE_INT = 2**53 - 1

Name = Annotated[str, Meta(pattern=NAME_PATTERN)]
Id = Annotated[str, Meta(pattern=ID_PATTERN)]
Millis = Annotated[int, Meta(ge=0, le=SAFE_INT)]
Head = tuple[Annotated[int, Meta(ge=0, le=SAFE_INT)], Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{22}$")]]


class Envelope(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"sender": "from"}):
    """The body of a frame.

    Times are milliseconds UTC of the sender's hub-anchored clock. `want` is the receipt wanted (0 none,
    1 stored, 2 presented), `prio` 0 quiet, 1 page, 2 urgent. `head` is the ledger head the sender knows:
    [seq, first 16 bytes of its hash]. `p` are the MESSAGE PARAMETERS, one schema per type (messages.py,
    signals.py, texts.py, mail.py, tasks.py).
    """

    v: Annotated[int, Meta(ge=VERSION, le=VERSION)]
    site: Name
    id: Id
    sender: Name
    to: dict[str, str | bool]
    type: Annotated[str, Meta(max_length=32)]
    at: Millis
    exp: Millis
    re: Id | None
    want: Annotated[int, Meta(ge=0, le=2)]
    prio: Annotated[int, Meta(ge=0, le=2)]
    head: Head | None
    p: dict[str, Any]

    @property
    def audience(self) -> Audience | None:
        """The audience, or None if `to` names none."""
        return Audience.from_wire(self.to)


WANT_NOTHING, WANT_STORED, WANT_PRESENTED = 0, 1, 2
QUIET, PAGE, URGENT = 0, 1, 2

PROOF_TYPES = (
    "auth.hello",
    "auth.proof",
    "auth.confirm",
    "auth.ok",
    "auth.refused",
    "psk.request",
    "psk.ready",
    "psk.hello",
    "psk.proof",
    "psk.offer",
    "psk.stored",
    "psk.use",
    "psk.failed",
)
"""What station and hub say to each other to prove that they hold the same key, on channels of its own."""

SIGNAL_TYPES = ("signal.offer", "signal.answer", "signal.ice", "signal.bye")
"""What two stations say to each other, over the signaling server, to open a channel between them."""

SIGNALING = "signal"
"""The channel of all signals."""

TASK_TYPES = (
    "task.assign",
    "task.accept",
    "task.decline",
    "task.grant",
    "task.renew",
    "task.result",
    "task.cancel",
    "task.superseded",
    "task.news",
)
"""What is said about a task and must not be lost; its pieces are asked for again (tasks.py)."""

LIFE_MS: dict[str, int] = {
    "page.new": 30 * MINUTE_MS,
    "page.answer": 30 * MINUTE_MS,
    "page.withdraw": 30 * MINUTE_MS,
    "receipt": 30 * MINUTE_MS,
    "order.put": 7 * DAY_MS,
    "order.delete": 7 * DAY_MS,
    "order.list": DAY_MS,
    "order.part": DAY_MS,
    "ledger.get": DAY_MS,
    "ledger.part": DAY_MS,
    "ledger.entry": 3650 * DAY_MS,
    "ledger.head": DAY_MS,
    "ledger.fork": 7 * DAY_MS,
    "mail.address": DAY_MS,
    "presence": MINUTE_MS,
    "probe": MINUTE_MS,
    "error": 10 * MINUTE_MS,
    **dict.fromkeys(PROOF_TYPES, 2 * MINUTE_MS),
    "signal.login": MINUTE_MS,
    **dict.fromkeys(SIGNAL_TYPES, MINUTE_MS),
    "text": MINUTE_MS,
    "lease": 6 * 60 * MINUTE_MS,
    "lease.ask": 6 * 60 * MINUTE_MS,
    **dict.fromkeys(TASK_TYPES, 30 * DAY_MS),
    "task.get": DAY_MS,
    "task.part": DAY_MS,
}
"""The longest life of each type, milliseconds; an envelope that claims more is refused."""

URGENT_LIFE_MS = 10 * MINUTE_MS
LIST_LIFE_MS = 2 * MINUTE_MS
"""How long a question for orders and its answer count where they do not go by mail."""

PAGE_BYTES, ORDER_BYTES, PART_BYTES, FRAME_BYTES = 4 * 1024, 8 * 1024, 16 * 1024, 24 * 1024
SEALED_BYTES = 40 * 1024
"""Limits in bytes: body of a page, of an order change, of a list part; whole frame; sealed container."""


def channel_kinds(type_: str) -> tuple[str, ...]:
    """Return on which kinds of channel this type travels.

    "" is the inbox, "auth" the proof of keys, "psk" a round of renewal, and "signal" the signaling server, which is no
    link: over a link nobody opens anything.
    """
    if type_ == "signal.login" or type_ in SIGNAL_TYPES:
        return (SIGNALING,)
    if type_ not in PROOF_TYPES:
        return ("",)
    if type_ == "auth.refused":
        return ("auth", "psk")
    return ("psk",) if type_.startswith("psk.") and type_ not in ("psk.request", "psk.ready") else ("auth",)


def body_limit(type_: str) -> int:
    """Return how many bytes the body of an envelope of this type may have."""
    if type_.startswith("page."):
        return PAGE_BYTES
    if type_ in ("order.put", "order.delete"):
        return ORDER_BYTES
    return PART_BYTES
