"""Many stations and their ledgers in virtual time: some fast, some that only mail reaches, one that lies.

Only the ledger is alive here: each node is a real Membership over a disk that outlives it, and its effects are done by
the few lines that the tests of router and giving_back prove. What the hub signs is really signed.
"""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache, lru_cache
from heapq import heappop, heappush
from itertools import count
from random import Random

from msgspec import json

from agent.domain.audience import EVERYBODY
from agent.domain.effects import Effect, GiveBack, Keep, LedgerGrew, Post, ShowFork, Tell, WakeAt
from agent.domain.envelope import LIFE_MS, Envelope
from agent.domain.events import Arrived, Instant
from agent.domain.heads import HEADS, LedgerFork, short
from agent.domain.keys import to_b64u
from agent.domain.ledger import Ledger
from agent.domain.messages import PARAMETERS, LedgerGet, LedgerHead, LedgerPart, PageNew, Parameters
from agent.domain.names import HUB
from agent.hub.core import AWAY_TURNS, HEAD_S, PUSHED
from agent.station.desk import Desk
from agent.station.ledger.giving_back import post_fork, post_part
from agent.station.ledger.membership import Guards, Membership
from agent.station.loading import kept_from
from agent.wire import frame as frames_of
from agent.wire.frame import Parts, sign_frame
from agent.wire.keys import Identity
from agent.wire.ledger import part_after, read_entry
from tests.walks.members import NOW_MS, SITE, Members

TYPES = {params: type_ for type_, params in {**PARAMETERS, **HEADS}.items()}
MAIL_S = 2 * 3600.0
FAST_S = 0.5


def envelope(sender: str, type_: str, at: int, id_: str, head: tuple[int, str] | None, **more: object) -> Envelope:
    """An envelope of anybody."""
    plain: dict[str, object] = {"re": None, "want": 0, "prio": 0, "p": {}, "to": EVERYBODY.to_wire()}
    fixed = {"v": 1, "site": SITE, "id": id_, "sender": sender, "type": type_, "at": at, "exp": at + LIFE_MS[type_]}
    return Envelope(**(plain | fixed | {"head": head} | more))  # type: ignore[arg-type]  # as the test wants it


@lru_cache(maxsize=64)
def _signed(said: bytes, hub: Identity) -> bytes:
    return sign_frame(json.decode(said, type=Envelope), hub)


def signed_head(members: Members, ledger: Ledger, at: int = NOW_MS, **spoiled: object) -> bytes:
    """The hub's frame of ledger.head for this state."""
    params = {"seq": ledger.seq, "hash": to_b64u(ledger.head)} | spoiled
    said = envelope(HUB, "ledger.head", at, f"{at:032x}", ledger.short_head(), p=params)
    return _signed(json.encode(said), members.hub)


@cache
def _verified(parts: Parts, sign: bytes) -> None:
    frames_of.verify(parts, sign)


def verify_once(parts: Parts, sign: bytes) -> None:
    """The same signature under the same key is as good the second time: 50 stations look at the same entries."""
    _verified(parts, sign)


@dataclass
class Disk:
    """What a crash leaves; the pin lies elsewhere than the store."""

    kept: dict[tuple[str, str], bytes] = field(default_factory=dict)
    pin: tuple[int, bytes] | None = None

    def bodies(self, kind: str) -> Mapping[str, bytes]:
        """What was kept of one kind."""
        return {id_: body for (kind_, id_), body in sorted(self.kept.items()) if kind_ == kind}


@dataclass
class Clock:
    """Seconds since the beginning."""

    mono: float = 1000.0

    @property
    def now(self) -> Instant:
        return Instant(self.mono, NOW_MS + round(self.mono * 1000))


