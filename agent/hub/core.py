"""The hub's decisions: an event and the time go in, effects come out; nothing else happens here."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.domain.audience import EVERYBODY, Audience
from agent.domain.bundle import LIFE_MS
from agent.domain.effects import Effect, Note, Post
from agent.domain.envelope import QUIET, WANT_NOTHING
from agent.domain.events import Arrived, GaveUp, Heard, Instant, LinkChanged, NotSaved, StrangerHeard, Woke
from agent.domain.heads import Fork, LedgerFork
from agent.domain.keys import to_b64u
from agent.domain.ledger import Ledger
from agent.domain.messages import (
    AuthConfirm,
    AuthHello,
    Ice,
    LedgerGet,
    LedgerHead,
    LedgerPart,
    OrderDelete,
    OrderList,
    OrderPut,
    PageAnswer,
    PageNew,
    PageWithdraw,
    Parameters,
    Presence,
    Probe,
    PskFailed,
    PskHello,
    PskOffer,
    PskRequest,
    PskUse,
)
from agent.domain.order import to_order
from agent.hub.account import StationAccount
from agent.hub.forks import Forks, SettleAsked
from agent.hub.history import History, Paged
from agent.hub.lists import Lists
from agent.hub.passing_on import PassingOn
from agent.hub.proofs import AccountsRead, ExpireAsked, Proof, Proofs, ReplaceAsked
from agent.hub.registry import Filed, Gap, Registry
from agent.hub.roster import Roster
from agent.hub.talks import Talks
from agent.routing.bucket import Buckets
from agent.routing.policy import MAIL
from agent.wire.ledger import part_after

TIDY_S = 3600.0
HEAD_S = 3600.0
"""How often all who are there are told how far the ledger goes; that word is good for a day."""
AWAY_TURNS = 6
"""Every so many times the others are told as well: it waits at the broker, or is a mail."""

PUSHED = 4
"""With each new entry go those before it: a station that missed one need not ask, which by mail takes hours."""

GIVEN_PER_S, GIVEN_AT_ONCE = 2.0, 200
"""How often one station is given a part of the ledger; whoever lacks all of a big one need not wait for it."""

PROVING = (AuthHello, AuthConfirm, PskRequest, PskHello, PskOffer, PskUse, PskFailed)
"""What stations say about keys."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the last run left on disk, by kind; see the Keep effects of the parts."""

    ledger: Ledger
    frames: Sequence[bytes] = ()
    orders: Sequence[Filed] = ()
    pages: Sequence[Paged] = ()
    accounts: Sequence[StationAccount] = ()
    proofs: Sequence[Proof] = ()
    gaps: Sequence[Gap] = ()
    forks: Sequence[Fork] = ()


@dataclass(frozen=True, slots=True)
class Appended:
    """An entry of the ledger is on disk: this is the state after it."""

    frame: bytes
    ledger: Ledger


@dataclass(slots=True)
class Links:
    """How the hub's own links stand."""

    states: dict[str, LinkChanged] = field(default_factory=dict)

    @property
    def at_broker(self) -> bool:
        """Whether stations can reach us without mail."""
        return any(link.state == "up" for link in self.states.values() if link.name != MAIL)


