r"""How far a page got: one ladder per target station, and the sender's view as its best rung.

A target moves only upwards, whatever order its receipts arrive in; a person's answer beats every machine
evidence, and the exits (expired, undeliverable, withdrawn, missed) never hide an answer that came late.

    queued -> sent -> stored -> presented -> seen -> accepted | declined
       \________\________\__________\_______\____-> expired | undeliverable | withdrawn | missed

The table STEPS holds every (state, fact); test_page.py shows that it is total and monotonic.
"""

from enum import StrEnum

from msgspec import Struct, field

from agent.domain.audience import Audience


class State(StrEnum):
    """A rung of the ladder. `sent` means a link took the bytes: never shown as success."""

    QUEUED = "queued"
    SENT = "sent"
    STORED = "stored"
    PRESENTED = "presented"
    SEEN = "seen"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    EXPIRED = "expired"
    UNDELIVERABLE = "undeliverable"
    WITHDRAWN = "withdrawn"
    MISSED = "missed"


RANK: dict[State, int] = {
    State.QUEUED: 0,
    State.SENT: 1,
    State.STORED: 2,
    State.PRESENTED: 3,
    State.SEEN: 4,
    State.UNDELIVERABLE: 5,
    State.MISSED: 6,
    State.EXPIRED: 7,
    State.WITHDRAWN: 8,
    State.DECLINED: 9,
    State.ACCEPTED: 10,
}
SETTLED = frozenset({State.ACCEPTED, State.DECLINED, State.EXPIRED, State.UNDELIVERABLE, State.WITHDRAWN, State.MISSED})
ON_DEVICE = frozenset({State.STORED, State.PRESENTED, State.SEEN, State.ACCEPTED, State.DECLINED, State.MISSED})

STEPS: dict[tuple[State, State], State] = {
    (now, fact): fact if RANK[fact] > RANK[now] else now for now in State for fact in State
}
"""(state, fact) -> state; a fact is the rung it proves."""


class Target(Struct):
    """One station a page went to; `why` says why it was not presented, times are ms UTC."""

    station: str
    state: State = State.QUEUED
    link: str = ""
    why: str = ""
    at: int = 0
    late: bool = False

    def hear(self, fact: State, at: int, *, why: str = "") -> bool:
        """Take a fact in; return whether anything changed."""
        after = STEPS[self.state, fact]
        changed = after is not self.state or (fact is self.state and why != self.why and bool(why))
        if changed:
            self.state, self.at, self.why = after, at, why
            self.late = self.late and after not in ON_DEVICE
        return changed


class Answer(Struct, frozen=True, order=True):
    """What a person said; the lowest (time, station) wins when two answer at once."""

    at: int
    station: str
    person: str
    answer: str
    text: str = ""


class OutPage(Struct):
    """A page we sent."""

    id: str
    audience: Audience
    at: int
    exp: int
    order: str | None = None
    order_title: str = ""
    note: str = ""
    urgent: bool = False
    targets: dict[str, Target] = field(default_factory=dict)
    taken: Answer | None = None
    withdrawn: bool = False
    ends_at: float | None = None

    @property
    def state(self) -> State:
        """The page's state as its sender sees it: the best of its targets."""
        if self.withdrawn and self.taken is None:
            return State.WITHDRAWN
        return best([t.state for t in self.targets.values()])

    @property
    def settled(self) -> bool:
        """Whether nothing more is expected: taken, withdrawn, or every target has ended."""
        ended = all(t.state in SETTLED for t in self.targets.values())
        return self.taken is not None or self.withdrawn or ended

    @property
    def late(self) -> bool:
        """Whether the sender must see "not delivered yet": overdue and on no device at all."""
        return (
            not self.settled
            and any(t.late for t in self.targets.values())
            and not any(t.state in ON_DEVICE for t in self.targets.values())
        )


BEST_FIRST = (
    State.ACCEPTED,
    State.SEEN,
    State.PRESENTED,
    State.STORED,
    State.SENT,
    State.QUEUED,
    State.DECLINED,
    State.MISSED,
    State.EXPIRED,
    State.WITHDRAWN,
    State.UNDELIVERABLE,
)


def best(states: list[State]) -> State:
    """Return the state that says most about whether somebody comes: one who may still come beats one who declined."""
    return min(states, key=BEST_FIRST.index, default=State.UNDELIVERABLE)


NOT_SHOWN = "not-shown"
"""How the reason begins where a page rang but no notice could be put on the screen."""

SUMMARY = "summary"
"""The reason of a page that one notice stands for together with others of its sender."""

NO_TIME = "no-time"
"""The reason of a page that waits for the hub's time: by our own clock it is over, and our clock may be wrong."""


class Ring(StrEnum):
    """What a received page does on this station."""

    HELD = "held"
    RINGING = "ringing"
    RUNG = "rung"
    MISSED = "missed"
    SILENT = "silent"


class InPage(Struct):
    """A page we got. `ring_at` is monotonic seconds of the next sound, None when there is none to come.

    `ends_at` is monotonic too: when it is over at the latest, even if the hub never tells the time.
    """

    id: str
    sender: str
    audience: Audience
    at: int
    exp: int
    order: str | None = None
    order_title: str = ""
    note: str = ""
    urgent: bool = False
    unverified: bool = False
    unknown_order: bool = False
    ring: Ring = Ring.RINGING
    why: str = ""
    seen: bool = False
    snoozed: bool = False
    ring_at: float | None = None
    ends_at: float | None = None
    answer: Answer | None = None
    withdrawn: bool = False

    @property
    def open(self) -> bool:
        """Whether it still wants an answer from us."""
        return self.answer is None and not self.withdrawn and self.ring in (Ring.HELD, Ring.RINGING, Ring.RUNG)
