"""A worker says that it is available, and until when, to everybody who may need it and to the hub.

Whoever wants workers asks (`lease.ask`) and is answered at once. Over fast links a lease lasts 30 seconds and is
renewed each 10; by mail it lasts 15 minutes, or longer where mail is slow, and is renewed in a third of that; both
only as long as somebody asked within the last hour. A stop on purpose is a last lease without room.
"""

from collections.abc import Callable

from agent.domain.audience import EVERYBODY
from agent.domain.effects import Effect, Post, WakeAt
from agent.domain.envelope import QUIET, WANT_NOTHING
from agent.domain.events import Instant
from agent.domain.names import HUB
from agent.domain.tasks import MOST_LEASE_MS, Lease

FAST_S, MAIL_S = 30.0, 15 * 60.0
"""How long a lease lasts, seconds; it is renewed in a third of that."""
PATIENCE, MOST_S = 6.0, MOST_LEASE_MS / 1000
"""By mail it lasts at least so many times as the question was on its way, and at most so long."""
INTEREST_S = 3600.0
AT_LEAST_S = 1.0
"""Between two announcements because something has changed."""


class Standing:
    """What a worker has to offer, as it tells it; counted by whoever knows."""

    def __init__(self, kid: str, skills: tuple[str, ...], capacity: int) -> None:
        self.kid, self.skills, self.capacity = kid, skills, capacity
        self.free, self.load = capacity, 0


class Announcing:
    """Leases of this station. `links` names those that are up."""

    def __init__(self, standing: Standing, new_id: Callable[[], str], links: Callable[[], tuple[str, ...]]) -> None:
        self._standing, self._new_id, self._links = standing, new_id, links
        self._asked: dict[str, tuple[float, bool]] = {}
        self._due: dict[bool, float] = {}
        self._n = 0
        self._said_free: int | None = None
        self._said_at = float("-inf")
        self._ended = False
        self._mail_s = MAIL_S

    def asked(self, station: str, link: str, at: int, now: Instant) -> list[Effect]:
        """Somebody may want a worker, and wrote so at `at`, ms UTC: tell them at once."""
        if self._ended:
            return []
        by_mail = link == "mail"
        self._asked[station] = (now.mono, by_mail)
        if by_mail:
            self._mail_s = min(max(MAIL_S, PATIENCE * (now.ms - at) / 1000), MOST_S)
        return self._say([station], by_mail=by_mail, now=now)

    def changed(self, now: Instant) -> list[Effect]:
        """There is room now where none was, or none where there was: those nearby learn it at once."""
        free = self._standing.free
        if self._ended or self._said_free is None or (free > 0) == (self._said_free > 0):
            return []
        if now.mono < self._said_at + AT_LEAST_S:
            self._due[False] = min(self._due.get(False, now.mono + AT_LEAST_S), now.mono + AT_LEAST_S)
            return [WakeAt(self._due[False])]
        return self._renew(by_mail=False, now=now)

    def leave(self, now: Instant) -> list[Effect]:
        """We take nothing any more."""
        self._ended, self._standing.free = True, 0
        everybody = [station for stations in (self._to(by_mail=False), self._to(by_mail=True)) for station in stations]
        self._due.clear()
        return self._post(everybody, 0.0, now) if everybody else []

    def woke(self, now: Instant) -> list[Effect]:
        """Renew what is due."""
        self._asked = {who: (at, mail) for who, (at, mail) in self._asked.items() if now.mono < at + INTEREST_S}
        due = [by_mail for by_mail, at in self._due.items() if at <= now.mono]
        effects = [effect for by_mail in due for effect in self._renew(by_mail=by_mail, now=now)]
        return [*effects, *(WakeAt(at) for at in self._due.values())]

    def _to(self, *, by_mail: bool) -> list[str]:
        return [station for station, (_, mail) in self._asked.items() if mail == by_mail]

    def _renew(self, *, by_mail: bool, now: Instant) -> list[Effect]:
        self._due.pop(by_mail, None)
        stations = self._to(by_mail=by_mail)
        return self._say(stations, by_mail=by_mail, now=now) if stations else []

    def _say(self, stations: list[str], *, by_mail: bool, now: Instant) -> list[Effect]:
        lasts = self._mail_s if by_mail else FAST_S
        due = min(self._due.get(by_mail, now.mono + lasts / 3), now.mono + lasts / 3)
        self._due[by_mail] = due if due > now.mono else now.mono + lasts / 3
        return [*self._post(stations, lasts, now), WakeAt(self._due[by_mail])]

    def _post(self, stations: list[str], lasts: float, now: Instant) -> list[Effect]:
        """One lease for all of these; n follows the time, so it grows over restarts with nothing kept.

        That there is none any more is worth to be heard for as long as the last one might be believed.
        """
        standing, self._n = self._standing, max(self._n + 1, now.ms)
        self._said_free, self._said_at = standing.free, now.mono
        lease = Lease(
            kid=standing.kid,
            skills=standing.skills,
            free=standing.free,
            capacity=standing.capacity,
            load=standing.load,
            until=now.ms + round(lasts * 1000),
            n=self._n,
            links=self._links(),
        )
        to = tuple(dict.fromkeys((*stations, HUB)))
        life = round((lasts or self._mail_s) * 1000)
        return [Post(self._new_id(), EVERYBODY, to, "lease", lease, want=WANT_NOTHING, prio=QUIET, life_ms=life)]
