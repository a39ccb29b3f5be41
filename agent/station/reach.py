"""Who is there: the hub's heartbeat gives the time, the round trip and the list of stations that are live.

An answer counts once, for the probe whose id it names: the time it brings is not judged by any clock, and nobody can
guess an id that was never sent before.
"""

import math
from dataclasses import dataclass

from agent.domain.audience import THE_HUB, Audience
from agent.domain.effects import Anchor, Effect, NotBefore, Post, Refresh, Reply, WakeAt
from agent.domain.envelope import QUIET, WANT_NOTHING
from agent.domain.events import Arrived, Instant, LinkChanged, PeersReached, PingAsked
from agent.domain.messages import Presence, Probe
from agent.domain.names import HUB
from agent.routing.policy import DIRECT, MAIL
from agent.station.desk import Desk

PROBE_S = 20.0
SILENT_S = 50.0
SILENT_BY_MAIL_S = 8 * 3600.0
"""By mail the hub is not probed: it writes by itself, its word for the newest entry of the ledger four times a day."""
TELLS_BY_MAIL_S = 60.0
"""An answer by mail that took no longer tells the time: others believe a clock that is wrong by so much."""
MOST_LETTERS = 16
"""So many questions by mail are remembered."""
MOST_PINGS = 64
"""So many pings may be under way."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A probe under way: when it left, monotonic, and the ledger's seq we knew then."""

    mono: float
    seq: int


