"""What happened: everything a core is told, in the past tense."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.domain.audience import Audience
from agent.domain.envelope import Envelope
from agent.domain.messages import FieldValue, Kind, Parameters


@dataclass(frozen=True, slots=True)
class Instant:
    """Now: `mono` in monotonic seconds, `ms` in milliseconds UTC, corrected to the hub's clock if `anchored`."""

    mono: float
    ms: int
    anchored: bool = True


@dataclass(frozen=True, slots=True)
class Arrived:
    """A verified, authorised, stored message for us; comes once, or again after a crash before its effects were kept.

    `unverified` marks one whose time could not be checked because we have no hub time yet.
    """

    envelope: Envelope
    params: Parameters
    link: str
    unverified: bool = False
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """A link took a container of ours."""

    id: str
    station: str
    link: str


@dataclass(frozen=True, slots=True)
class Heard:
    """A recipient's signed receipt for a message of ours."""

    id: str
    station: str
    stage: str
    why: str
    at: int
    link: str


@dataclass(frozen=True, slots=True)
class Late:
    """No receipt came in the time a sender may be left in the dark."""

    id: str
    station: str


@dataclass(frozen=True, slots=True)
class GaveUp:
    """A message of ours ended without the receipt it wanted; `why` is expired, revoked, too-large or store."""

    id: str
    station: str
    why: str


@dataclass(frozen=True, slots=True)
class NotSaved:
    """The disk did not take something, which is tried again or was given up; words for people."""

    title: str
    message: str


@dataclass(frozen=True, slots=True)
class LinkChanged:
    """A link went up or down, or was refused."""

    name: str
    state: str
    why: str = ""
    rtt_ms: float | None = None


@dataclass(frozen=True, slots=True)
class PageAsked:
    """A person here asked for a page; `ticket` answers whoever asked over the control socket."""

    audience: Audience
    order: str | None = None
    note: str = ""
    urgent: bool = False
    ticket: int | None = None


@dataclass(frozen=True, slots=True)
class AnswerGiven:
    """A person here answered a page: accepted, declined or later."""

    page: str
    answer: str
    text: str = ""
    ticket: int | None = None


@dataclass(frozen=True, slots=True)
class WithdrawAsked:
    """A person here took a page of ours back."""

    page: str
    ticket: int | None = None


@dataclass(frozen=True, slots=True)
class StrangerHeard:
    """A message came under a key our ledger does not know: there may be news in it."""

    link: str


@dataclass(frozen=True, slots=True)
class Presented:
    """The notifier and the player have had a page; `why` says why it was not put before a person."""

    page: str
    ok: bool
    why: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A person opened or hovered a page's notice."""

    page: str


@dataclass(frozen=True, slots=True)
class OrderChanged:
    """A person here made or changed an order; `create` refuses an existing uuid, its absence an unknown one."""

    uuid: str
    kind: Kind
    fields: Mapping[str, FieldValue] = field(default_factory=dict)
    create: bool = False
    ticket: int | None = None


@dataclass(frozen=True, slots=True)
class OrderDropped:
    """A person here deleted an order."""

    uuid: str
    ticket: int | None = None


@dataclass(frozen=True, slots=True)
class QuietAsked:
    """A person here wants no sound for so many minutes; 0 ends it."""

    minutes: int
    ticket: int | None = None


@dataclass(frozen=True, slots=True)
class Woke:
    """A time the core asked for has come, or the computer woke up."""


Event = (
    Arrived
    | Sent
    | Heard
    | Late
    | GaveUp
    | NotSaved
    | LinkChanged
    | PageAsked
    | AnswerGiven
    | WithdrawAsked
    | StrangerHeard
    | Presented
    | Seen
    | OrderChanged
    | OrderDropped
    | QuietAsked
    | Woke
)
