"""What station and hub say to each other about keys: the machines of handshake and renewal, and their words."""

from collections.abc import Sequence

from msgspec import Struct

from agent.domain import effects as do
from agent.domain.audience import THE_HUB
from agent.domain.bundle import Bundle
from agent.domain.effects import Anchor, Effect, Post, WakeAt
from agent.domain.envelope import WANT_NOTHING
from agent.domain.events import Instant, Woke
from agent.domain.messages import AuthOk, AuthProof, AuthRefused, Ice, Parameters, PskProof, PskReady, PskStored
from agent.domain.names import HUB
from agent.station.desk import Desk
from agent.station.proof.appointments import Chance, fresh_bundle
from agent.wire.acts import Act, Admitted, Fail, Listen, Lost, Renewed, Save, Say, Unlisten, Verified, Wake, channel_of
from agent.wire.hello.station import Begin, Hello, hello
from agent.wire.macs import Pair
from agent.wire.renewal.station import Listening, NotSaved, Renew, Renewal, Saved, renewal

PROOFS = (AuthOk, AuthProof, AuthRefused, PskProof, PskReady, PskStored)
"""What the hub says on the channels of proofs."""


class HubProven(Struct, frozen=True):
    """The hub holds our PSK, which it takes until `not_after`, ms UTC."""

    not_after: int


class LetIn(Struct, frozen=True):
    """The hub has let us in until `until`; it was `hub_time` there when it was `half_way`, monotonic, here.

    `ice` are the servers that help to find direct ways.
    """

    until: int
    hub_time: int
    half_way: float
    ice: Ice | None = None


class NotProven(Struct, frozen=True):
    """The handshake is over without a proof."""

    code: str


class KeysNew(Struct, frozen=True):
    """New keys are on the disk, and the hub has them."""


class NotRenewed(Struct, frozen=True):
    """The renewal is over without new keys."""

    code: str


Outcome = HubProven | LetIn | NotProven | KeysNew | NotRenewed
Step = Sequence[Effect | Outcome]


class Conversation:
    """Handshake and renewal with the hub, at most one at a time; keys are in it only while one runs."""

    def __init__(self, desk: Desk, chance: Chance) -> None:
        self._desk, self._chance = desk, chance
        pair = Pair(desk.site, desk.station, b"")
        self._hello, self._renewal = Hello(pair), Renewal(pair)

    @property
    def busy(self) -> bool:
        """Whether one of them runs."""
        return self._hello.phase in ("asked", "confirmed") or self._renewal.phase != "idle"

    def prove(self, bundle: Bundle, now: Instant) -> Step:
        """N-20: let us prove ourselves to each other."""
        self._hello = Hello(self._pair())
        return self._hello_goes_on(Begin(bundle, self._chance(32)), now)

    def renew(self, bundle: Bundle, now: Instant) -> Step:
        """N-28: get new keys under the backup of these."""
        chance = self._chance
        if self._renewal.phase == "idle":
            self._renewal = Renewal(self._pair())
        event = Renew(bundle, chance(16).hex(), chance(32), fresh_bundle(bundle, chance))
        return self._renewal_goes_on(event, now)

    def hear(self, params: Parameters, now: Instant) -> Step:
        """The hub said something on a channel of proofs."""
        match params:
            case AuthProof() | AuthOk():
                return self._hello_goes_on(params, now)
            case AuthRefused():
                return [*self._hello_goes_on(params, now), *self._renewal_goes_on(params, now)]
            case PskReady() | PskProof() | PskStored():
                return self._renewal_goes_on(params, now)
        return []

    def listening(self, channel: str, now: Instant) -> Step:
        """N-29: the channel of a round is subscribed."""
        return self._renewal_goes_on(Listening(), now) if channel == channel_of(self._renewal.round) else []

    def saved(self, *, ok: bool, now: Instant) -> Step:
        """N-39: the new keys are on the disk, or the old ones still are."""
        return self._renewal_goes_on(Saved() if ok else NotSaved(), now)

    def woke(self, now: Instant) -> Step:
        """Say again what was not answered, give up what takes too long."""
        said = self._hello_goes_on(Woke(), now) if self._hello.phase in ("asked", "confirmed") else []
        return [*said, *(self._renewal_goes_on(Woke(), now) if self._renewal.phase != "idle" else [])]

    def lost(self, now: Instant) -> None:
        """The connection is gone: both give up what they were at."""
        self._hello, _ = hello(self._hello, Lost(), now)
        self._renewal, _ = renewal(self._renewal, Lost(), now)

    def _pair(self) -> Pair:
        return Pair(self._desk.site, self._desk.station, self._desk.ledger.members[HUB].kid)

    def _hello_goes_on(self, event: object, now: Instant) -> Step:
        asked = self._hello.began
        self._hello, acts = hello(self._hello, event, now)
        step: list[Effect | Outcome] = []
        for act in acts:
            match act:
                case Verified():
                    assert isinstance(event, AuthProof)
                    step.append(HubProven(event.not_after))
                case Admitted(_, until, hub_time, _, ice):
                    step.append(LetIn(until, hub_time, (asked + now.mono) / 2, ice))
                case Fail(code):
                    step.append(NotProven(code))
                case _:
                    step.append(self._effect(act))
        return step

    def _renewal_goes_on(self, event: object, now: Instant) -> Step:
        began = self._renewal.began
        self._renewal, acts = renewal(self._renewal, event, now)
        step: list[Effect | Outcome] = []
        for act in acts:
            match act:
                case Renewed():
                    step.append(KeysNew())
                case Fail(code):
                    step.append(NotRenewed(code))
                case Save(bundle) if not now.anchored:
                    # By a clock that is wrong the new keys were as old as the last: take the hub's, which it proved.
                    step += [Anchor(bundle.not_after - bundle.life_ms, (began + now.mono) / 2), self._effect(act)]
                case _:
                    step.append(self._effect(act))
        return step

    def _effect(self, act: Act) -> Effect:
        match act:
            case Say(type_, params, channel):
                id_ = self._desk.new_id()
                return Post(id_, THE_HUB, (HUB,), type_, params, want=WANT_NOTHING, channel=channel)
            case Wake(mono):
                return WakeAt(mono)
            case Listen(channel):
                return do.Listen(channel)
            case Unlisten(channel):
                return do.Unlisten(channel)
            case Save(bundle):
                return do.SaveKeys(bundle)
        raise AssertionError(f"a station does not {type(act).__name__}")