class Node:
    """One station's ledger; `posts` holds what it would send, `told` what people were told."""

    def __init__(self, name: str, genesis: bytes, clock: Clock, guards: Guards = Guards()) -> None:  # noqa: B008 - frozen
        self.name, self.genesis, self.clock, self.guards = name, genesis, clock, guards
        self.disk, self.told = Disk(), list[str]()
        self.posts: list[Post] = []
        self.wakes: set[float] = set()
        self._ids = count(1)
        self.boot()

    @property
    def ledger(self) -> Ledger:
        return self.desk.ledger

    @property
    def frozen(self) -> bool:
        return self.membership.forks.open is not None

    def boot(self) -> None:
        """Begin a run with what is on the disk."""
        ledger = read_entry(Ledger(SITE), self.genesis)
        for frame in self.disk.bodies("ledger").values():
            ledger = read_entry(ledger, frame)
        self.desk = Desk(SITE, self.name, self.new_id, ledger)
        kept = kept_from(self.disk.bodies, set()).ledger
        self.membership = Membership(self.desk, self.disk.pin, kept, self.guards)
        self.run(self.membership.start(self.clock.now))

    def lose_store(self) -> None:
        """The database is gone; pin and credentials are files of their own."""
        self.disk.kept.clear()
        self.boot()

    def catch_up(self, members: Members, upto: int | None = None) -> "Node":
        """Be given the entries of a log by the hub."""
        self.run(self.membership.entries([frame.decode() for frame in members.frames[:upto]], now=self.clock.now))
        return self

    def hear(self, sender: str, params: Parameters, **more: object) -> list[Effect]:
        """A message comes, as the core hands it on; `frame` are the bytes of a head of the hub."""
        frame, head, at = more.pop("frame", b""), more.pop("head", None), more.pop("at", self.clock.now.ms)
        type_, id_ = TYPES[type(params)], str(more.pop("id_", self.new_id()))
        said = envelope(sender, type_, at, id_, head, **more)  # type: ignore[arg-type]  # a head
        event, now = Arrived(said, params, "mail", frame=frame), self.clock.now  # type: ignore[arg-type]  # bytes
        effects = self.membership.noticed(event, now)
        match params:
            case LedgerGet():
                effects += self.membership.asked(event, params, now)
            case LedgerPart():
                effects += self.membership.part(event, params, now)
            case LedgerHead() if sender == HUB:
                effects += self.membership.head(event.frame, HUB, now)
            case LedgerFork():
                effects += self.membership.forked(event, params, now)
        return self.run(effects)

    def woke(self) -> list[Effect]:
        return self.run(self.membership.woke(self.clock.now))

    def run(self, effects: Sequence[Effect]) -> list[Effect]:
        """Do what is decided; returns it."""
        for effect in effects:
            match effect:
                case Keep(kind, id_, None):
                    self.disk.kept.pop((kind, id_), None)
                case Keep(kind, id_, value):
                    self.disk.kept[kind, id_] = value if isinstance(value, bytes) else json.encode(value)
                case LedgerGrew(seq, head):
                    self.disk.pin = (seq, head)
                case Tell(text):
                    self.told.append(text)
                case WakeAt(mono):
                    self.wakes.add(float(round(mono + 0.5)))
                case Post():
                    self.posts.append(effect)
                case GiveBack():
                    after = [body for id_, body in self.disk.bodies("ledger").items() if int(id_) > effect.after]
                    self.run(post_part(self.new_id(), after, effect))
                case ShowFork(fork):
                    own = self.disk.kept.get(("ledger", f"{fork.seq:012d}"))
                    self.posts.append(post_fork(self.new_id(), effect, own))
        return list(effects)

    def new_id(self) -> str:
        return f"{next(self._ids):024x}{self.name.encode().hex()[-8:]:0>8}"


