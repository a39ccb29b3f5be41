"""What happened: everything a core is told, in the past tense."""

from collections.abc import Mapping

from msgspec import Struct, field

from agent.domain.audience import Audience
from agent.domain.bundle import Bundle
from agent.domain.envelope import Envelope
from agent.domain.messages import FieldValue, Kind, Parameters


class Instant(Struct, frozen=True):
    """Now: `mono` in monotonic seconds, `ms` in milliseconds UTC, corrected to the hub's clock if `anchored`.

    `least`, ms UTC, is what the hub's time is by now at the least: it has signed something at an earlier time. 0 if we
    have nothing of it.
    """

    mono: float
    ms: int
    anchored: bool = True
    least: int = 0

    @property
    def sure_ms(self) -> int:
        """What ends before this is over by the hub's clock, whatever our own says; 0 if that is not known."""
        return self.ms if self.anchored else self.least


class Arrived(Struct, frozen=True):
    """A verified, authorised, stored message for us; comes once, or again after a crash before its effects were kept.

    `unverified` marks one whose time could not be checked because we have no hub time yet. `frame` are the bytes its
    sender signed, where they can be evidence; b"" else.
    """

    envelope: Envelope
    params: Parameters
    link: str
    unverified: bool = False
    expired: bool = False
    channel: str = ""
    frame: bytes = b""


class Sent(Struct, frozen=True):
    """A link took a container of ours."""

    id: str
    station: str
    link: str


class Heard(Struct, frozen=True):
    """A recipient's signed receipt for a message of ours."""

    id: str
    station: str
    stage: str
    why: str
    at: int
    link: str


class Late(Struct, frozen=True):
    """No receipt came in the time a sender may be left in the dark."""

    id: str
    station: str


class GaveUp(Struct, frozen=True):
    """A message of ours ended without the receipt it wanted; `why` is expired, revoked, too-large or store."""

    id: str
    station: str
    why: str


class NotSaved(Struct, frozen=True):
    """The disk did not take something, which is tried again or was given up; words for people."""

    title: str
    message: str


class LinkChanged(Struct, frozen=True):
    """A link changed: `state` is connecting, proving (connected, and the hub has not proven itself yet), up, down or
    refused; on a `gated` one the hub has to prove itself.
    """

    name: str
    state: str
    why: str = ""
    rtt_ms: float | None = None
    gated: bool = False


class PeersReached(Struct, frozen=True):
    """To these stations, and no others, a direct way is open now."""

    stations: frozenset[str]


class PingAsked(Struct, frozen=True):
    """Somebody here wants a station to answer over this link, which has a way to it."""

    station: str
    link: str
    ticket: int


class KeysRead(Struct, frozen=True):
    """What the disk holds: our bundle, or none and why, in words for people; `fault` is missing, unreadable,
    damaged, foreign, locked or backup-missing.
    """

    bundle: Bundle | None
    fault: str = ""
    title: str = ""
    message: str = ""


class KeysSaved(Struct, frozen=True):
    """A new bundle is on the disk, or could not be written and the old one still is; `why` for people."""

    ok: bool
    why: str = ""


class ChannelOpen(Struct, frozen=True):
    """What the hub says on this channel comes to us now."""

    channel: str


class PageAsked(Struct, frozen=True):
    """A person here asked for a page; `ticket` answers whoever asked over the control socket."""

    audience: Audience
    order: str | None = None
    note: str = ""
    urgent: bool = False
    ticket: int | None = None


class AnswerGiven(Struct, frozen=True):
    """A person here answered a page: accepted, declined or later."""

    page: str
    answer: str
    text: str = ""
    ticket: int | None = None


class WithdrawAsked(Struct, frozen=True):
    """A person here took a page of ours back."""

    page: str
    ticket: int | None = None


class ResolveAsked(Struct, frozen=True):
    """IT says that the split of the ledger is over: what the hub signed since shall decide."""

    ticket: int | None = None


class StrangerHeard(Struct, frozen=True):
    """A message came under a key our ledger does not know: there may be news in it."""

    link: str


class Presented(Struct, frozen=True):
    """The notifier and the player have had a page; `why` says why it was not put before a person."""

    page: str
    ok: bool
    why: str = ""


class Seen(Struct, frozen=True):
    """A person opened or hovered a page's notice."""

    page: str


class OrderChanged(Struct, frozen=True):
    """A person here made or changed an order; `create` refuses an existing uuid, its absence an unknown one."""

    uuid: str
    kind: Kind
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    create: bool = False
    ticket: int | None = None


class OrderDropped(Struct, frozen=True):
    """A person here deleted an order."""

    uuid: str
    ticket: int | None = None


class QuietAsked(Struct, frozen=True):
    """A person here wants no sound for so many minutes; 0 ends it."""

    minutes: int
    ticket: int | None = None


class Woke(Struct, frozen=True):
    """A time the core asked for has come, or the computer woke up."""


Event = (
    Arrived
    | Sent
    | Heard
    | Late
    | GaveUp
    | NotSaved
    | LinkChanged
    | PeersReached
    | PingAsked
    | KeysRead
    | KeysSaved
    | ChannelOpen
    | PageAsked
    | AnswerGiven
    | WithdrawAsked
    | ResolveAsked
    | StrangerHeard
    | Presented
    | Seen
    | OrderChanged
    | OrderDropped
    | QuietAsked
    | Woke
)
