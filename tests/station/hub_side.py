"""The hub as the machines know it, answering one station, with a disk of its own."""

from collections.abc import Callable
from random import Random

from agent.domain.bundle import LIFE_MS, Bundle, Held
from agent.domain.events import Instant
from agent.domain.messages import (
    AuthConfirm,
    AuthHello,
    Parameters,
    PskFailed,
    PskHello,
    PskOffer,
    PskRequest,
    PskUse,
)
from agent.wire.acts import Act, Hold, Say
from agent.wire.hello.hub import Asked, Confirmed, Doors, hub_hello
from agent.wire.macs import Pair
from agent.wire.renewal.hub import Failed, Greeted, Offered, Requested, Round, Used, hub_renewal

DAY_MS = 86_400_000


def bundle(gen: int = 1, *, not_after: int, seed: int = 0) -> Bundle:
    """A whole bundle; the same numbers make the same."""
    chance = Random(gen * 1000 + seed).randbytes
    return Bundle(gen, chance(8), chance(32), not_after, chance(8), chance(32))


class HubSide:
    """`held` is its disk; `answers` gives what it says to a message."""

    def __init__(self, pair: Pair, held: Held) -> None:
        self.pair, self.held, self.life_ms = pair, held, LIFE_MS
        self._chance = Random(1).randbytes
        self.restart()

    def restart(self) -> None:
        """Crash: only the disk is left."""
        self._doors, self._round = Doors(self.pair), Round(self.pair)

    def answers(self, params: Parameters, now: Instant) -> list[Say]:
        event = self._events()[type(params)](params)
        if isinstance(event, Asked | Confirmed):
            self._doors, acts = hub_hello(self._doors, self.held, event, now)
        else:
            self._round, acts = hub_renewal(self._round, self.held, event, now)
        return [act for act in acts if isinstance(act, Say) or self._hold(act)]  # type: ignore[misc]  # no Hold is left

    def _events(self) -> dict[type, Callable[..., object]]:
        return {
            AuthHello: lambda params: Asked(params, self._chance(32)),
            AuthConfirm: lambda params: Confirmed(params, self._chance(16), ("kitchen",)),
            PskRequest: Requested,
            PskHello: lambda params: Greeted(params, self._chance(32)),
            PskOffer: lambda params: Offered(params, self.life_ms),
            PskUse: Used,
            PskFailed: Failed,
        }

    def _hold(self, act: Act) -> bool:
        if isinstance(act, Hold):
            self.held = Held(act.current, act.pending)
        return False
