"""One honest conversation, stopped before each of its messages, so that something else can be said in its place."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from agent.domain.bundle import Bundle, Held
from agent.domain.events import Instant
from agent.domain.messages import Ice, Parameters
from agent.wire.acts import Act, Admitted, Entered, Fail, Hold, Save, Say, Verified
from agent.wire.hello.hub import Asked, Confirmed, Doors, hub_hello
from agent.wire.hello.station import Begin, Hello, hello
from agent.wire.macs import Pair
from agent.wire.renewal.hub import Greeted, Offered, Requested, Round, Used, hub_renewal
from agent.wire.renewal.station import Listening, Renew, Renewal, Saved, renewal
from tests.wire.symbols import NOW, PAIR, bundle, chance, round_name

KEYS = bundle("first")
FRESH = bundle("fresh", gen=2)
OTHER = bundle("other")


def said(acts: Sequence[Act]) -> Any:
    """Return what is said first."""
    return next(act.params for act in acts if isinstance(act, Say))


def verdict(acts: Sequence[Act]) -> str:
    """Return what became of a message: "in" if it was believed, "ignored", or the code of the refusal."""
    for act in acts:
        if isinstance(act, Fail):
            return act.code
        if isinstance(act, Say) and act.type == "auth.refused":
            return str(said([act]).code)
        if isinstance(act, Verified | Admitted | Entered | Hold | Save):
            return "in"
        if isinstance(act, Say) and act.type in {"auth.proof", "psk.proof", "psk.offer"}:
            return "in"
    return "ignored"


class Handshake(NamedTuple):
    """Every message of a handshake and every state before it."""

    asked: Hello
    a1: Any
    closed: Doors
    answered: Doors
    a2: Any
    confirmed: Hello
    a3: Any
    a4: Any
    held: Held

    def hub(self, params: Parameters, now: Instant = NOW) -> str:
        """The hub hears a confirm."""
        return verdict(hub_hello(self.answered, self.held, Confirmed(params, bytes(16), ("cook",)), now)[1])  # type: ignore[arg-type]

    def door(self, params: Parameters, held: Held | None = None, now: Instant = NOW) -> str:
        """The hub hears a hello."""
        asked = Asked(params, chance("n_h"))  # type: ignore[arg-type]  # attacks say what they like
        return verdict(hub_hello(self.closed, held or self.held, asked, now)[1])

    def proof(self, params: Parameters) -> str:
        """The station hears this instead of the hub's proof."""
        return verdict(hello(self.asked, params, NOW)[1])

    def ok(self, params: Parameters) -> str:
        """The station hears this instead of the hub's yes."""
        return verdict(hello(self.confirmed, params, NOW)[1])


def handshake(
    name: str = "",
    keys: Bundle = KEYS,
    held: Held | None = None,
    station: Pair = PAIR,
    hub: Pair | None = None,
    ice: Ice | None = None,
) -> Handshake:
    """Play a handshake with the nonces of this name."""
    held = held or Held(keys)
    asked, acts = hello(Hello(station), Begin(keys, chance(f"{name} n_s")), NOW)
    a1 = said(acts)
    doors, acts = hub_hello(Doors(hub or station), held, Asked(a1, chance(f"{name} n_h")), NOW)
    a2 = said(acts)
    confirmed, acts = hello(asked, a2, NOW)
    a3 = said(acts)
    _, acts = hub_hello(doors, held, Confirmed(a3, chance(f"{name} session", 16), ("cook",), ice), NOW)
    return Handshake(asked, a1, Doors(hub or station), doors, a2, confirmed, a3, said(acts), held)


class Rounds(NamedTuple):
    """Every message of a renewal and every state before it."""

    greeted: Renewal
    hello: Any
    none: Round
    proven: Round
    proof: Any
    offered: Renewal
    offer: Any
    stored: Round
    answer: Any
    use: Any
    held: Held
    holding: Held

    def hears_hello(self, params: Parameters) -> str:
        """The hub hears this instead of the station's hello."""
        return verdict(hub_renewal(self.none, self.held, Greeted(params, chance("n_h")), NOW)[1])  # type: ignore[arg-type]

    def hears_offer(self, params: Parameters, at: Round | None = None) -> str:
        """The hub hears this instead of the station's offer."""
        return verdict(hub_renewal(at or self.proven, self.held, Offered(params), NOW)[1])  # type: ignore[arg-type]

    def hears_use(self, params: Parameters, held: Held | None = None) -> str:
        """The hub hears this instead of the station's use."""
        return verdict(hub_renewal(self.stored, held or self.holding, Used(params), NOW)[1])  # type: ignore[arg-type]

    def hears_proof(self, params: Parameters) -> str:
        """The station hears this instead of the hub's proof."""
        return _renewed(self.greeted, params)

    def hears_stored(self, params: Parameters) -> str:
        """The station hears this instead of the hub's word that it has the new keys."""
        return _renewed(self.offered, params)


def _renewed(state: Renewal, params: Parameters) -> str:
    acts = renewal(state, params, NOW)[1]
    failed = [act for act in acts if isinstance(act, Fail)]
    return verdict(failed or acts)


def renewing(name: str = "", keys: Bundle = KEYS, fresh: Bundle = FRESH, hub: Pair = PAIR) -> Rounds:
    """Play a renewal with the nonces of this name."""
    held = Held(keys)
    event = Renew(keys, round_name(name), chance(f"{name} r_s"), fresh)
    state, acts = renewal(Renewal(PAIR), event, NOW)
    _, acts = hub_renewal(Round(hub), held, Requested(said(acts)), NOW)
    state, _ = renewal(state, said(acts), NOW)
    greeted, acts = renewal(state, Listening(), NOW)
    greeting = said(acts)
    proven, acts = hub_renewal(Round(hub), held, Greeted(greeting, chance(f"{name} r_h")), NOW)
    proof = said(acts)
    offered, acts = renewal(greeted, proof, NOW)
    offer = said(acts)
    stored, acts = hub_renewal(proven, held, Offered(offer), NOW)
    hold = next(act for act in acts if isinstance(act, Hold))
    answer = said(acts)
    saving, _ = renewal(offered, answer, NOW)
    _, acts = renewal(saving, Saved(), NOW)
    return Rounds(
        greeted, greeting, Round(hub), proven, proof, offered, offer, stored, answer, said(acts), held,
        Held(hold.current, hold.pending),
    )  # fmt: skip