class Crowd:
    """A hub, honest nodes and at most one `liar`. `slow` are those that only mail reaches; `random` decides it all.

    Once the hub has two faces it shows `second` to those it has `fooled`, and goes on with both.
    """

    def __init__(self, random: Random, size: int = 50, slow: int = 20, guards: Guards = Guards()) -> None:  # noqa: B008
        self.random, self.clock, self.members = random, Clock(), Members()
        self.second, self.fooled = self.members, frozenset[str]()
        self.loss, self.double, self.cut = 0.0, 0.0, frozenset[str]()
        self._flying: list[tuple[float, int, str, str, Parameters, dict[str, object]]] = []
        self._wakes: list[tuple[float, str]] = []
        self._heads = 0
        self._count, self._next_head, self.next_word = count(), self.clock.mono, self.clock.mono
        names = [f"desk-{number}" for number in range(size)]
        for name in names:
            self.members.add(name, "kitchen")
        self.slow = frozenset(names[:slow])
        self.liar = names[-1]
        self.nodes = {name: Node(name, self.members.frames[0], self.clock, guards) for name in names}
        self._set: dict[str, set[float]] = {name: set() for name in names}
        for node in self.nodes.values():
            node.catch_up(self.members)
            self._post(node)

    @property
    def honest(self) -> list[Node]:
        return [node for name, node in self.nodes.items() if name != self.liar]

    @property
    def equal(self) -> bool:
        return {node.ledger.head for node in self.honest} == {self.members.ledger.head}

    def two_faces(self) -> None:
        """From now on the hub has a second history, for every other node."""
        self.second, self.fooled = deepcopy(self.members), frozenset(sorted(self.nodes)[::2])
        self.members.add("guest-one", "front-desk")
        self.second.add("guest-two", "lead")
        for name in self.nodes:
            self._tell(name)

    def log(self, name: str) -> Members:
        """What the hub shows to a station."""
        return self.second if name in self.fooled else self.members

    def change(self) -> None:
        """The hub writes one entry and pushes it: somebody new, other roles, or somebody who goes."""
        guests = [m.station for m in self.members.ledger.active() if m.station.startswith("guest")]
        kind = self.random.random()
        if kind < 0.3:
            self.members.add(f"guest-{self.members.ledger.seq}", "front-desk")
        elif kind < 0.5 and guests:
            self.members.revoke(self.random.choice(guests))
        else:
            role = self.random.choice(["kitchen", "front-desk", "lead"])
            self.members.append("member.roles", self.random.choice(sorted(self.nodes)), {"roles": [role]})
        for name in self.nodes:
            self._tell(name)

    def send(self, sender: str, to: str, params: Parameters, **more: object) -> None:
        """Put a message on its way, if the net has a good day."""
        sure = isinstance(params, LedgerFork)  # repeated until receipted
        apart = (sender in self.cut) != (to in self.cut)
        mailed = sender in self.slow or to in self.slow
        if not sure and ((apart and not mailed) or self.random.random() < self.loss):
            return
        ledger = self.log(to).ledger if sender == HUB else self.nodes[sender].ledger
        more = {"head": ledger.short_head(), "at": self.clock.now.ms} | more
        for _ in range(2 if self.random.random() < self.double else 1):
            takes = self.random.uniform(0, MAIL_S if mailed else FAST_S)
            heappush(self._flying, (self.clock.mono + takes, next(self._count), to, sender, params, more))

    def advance(self, seconds: float) -> None:
        """Let time pass."""
        end = self.clock.mono + seconds
        while True:
            wake = self._wakes[0][0] if self._wakes else end
            landing = self._flying[0][0] if self._flying else end
            moment = min(wake, landing, self._next_head, self.next_word, end)
            self.clock.mono = max(self.clock.mono, moment)
            if moment >= end:
                return
            self._turn()

    def _turn(self) -> None:
        mono = self.clock.mono
        if self._next_head <= mono:
            self._next_head = mono + HEAD_S
            self._heads += 1
            for name in self.nodes:
                if name not in self.slow or self._heads % AWAY_TURNS == 1:
                    self._head_to(name)
        if self.next_word <= mono:
            self.next_word = mono + self.random.uniform(0, 600)
            self._somebody_speaks()
        while self._flying and self._flying[0][0] <= mono:
            _, _, to, sender, params, more = heappop(self._flying)
            self._land(to, sender, params, more)
        while self._wakes and self._wakes[0][0] <= mono:
            node = self.nodes[heappop(self._wakes)[1]]
            node.wakes = {at for at in node.wakes if at > mono}
            node.woke()
            self._post(node)

    def _land(self, to: str, sender: str, params: Parameters, more: dict[str, object]) -> None:
        if to == HUB:
            if isinstance(params, LedgerGet):
                self._head_to(sender)
                self.send(HUB, sender, part_after(self.log(sender).frames, params.after), re=more.get("id_asked"))
            return
        if to in self.nodes and not (to == self.liar and self._lies(sender, params, more)):
            said = {key: value for key, value in more.items() if key != "id_asked"}
            if isinstance(params, LedgerGet):
                said["id_"] = more["id_asked"]  # the answer names it
            node = self.nodes[to]
            node.hear(sender, params, **said)
            self._post(node)

    def _post(self, node: Node) -> None:
        for at in node.wakes - self._set[node.name]:
            heappush(self._wakes, (at, node.name))
        self._set[node.name] = set(node.wakes)
        posts, node.posts = node.posts, []
        for post in posts:
            more: dict[str, object] = {"re": post.re, "id_asked": post.id} if post.re else {"id_asked": post.id}
            for to in post.recipients:
                self.send(node.name, to, post.params, **more)

    def _head_to(self, name: str) -> None:
        log = self.log(name)
        frame = signed_head(log, log.ledger, self.clock.now.ms)
        self.send(HUB, name, LedgerHead(seq=log.ledger.seq, hash=to_b64u(log.ledger.head)), frame=frame)

    def _tell(self, name: str) -> None:
        """The hub pushes what is new, and how far its ledger goes."""
        self._head_to(name)
        tail = tuple(frame.decode() for frame in self.log(name).frames[-PUSHED:])
        self.send(HUB, name, LedgerPart(entries=tail))

    def _somebody_speaks(self) -> None:
        """A page from anybody to anybody: the sender's head comes with it; the liar's is a lie."""
        sender, to = self.random.sample(sorted(self.nodes), 2)
        more: dict[str, object] = {}
        if sender == self.liar:
            ledger = self.members.ledger
            seq = self.random.choice([ledger.seq, self.random.randint(1, ledger.seq), ledger.seq + 10**6])
            more["head"] = (seq, to_b64u(self.random.randbytes(16)))
        self.send(sender, to, PageNew(), **more)

    def _lies(self, sender: str, params: Parameters, more: dict[str, object]) -> bool:
        """The liar answers questions with what it made up, and shows forks that are none."""
        if sender == HUB or not isinstance(params, LedgerGet | LedgerFork):
            return False
        made_up = self._made_up()
        self.send(self.liar, sender, LedgerPart(entries=made_up, more=True), re=more.get("id_asked"))
        other = to_b64u(self.random.randbytes(16))
        fork = LedgerFork(
            seq=self.members.ledger.seq, one=short(self.members.ledger.head), other=other, evidence=made_up
        )
        self.send(self.liar, self.random.choice(sorted(set(self.nodes) - {self.liar})), fork)
        return True

    def _made_up(self) -> tuple[str, ...]:
        """An entry under its own key, and real ones with a bit turned."""
        own = self.members.entry("member.revoke", "desk-0", {}, signer=self.members.people[self.liar])
        spoiled = bytearray(self.random.choice(self.members.frames))
        spoiled[self.random.randrange(len(spoiled))] ^= 1 << self.random.randrange(7)
        return own.decode(), spoiled.decode("ascii", "replace")