class Core:
    """One hub. `handle` is the whole interface; the parts are there to be looked at.

    `chance` gives so many fresh random bytes, `life_ms` is how long new keys are good, `ice` see Talks.
    """

    def __init__(
        self,
        *,
        kept: Kept,
        new_id: Callable[[], str],
        now: Instant,
        chance: Callable[[int], bytes],
        life_ms: int = LIFE_MS,
        ice: Callable[[str, int], Ice | None] = lambda *_: None,
    ) -> None:
        self.ledger = kept.ledger
        self.frames = list(kept.frames)
        self.registry = Registry(kept.orders, kept.gaps)
        self.history = History(kept.pages)
        self.roster = Roster(now.ms)
        self.links = Links()
        self._new_id = new_id
        self._lists = Lists(self.registry, new_id)
        self._passing_on = PassingOn(self._lists, lambda: self.ledger)
        talks = Talks(lambda: self.ledger, chance, life_ms, ice)
        self.proofs = Proofs(kept.accounts, kept.proofs, talks, new_id)
        self.forks = Forks(lambda: self.ledger, lambda: self.frames, kept.forks)
        self._given = Buckets(GIVEN_PER_S, GIVEN_AT_ONCE)
        self._tidy_at = now.mono
        self._head_at, self._heads, self._mailed = now.mono, 0, False
        self._on: dict[type, Callable[[Any, Instant], list[Effect]]] = {
            Arrived: self._arrived,
            Appended: self._appended,
            Heard: self._heard,
            LinkChanged: self._link,
            StrangerHeard: lambda event, _: [Note("stranger", {"link": event.link})],
            GaveUp: lambda event, _: [Note("gave-up", {"id": event.id, "station": event.station, "why": event.why})],
            Woke: lambda _, now: self._woke(now),
            NotSaved: lambda _, __: self.proofs.not_saved(),
            AccountsRead: lambda event, now: self.proofs.read(event.accounts, now),
            ExpireAsked: self.proofs.expire,
            ReplaceAsked: self.proofs.replace,
            SettleAsked: self._settle,
        }
        self._decide: dict[type[Parameters], Callable[[Arrived, Any, Instant], list[Effect]]] = {
            OrderPut: self._order,
            OrderDelete: self._order,
            OrderList: self._lists.asked,
            LedgerGet: self._ledger_get,
            LedgerFork: self.forks.heard,
            Probe: self._probe,
            Presence: self._presence,
            PageNew: lambda event, page, _: self.history.asked(event, page),
            PageAnswer: lambda event, answer, _: self.history.answered(event, answer),
            PageWithdraw: lambda event, _, __: self.history.withdrawn(event),
            **dict.fromkeys(PROVING, self.proofs.heard),
        }

    def handle(self, event: object, now: Instant) -> list[Effect]:
        """Decide; events that mean nothing to a hub have no effects."""
        decide = self._on.get(type(event))
        return decide(event, now) if decide else []

    def _arrived(self, event: Arrived, now: Instant) -> list[Effect]:
        if event.envelope.exp > now.ms:  # what is never refused for its time may be an old word, said again by others
            self.roster.heard(event.envelope.sender, now.mono)
            self._passing_on.heard(event.envelope.sender, event.link)
        decide = self._decide.get(type(event.params))
        return decide(event, event.params, now) if decide else []

    def _heard(self, event: Heard, now: Instant) -> list[Effect]:
        self.roster.heard(event.station, now.mono)
        return []

    def _order(self, event: Arrived, change: OrderPut | OrderDelete, now: Instant) -> list[Effect]:
        kept = self.registry.merge(to_order(change), event.envelope.at, now.ms)
        return [*kept, *self._passing_on.changed(event, kept, now)]

    def _probe(self, event: Arrived, probe: Probe, now: Instant) -> list[Effect]:
        """Say that we are here, what time it is and, if the asker knows it otherwise, who else is."""
        number = self.roster.look(now.mono)
        names = self.roster.names() if probe.roster != number else None
        answer = Probe(n=probe.n, time=now.ms, roster=number, live=names)
        return [self._tell(event.envelope.sender, "probe", answer, event.envelope.id)]

    def _presence(self, event: Arrived, presence: Presence, _: Instant) -> list[Effect]:
        if not presence.up:
            self.roster.left(event.envelope.sender)
        return []

    def _ledger_get(self, event: Arrived, get: LedgerGet, now: Instant) -> list[Effect]:
        """The head goes first: without one that is good a station adds nobody. A flood of questions is not answered."""
        sender, id_ = event.envelope.sender, event.envelope.id
        if not self._given.take("", sender, now.mono):
            return []
        return [*self._head((sender,)), self._tell(sender, "ledger.part", part_after(self.frames, get.after), id_)]

    def _appended(self, event: Appended, _: Instant) -> list[Effect]:
        """Tell every station at once who has come or gone."""
        before, self.ledger = self.ledger, event.ledger
        self.frames.append(event.frame)
        for station in before.members:
            if self.ledger.member(station) is None:
                self.roster.left(station)
        stations = tuple(sorted(member.station for member in self.ledger.active()))
        part = LedgerPart(entries=tuple(frame.decode("ascii") for frame in self.frames[-PUSHED:]))
        push = Post(self._new_id(), EVERYBODY, stations, "ledger.part", part, want=WANT_NOTHING, prio=QUIET)
        return [*self._head(stations), push] if stations else []

    def _head(self, stations: tuple[str, ...]) -> list[Effect]:
        """Tell these how far the ledger goes; it is for everybody, so that they can hand it on."""
        head = LedgerHead(seq=self.ledger.seq, hash=to_b64u(self.ledger.head))
        post = Post(self._new_id(), EVERYBODY, stations, "ledger.head", head, want=WANT_NOTHING, prio=QUIET)
        return [post] if stations else []

    def _settle(self, asked: SettleAsked, now: Instant) -> list[Effect]:
        """IT says that our list is the right one: every station hears it at once, and can go on with it."""
        stations = tuple(sorted(member.station for member in self.ledger.active()))
        return [*self.forks.settle(asked, now), *(self._head(stations))]

    def _link(self, event: LinkChanged, _: Instant) -> list[Effect]:
        """Note it. With the mailbox open for the first time, who was told nothing since our last run is told that."""
        self.links.states[event.name] = event
        note = Note("link", {"name": event.name, "state": event.state, "why": event.why})
        if (event.name, event.state) != (MAIL, "up") or self._mailed:
            return [note]
        self._mailed = True
        return [note, *self._head(tuple(sorted(member.station for member in self.ledger.active())))]

    def _woke(self, now: Instant) -> list[Effect]:
        effects = [*self._lists.go_on(now), *self._passing_on.woke(now), *self.proofs.woke(now)]
        if now.mono >= self._tidy_at:
            self._tidy_at = now.mono + TIDY_S
            effects += self.registry.forget_old(now.ms)
        if now.mono >= self._head_at:
            self._head_at = now.mono + HEAD_S
            effects += self._head(self._to_be_told(now))
        return effects

    def _to_be_told(self, now: Instant) -> tuple[str, ...]:
        """Whom the head is sent to now: whoever comes asks for it anyway."""
        everybody, self._heads = self._heads % AWAY_TURNS == 0, self._heads + 1
        active = {member.station for member in self.ledger.active()}
        return tuple(sorted(active if everybody else active & self.roster.live(now.mono)))

    def _tell(self, station: str, type_: str, params: Parameters, re: str) -> Post:
        to = Audience("station", station)
        return Post(self._new_id(), to, (station,), type_, params, re=re, want=WANT_NOTHING, prio=QUIET)
