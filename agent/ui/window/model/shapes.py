"""The agent's state as it comes over the control socket, for type checkers only: nothing here runs.

A key may be missing (an older agent) and then counts as empty; a part of the state may be missing
when it did not change.
"""

from typing import Any, Literal, TypedDict

Kind = Literal["order", "item"]


class Link(TypedDict, total=False):
    """One link of the station; `state` is up, connecting, proving, down, refused or off."""

    name: str
    state: str
    since_ms: int | None
    detail: str
    rtt_ms: float | None


class Peer(TypedDict, total=False):
    """A station with a direct way; `state` is open, suspect, connecting or away, `route` direct or relayed."""

    station: str
    state: str
    route: str | None
    rtt_ms: float | None


class Hub(TypedDict, total=False):
    """What the station knows of its hub."""

    state: str
    seen_ms: int | None


class Proof(TypedDict, total=False):
    """How the hub's proof stands; `state` is proven, amber, proving, failed or unproven, `notice` ready to show."""

    state: str
    notice: str
    proven_ms: int | None
    until_ms: int | None
    gen: int | None
    not_after_ms: int | None


class Standing(TypedDict, total=False):
    """How the list of members stands; `state` is ok, stale or fork."""

    seq: int
    head: str
    state: str


class Can(TypedDict, total=False):
    """What is possible now; `why` is a reason ready to show."""

    page: bool
    edit: bool
    create: bool
    everybody: bool
    why: str


class Status(TypedDict, total=False):
    """How the station is; `state` is ok, degraded or offline."""

    station: str
    person: str
    roles: list[str]
    site: str
    version: str
    state: str
    dnd_until_ms: int | None
    unanswered: int
    links: list[Link]
    peers: list[Peer]
    hub: Hub
    tray: str
    notifier: str
    sound: str
    storage: str
    notices: list[str]
    proof: Proof
    ledger: Standing
    can: Can


class Order(TypedDict, total=False):
    """An order or an item; `pending` when the hub has not seen its last change."""

    id: str
    kind: Kind
    title: str
    subtitle: str
    flag_a: bool
    flag_b: bool
    created_ms: int
    by: str
    done: bool
    pending: bool


class Target(TypedDict, total=False):
    """How far a page came at one station; `mark` is hollow, full, done or bad."""

    station: str
    person: str
    state: str
    link: str | None
    why: str
    at_ms: int | None
    mark: str
    late: bool


class Page(TypedDict, total=False):
    """One page; `out` is true for those sent from here.

    A received one may be `snoozed` (answered with later), about an `unknown_order`, or `unverified` (its time
    could not be checked).
    """

    id: str
    out: bool
    from_person: str
    to: str
    order: str | None
    order_title: str | None
    note: str
    urgent: bool
    asked_ms: int
    state: str
    answered_by: str | None
    answered_text: str | None
    seconds: float | None
    settled: bool
    late: bool
    snoozed: bool
    unknown_order: bool
    unverified: bool
    title: str
    targets: list[Target]


Question = TypedDict("Question", {"task": str, "from": str, "question": str, "choices": list[str]}, total=False)
"""A task that asks the person here; without `choices` it wants words. `from` is who asks, by name."""


class Member(TypedDict, total=False):
    """One station of the site and who sits there."""

    station: str
    person: str
    roles: list[str]
    live: bool
    seen_ms: int | None
    self: bool
    revoked: bool
    fingerprint: str


class Labels(TypedDict, total=False):
    """Language, theme and the names this site gave to things; `timer_s` is the time between repaints of ages."""

    language: str
    theme: str
    order_name: str
    item_name: str
    subtitle_name: str
    flag_a: str
    flag_b: str
    item_flag_a: str
    item_flag_b: str
    mask: bool
    timer: bool
    timer_s: int
    fields: dict[str, int]


class Setting(TypedDict, total=False):
    """A setting for staff; `kind` is flag, choice (of `choices`) or number (`least` to `most`).

    `fixed` is "policy" or "given" (command line, environment) where it cannot be changed here.
    """

    key: str
    kind: str
    value: Any
    fixed: str
    choices: list[str]
    least: int
    most: int


class State(TypedDict, total=False):
    """Everything the window is told."""

    status: Status
    orders: list[Order]
    pages: list[Page]
    questions: list[Question]
    members: list[Member]
    texts: Labels
    settings: list[Setting]


Reply = dict[str, Any]
"""One answer of the agent: {id, ok, result} or {id, ok, error: {code, title, message, field, exit}}."""
