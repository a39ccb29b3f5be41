"""When the hub proves itself anew, when keys are renewed and what failed is tried again: spread by chance, pure."""

from collections import deque
from collections.abc import Callable

from agent.domain.bundle import Bundle

Chance = Callable[[int], bytes]
"""So many fresh random bytes."""

BEFORE_END_MS, AROUND_MS = 300_000, 60_000
"""So long before the end of its proof the hub is asked for the next one, and how far that is spread to both sides."""

AFTER, OVER, END = 0.80, 0.05, 0.05
"""Keys are renewed when AFTER of their life is gone, spread over OVER of it; END is the part that is urgent."""

SPREAD_S = 240.0
"""A renewal that is due already is spread over this time: with what must be said again it is within five minutes."""

LATER_S, SOON_S, AROUND = 3600.0, 300.0, 0.1
"""When a renewal that failed is tried again, spread by AROUND to both sides: while there is time, and at the end."""

SHORTEST_S, FIRST_BOUND_S, LONGEST_S = 5.0, 10.0, 300.0
MOST, WITHIN_S = 3, 60.0


def share(chance: Chance) -> float:
    """A number from 0 to 1, 1 left out."""
    return int.from_bytes(chance(6), "big") / (1 << 48)


def proof_in(until: int, now_ms: int, chance: Chance) -> float:
    """In how many seconds the hub is asked for its next proof, when this one ends at `until`."""
    around = round((2 * share(chance) - 1) * AROUND_MS)
    return max(0.0, (until - BEFORE_END_MS + around - now_ms) / 1000)


def renewal_in(not_after: int, life_ms: int, now_ms: int, lot: float, chance: Chance) -> float:
    """In how many seconds keys that are good until `not_after` are renewed; `lot`, a share, is drawn once for them."""
    due = not_after - life_ms + (AFTER + OVER * lot) * life_ms
    return (due - now_ms) / 1000 if due > now_ms else SPREAD_S * share(chance)


def renewal_again_in(not_after: int, life_ms: int, now_ms: int, chance: Chance) -> float:
    """In how many seconds a renewal that failed is tried again."""
    usual = SOON_S if now_ms >= not_after - END * life_ms else LATER_S
    return usual * (1 + (2 * share(chance) - 1) * AROUND)


def fresh_bundle(bundle: Bundle, chance: Chance) -> Bundle:
    """The next generation of keys; how long they are good the hub decides."""
    return Bundle(bundle.gen + 1, chance(8), chance(32), 0, chance(8), chance(32), bundle.life_ms)


class Slower:
    """Pauses between 5 s and a bound that doubles from 10 s to 5 min."""

    def __init__(self, chance: Chance) -> None:
        self._chance, self._bound = chance, FIRST_BOUND_S

    def pause(self) -> float:
        """The next pause, seconds."""
        bound, self._bound = self._bound, min(2 * self._bound, LONGEST_S)
        return SHORTEST_S + share(self._chance) * (bound - SHORTEST_S)

    def reset(self) -> None:
        """Begin with short ones again."""
        self._bound = FIRST_BOUND_S


class Seldom:
    """What may happen at once, but only three times in a minute."""

    def __init__(self) -> None:
        self._times: deque[float] = deque(maxlen=MOST)

    def take(self, mono: float) -> bool:
        """Whether it may happen now; counts if so."""
        if len(self._times) == MOST and mono < self._times[0] + WITHIN_S:
            return False
        self._times.append(mono)
        return True
