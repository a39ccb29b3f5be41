"""What shall be done: everything a core asks for, in the imperative, as data.

A `Keep` is a barrier: what stands behind it in the list waits until everything before it is committed to disk.
So a core writes its promises as an order of effects: [Keep(page), Post(page)] is never on the wire unsaved,
[Notify(page), Keep(page)] is shown at once.
"""

from collections.abc import Mapping

from msgspec import Struct, field

from agent.domain.audience import Audience
from agent.domain.bundle import Bundle
from agent.domain.envelope import PAGE, WANT_STORED
from agent.domain.errors import NmrError
from agent.domain.heads import LedgerFork
from agent.domain.messages import Ice, Parameters
from agent.domain.names import HUB
from agent.domain.task import TaskEffect


class Keep(Struct, frozen=True):
    """Write `value` (a struct or dataclass) under (kind, id) durably; None deletes it."""

    kind: str
    id: str
    value: object


class Post(Struct, frozen=True):
    """Send a message to `recipients` (station names); the router signs, seals, repeats and watches it.

    With want > 0 its rows are committed together with the Keeps before it and stay until the receipt came.
    `at`, ms UTC, is when it was decided, where others compare that; else it is the moment of signing.
    On a `channel` (envelope.channel_kind) it wants no receipt and takes the link that has such channels. One that wants
    no receipt may name the one link that it goes `over`.
    """

    id: str
    to: Audience
    recipients: tuple[str, ...]
    type: str
    params: Parameters
    re: str | None = None
    want: int = WANT_STORED
    prio: int = PAGE
    life_ms: int | None = None
    at: int | None = None
    channel: str = ""
    over: str = ""


class Acknowledge(Struct, frozen=True):
    """Tell a sender how far its message got here: presented, seen or refused, and why not."""

    id: str
    sender: str
    stage: str
    why: str = ""


class Cancel(Struct, frozen=True):
    """Repeat a message of ours no more."""

    id: str


class Notify(Struct, frozen=True):
    """Put a page before the person here; `sound` says whether to ring as well."""

    page: str
    sound: bool = True
    again: bool = False


class Unnotify(Struct, frozen=True):
    """Take a page's notice away."""

    page: str


class Tell(Struct, frozen=True):
    """Show a notice that is no page; `text` is a key of the texts."""

    text: str
    values: Mapping[str, str] = field(default_factory=dict)
    key: str = "notice"


class Sound(Struct, frozen=True):
    """Play one sound once."""

    tone: str


class Hush(Struct, frozen=True):
    """Stop whatever sounds."""


class Refresh(Struct, frozen=True):
    """Something people see has changed."""


class LedgerGrew(Struct, frozen=True):
    """Pin this head on disk; members may have come or gone."""

    seq: int
    head: bytes


class Anchor(Struct, frozen=True):
    """Set our clock by the hub's: it was `hub_ms` when monotonic `mono` was."""

    hub_ms: int
    mono: float


class NotBefore(Struct, frozen=True):
    """The hub has signed something at `hub_ms`, ms UTC: it is later than that by its clock."""

    hub_ms: int


class ExpectMail(Struct, frozen=True):
    """Something is awaited by mail: look into the mailbox often for so many seconds."""

    seconds: float


class GiveBack(Struct, frozen=True):
    """Send a station that asked with `re`, or the hub, which was set back, the entries of the ledger after `after`.

    `head` is the newest frame of ledger.head that we have, b"" for none.
    """

    after: int
    to: str = HUB
    re: str | None = None
    head: bytes = b""


class ShowFork(Struct, frozen=True):
    """Send `fork` to `recipients`, with our own entry of that number as evidence too, where there is room."""

    fork: LedgerFork
    recipients: tuple[str, ...]


class ReadKeys(Struct, frozen=True):
    """Read the bundle of keys from the disk, then tell KeysRead."""


class SaveKeys(Struct, frozen=True):
    """Replace the bundle of keys on the disk, whole or not at all, then tell KeysSaved."""

    bundle: Bundle


class Listen(Struct, frozen=True):
    """Subscribe to what the hub says on a channel, then tell ChannelOpen."""

    channel: str


class Unlisten(Struct, frozen=True):
    """Give a channel up."""

    channel: str


class OpenInbox(Struct, frozen=True):
    """The hub has proven itself: let the link that waits for that carry messages."""


class Abort(Struct, frozen=True):
    """End the link that waits for the hub's proof; `soon` tries again at once, else after a slow pause."""

    why: str
    soon: bool = False


class UseServers(Struct, frozen=True):
    """The hub has named the servers that help to find direct ways."""

    ice: Ice


class WakeAt(Struct, frozen=True):
    """Send a Woke at this monotonic time at the latest."""

    mono: float


class Reply(Struct, frozen=True):
    """Answer whoever asked with this ticket over the control socket."""

    ticket: int
    result: Mapping[str, object] = field(default_factory=dict)
    error: NmrError | None = None


class Note(Struct, frozen=True):
    """Write one line to the log; no texts of messages."""

    event: str
    fields: Mapping[str, object] = field(default_factory=dict)


Effect = (
    Keep
    | Post
    | Acknowledge
    | Cancel
    | Notify
    | Unnotify
    | Tell
    | Sound
    | Hush
    | Refresh
    | LedgerGrew
    | Anchor
    | NotBefore
    | ExpectMail
    | GiveBack
    | ShowFork
    | ReadKeys
    | SaveKeys
    | Listen
    | Unlisten
    | OpenInbox
    | Abort
    | UseServers
    | WakeAt
    | Reply
    | Note
    | TaskEffect
)
