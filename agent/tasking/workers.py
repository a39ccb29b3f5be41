"""Who is available for tasks: the newest lease of each worker, as long as it lasts, and how well each has done.

The highest n wins, whatever order leases arrive in; a clean stop is a lease without room that ends at once, and stays
known for a while, so that an older one that comes late does not bring the worker back.
"""

from collections.abc import Callable, Iterable, Mapping

from msgspec import Struct, field

from agent.domain.audience import Audience
from agent.domain.effects import Effect, Keep, Note, Post, Refresh, WakeAt
from agent.domain.envelope import QUIET, WANT_NOTHING
from agent.domain.events import Instant
from agent.domain.keys import to_b64u
from agent.domain.ledger import Ledger
from agent.domain.task import Disbelieve
from agent.domain.tasks import MOST_LEASE_MS, Lease, LeaseAsk
from agent.tasking.choice import Candidate
from agent.tasking.paces import FAST_S

KIND = "lease"
LONG_S = 120.0
"""What lasts longer than this is kept on disk: it came by mail, and the next is a while away."""
REMEMBER_S = 6 * 3600.0
"""How long the n of an ended lease is remembered; no message of a lease lives longer."""
SILENT_AGAIN_S = 20.0
"""A worker nearby whose lease has ended is asked so often how it stands, as long as there are tasks."""
OUTCOMES = 20
WORKER = "worker"


class Known(Struct):
    """A worker's newest lease; `ends` and `heard` are monotonic seconds of this run, `until` ms UTC."""

    station: str
    n: int
    skills: tuple[str, ...]
    free: int
    capacity: int
    load: int
    until: int
    ends: float = 0.0
    heard: float = 0.0
    links: tuple[str, ...] = ()
    outcomes: list[bool] = field(default_factory=list)

    @property
    def failures(self) -> float:
        """The share of its last tasks that came to nothing, 0 to 1."""
        return self.outcomes.count(False) / len(self.outcomes) if self.outcomes else 0.0


class Workers:
    """The list. `trip` is the round trip to a station over the best link that leads there, seconds, or None."""

    def __init__(
        self,
        ledger: Callable[[], Ledger],
        trip: Callable[[str], float | None],
        new_id: Callable[[], str],
        kept: Iterable[Known],
        now: Instant,
    ) -> None:
        self._ledger, self.trip, self._new_id = ledger, trip, new_id
        self._called = float("-inf")
        self._asked: dict[str, float] = {}
        self._known = {known.station: known for known in kept}
        for known in self._known.values():
            known.ends, known.heard = now.mono + _left_s(known.until, now.ms), now.mono

    def heard(self, sender: str, lease: Lease, at: int, now: Instant) -> list[Effect]:
        """Take a lease in that `sender` signed at `at`, ms UTC; a key that stands only in it is never trusted."""
        member, before = self._ledger().member(sender), self._known.get(sender)
        if member is None or to_b64u(member.kid) != lease.kid:
            why = "key" if member else "no-member"
            return [Note("lease refused", {"station": sender, "why": why}), Disbelieve(KIND)]
        if before is not None and lease.n <= before.n:
            return []
        known = Known(
            sender, lease.n, lease.skills, min(lease.free, lease.capacity), lease.capacity, lease.load, lease.until
        )
        known.links, known.heard = lease.links, now.mono
        known.ends = now.mono + _left_s(lease.until, now.ms if now.anchored else at)
        known.outcomes = before.outcomes if before else []
        self._known[sender] = known
        long = known.ends > now.mono + LONG_S
        stale = before is not None and before.ends > before.heard + LONG_S
        return [*([Keep(KIND, sender, known if long else None)] if long or stale else []), Refresh()]

    def available(self, now: Instant) -> list[Known]:
        """Return those whose lease lasts and who are still workers by the ledger."""
        return [known for known in self._known.values() if self._is_there(known, now)]

    def _is_there(self, known: Known, now: Instant) -> bool:
        return known.ends > now.mono and self.is_worker(known.station)

    def is_worker(self, station: str, role: str = "") -> bool:
        """Whether the ledger knows it as a worker, and of this role if one is named."""
        member = self._ledger().member(station)
        return member is not None and WORKER in member.roles and (not role or role in member.roles)

    def candidates(
        self, role: str, taken: Callable[[str, float], int], shunned: Mapping[str, str], now: Instant
    ) -> list[Candidate]:
        """Return everybody we ever heard of as they stand now.

        `taken` counts the tasks a station got from us since a monotonic time: its lease does not know of these yet.
        """
        return [
            Candidate(
                known.station,
                skills=known.skills,
                free=max(0, known.free - taken(known.station, known.heard)),
                capacity=max(1, known.capacity),
                load=known.load / 100,
                trip=self.trip(known.station),
                failures=known.failures,
                member=self.is_worker(known.station, role),
                leased=known.ends > now.mono,
                shunned=shunned.get(known.station, ""),
            )
            for known in self._known.values()
        ]

    def room(self, taken: Callable[[str, float], int], now: Instant) -> bool:
        """Whether anybody at all could take a task now."""
        return any(
            known.ends > now.mono and known.free > 0 and known.free > taken(known.station, known.heard)
            for known in self._known.values()
        )

    def call(self, now: Instant, again_s: float) -> list[Effect]:
        """Ask all workers how they stand; if that was done within the last `again_s` seconds, only the silent ones."""
        if now.mono < self._called + again_s:
            return [*self._call_silent(now), WakeAt(self._called + again_s)]
        self._called = now.mono
        there = [member.station for member in self._ledger().active() if WORKER in member.roles]
        return [*(self._ask(station, now) for station in there), WakeAt(now.mono + again_s)]

    def _call_silent(self, now: Instant) -> list[Effect]:
        """Ask those nearby whose lease has ended: who was started anew does not know that anybody wants to know."""
        effects: list[Effect] = []
        for known in self._known.values():
            due = max(known.ends, self._asked.get(known.station, float("-inf")) + SILENT_AGAIN_S)
            if due <= now.mono:
                trip, due = self.trip(known.station), now.mono + SILENT_AGAIN_S
                near = trip is not None and trip <= FAST_S and self.is_worker(known.station)
                effects += [self._ask(known.station, now)] if near else []
            effects.append(WakeAt(due))
        return effects

    def _ask(self, station: str, now: Instant) -> Effect:
        self._asked[station] = now.mono
        to = Audience("station", station)
        return Post(self._new_id(), to, (station,), "lease.ask", LeaseAsk(), want=WANT_NOTHING, prio=QUIET)

    def settled(self, station: str, *, ok: bool) -> None:
        """A task of ours has come to an end there, well or not."""
        known = self._known.get(station)
        if known is not None:
            known.outcomes = [*known.outcomes, ok][-OUTCOMES:]

    def woke(self, now: Instant) -> list[Effect]:
        """Forget whom nobody has heard of for long."""
        old = [known.station for known in self._known.values() if known.ends + REMEMBER_S < now.mono]
        for station in old:
            del self._known[station]
            self._asked.pop(station, None)
        return [Keep(KIND, station, None) for station in old]


def _left_s(until: int, ms: int) -> float:
    """Return how long a lease still lasts; no clock that is wrong makes it last for ever."""
    return max(0, min(until - ms, MOST_LEASE_MS)) / 1000