class Reach:
    """Links, hub and live stations as this station knows them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self.links: dict[str, LinkChanged] = {}
        self.since: dict[str, int] = {}
        self.live: frozenset[str] = frozenset()
        self.hub_seen: Instant | None = None
        self.hub_rtt_ms: float | None = None
        self.direct: frozenset[str] = frozenset()
        self._roster = 0
        self._n = 0
        self._pings: dict[str, int] = {}
        self._sent: dict[str, Asked] = {}
        self._letters: dict[str, float] = {}
        self._next = 0.0

    @property
    def connected(self) -> bool:
        """Whether any link to the hub is up."""
        return any(link.state == "up" for link in self.links.values() if link.name not in DIRECT)

    @property
    def near(self) -> bool:
        """Whether one of them is quick enough to ask the hub something and wait for the answer."""
        return any(link.state == "up" for link in self.links.values() if link.name not in (*DIRECT, MAIL))

    @property
    def hopeful(self) -> bool:
        """Whether one of them is down that may come up."""
        others = [link for link in self.links.values() if link.name not in (*DIRECT, MAIL)]
        return any(link.state in ("connecting", "down") for link in others)

    @property
    def there(self) -> frozenset[str]:
        """The stations that are live, by the hub's word or because there is a direct way to them."""
        return self.live | self.direct

    def hub_live(self, now: Instant) -> bool:
        """Whether the hub answered lately, or wrote if mail is all there is."""
        silent_s = SILENT_S if self.near else SILENT_BY_MAIL_S
        return self.connected and self.hub_seen is not None and now.mono - self.hub_seen.mono < silent_s

    def link(self, event: LinkChanged, now: Instant) -> list[Effect]:
        """A link changed; a fresh one to the hub is probed at once."""
        before = self.links.get(event.name)
        self.links[event.name] = event
        if before is None or before.state != event.state:
            self.since[event.name] = now.ms
        if not self.near:
            self.live, self._roster = frozenset(), 0
        fresh = event.state == "up" and event.name not in (*DIRECT, MAIL)
        return [*(self._probe(now) if fresh else []), Refresh()]

    def reached(self, event: PeersReached) -> list[Effect]:
        """Direct ways opened or ended."""
        self.direct = event.stations
        return [Refresh()]

    def ping(self, event: PingAsked) -> list[Effect]:
        """Ask a station for an answer."""
        id_ = self._desk.new_id()
        self._pings[id_] = event.ticket
        if len(self._pings) > MOST_PINGS:
            del self._pings[next(iter(self._pings))]
        return [self._to(event.station, id_, event.link, None)]

    def pinged(self, event: Arrived, probe: Probe) -> list[Effect]:
        """A station asks whether we are there, or answers; only direct ways are measured so, and the answer takes the
        same one back.
        """
        envelope = event.envelope
        if event.link not in DIRECT:
            return []
        if envelope.re is None:
            return [self._to(envelope.sender, self._desk.new_id(), event.link, envelope.id, probe.n)]
        ticket = self._pings.pop(envelope.re, None)
        return [] if ticket is None else [Reply(ticket)]

    def asked(self, re: str | None) -> Asked | None:
        """Return the probe that an answer is to, once."""
        return self._sent.pop(re, None) if re is not None else None

    def answered(self, probe: Probe, asked: Asked, now: Instant) -> list[Effect]:
        """The hub answered a probe; the first time it tells wakes whatever waits for that."""
        if probe.time is None:
            return []
        trip = now.mono - asked.mono
        self.hub_seen, self.hub_rtt_ms = now, trip * 1000
        if probe.live is not None:
            self.live, self._roster = frozenset(probe.live.split()), probe.roster
        anchor = Anchor(probe.time + round(trip * 500), now.mono)
        return [anchor, *([] if now.anchored else [WakeAt(now.mono)]), Refresh()]

    def asking(self, effects: list[Effect], now: Instant) -> list[Effect]:
        """Note what the hub is asked where only mail goes there: no probe does. Returns the same effects."""
        if not self.near:
            posts = [effect for effect in effects if isinstance(effect, Post) and effect.recipients == (HUB,)]
            for post in posts:
                if post.want == WANT_NOTHING:  # asked again under one id, either question may be what is answered
                    self._letters.setdefault(post.id, now.mono)
            for id_ in list(self._letters)[:-MOST_LETTERS]:
                del self._letters[id_]
        return effects

    def dated(self, event: Arrived, now: Instant) -> list[Effect]:
        """The hub signed something: what it says of the time, if no probe can be answered.

        An answer that comes at once tells it, as a probe's would. Anything else may be old: it is later than that.
        """
        envelope = event.envelope
        asked = self._letters.pop(envelope.re or "", -math.inf)
        trip = now.mono - asked
        if not self.near and trip <= TELLS_BY_MAIL_S:
            return [Anchor(envelope.at + round(trip * 500), now.mono), WakeAt(now.mono), Refresh()]
        return [] if now.anchored else [NotBefore(envelope.at), WakeAt(now.mono)]

    def woke(self, now: Instant) -> list[Effect]:
        """Probe when it is time."""
        if not self.near or now.mono < self._next:
            return []
        return [*self._probe(now), Refresh()]

    def heard_from(self, station: str, link: str, now: Instant) -> None:
        """Any message of a station proves that it is there, or if it came by mail that it was."""
        if link == MAIL:
            self.hub_seen = now if station == HUB and not self.near else self.hub_seen
        elif station not in self.live and station != HUB:
            self.live |= {station}

    def leaving(self) -> list[Effect]:
        """Say good-bye, so that nobody counts on us."""
        bye = Presence(up=False)
        return [Post(self._desk.new_id(), THE_HUB, (HUB,), "presence", bye, want=WANT_NOTHING)]

    def reachable(self, audience: Audience) -> int:
        """How many other stations of an audience are live now."""
        meant = {member.station for member in self._desk.ledger.resolve(audience)}
        return len(meant & self.there - {self._desk.station})

    def _to(self, station: str, id_: str, link: str, re: str | None, n: int = 0) -> Post:
        to, want = Audience("station", station), WANT_NOTHING
        return Post(id_, to, (station,), "probe", Probe(n=n), re=re, want=want, prio=QUIET, over=link)

    def _probe(self, now: Instant) -> list[Effect]:
        self._n += 1
        self._sent = {id_: asked for id_, asked in self._sent.items() if now.mono - asked.mono < SILENT_S}
        id_, self._next = self._desk.new_id(), now.mono + PROBE_S
        self._sent[id_] = Asked(now.mono, self._desk.known)
        probe = Probe(n=self._n, roster=self._roster)
        return [Post(id_, THE_HUB, (HUB,), "probe", probe, want=WANT_NOTHING), WakeAt(self._next)]
