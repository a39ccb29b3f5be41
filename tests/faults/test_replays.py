"""Everything that was ever said about keys is said again, whole and in random orders: nothing changes on either side.

Both sides are the product's cores behind the product's admission: what is said again are the sealed bytes themselves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from secrets import token_bytes

import pytest
from msgspec import json, to_builtins

from agent.domain import effects as do
from agent.domain.bundle import Held
from agent.domain.effects import Effect, Keep, Note, Post
from agent.domain.envelope import LIFE_MS, PROOF_TYPES, Envelope
from agent.domain.events import Arrived, Instant, Woke
from agent.domain.names import HUB
from agent.hub.account import StationAccount, read_account
from agent.hub.core import Core, Kept
from agent.hub.keys_report import alarms
from agent.hub.proofs import ExpireAsked, Proof
from agent.routing.admission import Admission
from agent.routing.bucket import Buckets
from agent.wire.frame import sign_frame
from agent.wire.keys import Identity
from agent.wire.seal import seal
from tests.station.scene import crew, only
from tests.station.walk import Walk

ORDERS = 1000
STATION = "stove"
SITE = "s1"


@dataclass(frozen=True)
class Said:
    """One sealed message as it went over the wire."""

    type: str
    sealed: bytes
    channel: str


class Wire(Walk):
    """A station and a hub with everything between them that is not a network. `recorded` holds what each side heard."""

    def __post_init__(self) -> None:
        self.recorded: dict[str, list[Said]] = {HUB: [], STATION: []}
        self.cut = False
        self.disk_of_hub: dict[tuple[str, str], bytes] = {}
        self.by_hub: list[Effect] = []
        members = crew()
        self.people = members.people
        self.at_hub = Admission(members.hub, Buckets(1e9, 1e9))
        self.here = Admission(self.people[STATION], Buckets(1e9, 1e9))
        super().__post_init__()
        assert self.on_disk is not None
        first = StationAccount(
            station=STATION, bcrypt="", pbkdf2="", client_id="", kid="", current=self.on_disk, pending=None
        )
        self.hub_core = self.start_hub([first], [])
        self.keep(Keep("account", STATION, first))

    # the hub

    def start_hub(self, accounts: list[StationAccount], proofs: list[Proof]) -> Core:
        members = crew()
        kept = Kept(members.ledger, members.frames, accounts=accounts, proofs=proofs)
        return Core(kept=kept, new_id=self.new_id, now=self.there, chance=token_bytes)

    def restart_hub(self) -> None:
        """Crash: only its disk is left."""
        accounts = [read_account(body) for (kind, _), body in self.disk_of_hub.items() if kind == "account"]
        proofs = [json.decode(body, type=Proof) for (kind, _), body in self.disk_of_hub.items() if kind == "proof"]
        self.hub_core = self.start_hub(accounts, proofs)

    @property
    def there(self) -> Instant:
        return Instant(self.mono, self.ms, anchored=True)

    @property
    def held_by_hub(self) -> Held:
        return self.hub_core.proofs.accounts[STATION].held

    def keep(self, effect: Keep) -> None:
        if effect.kind in ("account", "proof"):
            self.disk_of_hub[effect.kind, effect.id] = json.encode(effect.value)

    def hub_hears(self, said: Said) -> list[Effect]:
        admitted = self.at_hub.admit("mqtt", STATION, said.sealed, self.hub_core.ledger, self.there, said.channel)
        event = Arrived(admitted.envelope, admitted.params, "mqtt", channel=said.channel)
        return self.hub_does(self.hub_core.handle(event, self.there))

    def hub_does(self, effects: list[Effect]) -> list[Effect]:
        self.by_hub += effects
        for effect in effects:
            if isinstance(effect, Keep):
                self.keep(effect)
            elif isinstance(effect, Post) and effect.type in PROOF_TYPES:
                self._send(HUB, STATION, effect, self.station_hears)
        return effects

    # the station

    def _carry(self, post: Post) -> None:
        self._send(STATION, HUB, post, self.hub_hears)

    def station_hears(self, said: Said) -> list[Effect]:
        admitted = self.here.admit("mqtt", HUB, said.sealed, self.core.desk.ledger, self.now, said.channel)
        arrived = Arrived(
            admitted.envelope, admitted.params, "mqtt", unverified=admitted.unverified, channel=said.channel
        )
        return self.tell(arrived)

    # between them

    def _send(self, sender: str, to: str, post: Post, arrives: Callable[[Said], list[Effect]]) -> None:
        said = Said(post.type, self._sealed(sender, to, post), post.channel)
        if not self.cut:
            self.recorded[to].append(said)
            self._next.append(lambda: arrives(said))

    def _sealed(self, sender: str, to: str, post: Post) -> bytes:
        reader: Identity = self.people[to]
        envelope = Envelope(
            v=1,
            site=SITE,
            id=post.id,
            sender=sender,
            to=post.to.to_wire(),
            type=post.type,
            at=self.ms,
            exp=self.ms + LIFE_MS[post.type],
            re=None,
            want=0,
            prio=0,
            head=None,
            p={key: value for key, value in to_builtins(post.params).items() if value is not None},
        )
        return seal(sign_frame(envelope, self.people[sender]), SITE, reader.kid, reader.receive)

    # the story

    def whole_conversation(self) -> "Wire":
        """A handshake, the end of the key, a renewal and another handshake."""
        self.connect()
        self.hub_does(self.hub_core.handle(ExpireAsked((STATION,), 1), self.there))
        self.settle()
        assert self.state == "proven"
        assert self.held_by_hub == Held(self.on_disk)  # type: ignore[arg-type]  # there is one
        assert self.on_disk is not None
        assert self.on_disk.gen == 2
        return self

    def hub_facts(self) -> object:
        """All that the hub believes, in memory and on disk."""
        return dict(self.hub_core.proofs.accounts), dict(self.hub_core.proofs.proofs), dict(self.disk_of_hub)

    def station_facts(self) -> object:
        """All that the station believes."""
        standing = self.core.proving.standing
        return self.on_disk, standing.state, standing.proven_ms, standing.until_ms, standing.gen, standing.not_after


@pytest.fixture(scope="module")
def told() -> Wire:
    return Wire().whole_conversation()


def orders(said: list[Said], seed: int) -> list[list[Said]]:
    """As it was, and in so many random orders, with something left out and something doubled."""
    chance = Random(seed)
    return [said, *([chance.choice(said) for _ in said] for _ in range(ORDERS // 2)), *_shuffled(said, chance)]


def _shuffled(said: list[Said], chance: Random) -> list[list[Said]]:
    return [chance.sample(said, len(said)) for _ in range(ORDERS - ORDERS // 2)]


def test_what_is_said_again_is_a_whole_conversation(told: Wire) -> None:
    heard = [{said.type for said in told.recorded[side]} for side in (HUB, STATION)]
    assert heard[0] == {"auth.hello", "auth.confirm", "psk.request", "psk.hello", "psk.offer", "psk.use"}
    assert heard[1] == {"auth.proof", "auth.ok", "auth.refused", "psk.ready", "psk.proof", "psk.stored"}


@pytest.mark.parametrize(("crashed", "pause"), [(False, 130.0), (True, 2.0)])
def test_nothing_said_again_changes_anything_at_the_hub(crashed: bool, pause: float) -> None:
    """Neither at once nor later, nor to a hub that was started anew; nobody is let in, nobody is alarmed."""
    wire = Wire().whole_conversation()
    wire.cut = True
    if crashed:
        wire.restart_hub()
    before = wire.hub_facts()
    wire.mono, wire.ms = wire.mono + 130, wire.ms + 130_000  # what is still open may be said again, and means the same
    wire.hub_does(wire.hub_core.handle(Woke(), wire.there))
    count = 0
    for order in orders(wire.recorded[HUB], 1):
        wire.by_hub.clear()
        for said in order:
            wire.hub_hears(said)
            count += 1
        assert [keep for keep in only(wire.by_hub, Keep) if keep.kind == "account"] == []
        assert [post.type for post in only(wire.by_hub, Post) if post.type in ("auth.ok", "psk.stored")] == []
        assert only(wire.by_hub, Note) == []
        assert wire.hub_facts() == before
        wire.mono, wire.ms = wire.mono + pause, wire.ms + (1 if pause > 100 else round(pause * 1000))
    assert alarms(wire.hub_core.proofs, wire.hub_core.ledger) == []
    assert wire.hub_core.roster.live(wire.mono) == frozenset()
    assert count > ORDERS * 8


def test_what_is_said_again_at_once_only_repeats_what_the_hub_said(told: Wire) -> None:
    wire = Wire().whole_conversation()
    wire.cut = True
    before = wire.hub_facts()
    for order in orders(wire.recorded[HUB], 2)[:50]:
        for said in order:
            wire.hub_hears(said)
        assert wire.hub_facts()[0] == before[0]  # type: ignore[index]  # its accounts
        wire.mono += 3


@pytest.mark.parametrize("moment", ["proven", "asked", "confirmed", "offered", "down"])
def test_nothing_said_again_moves_a_station(moment: str) -> None:
    """Whatever it is at: it believes nothing, saves nothing, opens nothing, and ends no conversation for it."""
    wire = Wire().whole_conversation()
    old = list(wire.recorded[STATION])
    _come_to(wire, moment)
    before, deeds = wire.station_facts(), len(wire.deeds)
    count = 0
    for order in orders(old, 3):
        for said in order:
            wire.station_hears(said)
            count += 1
        done = [deed for deed in wire.deeds[deeds:] if not isinstance(deed, do.Refresh)]
        assert done == []
        assert wire.station_facts() == before
    assert count > ORDERS * 8
    wire.cut = False
    wire.change("down").connect()
    if moment == "offered":  # with the newest keys of all
        wire.connect()
    assert wire.state == "proven"
    assert wire.held_by_hub == Held(wire.on_disk)  # type: ignore[arg-type]  # there is one


def _come_to(wire: Wire, moment: str) -> None:
    """Bring the station to where it waits for the hub's next word."""
    words = {"asked": "auth.proof", "confirmed": "auth.ok", "offered": "psk.stored"}
    if moment == "proven":
        return
    if moment == "down":
        wire.change("down")
        return
    wire.dropped = {words[moment]}
    hear = wire.station_hears
    wire.station_hears = lambda said: [] if said.type in wire.dropped else hear(said)  # type: ignore[method-assign]
    if moment == "offered":
        wire.hub_does(wire.hub_core.handle(ExpireAsked((STATION,), 2), wire.there))
        wire.settle()
    else:
        wire.core.proving.standing.until_ms = None  # nothing but a proof opens the inbox
        wire.change("down").connect()
    wire.station_hears = hear  # type: ignore[method-assign]
