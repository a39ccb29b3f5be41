"""The conversations about keys that are under way: both machines of each station that speaks; pure."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from agent.domain.bundle import Held
from agent.domain.events import Instant, Woke
from agent.domain.ledger import Ledger
from agent.domain.messages import (
    AuthConfirm,
    AuthHello,
    Ice,
    Parameters,
    PskFailed,
    PskHello,
    PskOffer,
    PskRequest,
    PskUse,
)
from agent.domain.names import HUB
from agent.wire.acts import Act
from agent.wire.hello.hub import Asked, Confirmed, Doors, hub_hello
from agent.wire.macs import Pair
from agent.wire.renewal.hub import Failed, Greeted, Offered, Requested, Round, Used, hub_renewal

TOKEN_BYTES, SESSION_BYTES = 32, 16


@dataclass(slots=True)
class _Talk:
    """Both machines of one station."""

    doors: Doors
    round: Round

    @property
    def until(self) -> float | None:
        """When something of it ends by itself, monotonic; None if nothing is open."""
        ends = [door.until for door in self.doors.open]
        ends += [self.round.until] if self.round.phase != "none" else []
        return min(ends, default=None)


class Talks:
    """By station. `chance` gives so many fresh random bytes, `life_ms` is how long new keys are good, `ice` the servers
    that a station may use from this moment, ms UTC, to find a direct way to others.
    """

    def __init__(
        self,
        ledger: Callable[[], Ledger],
        chance: Callable[[int], bytes],
        life_ms: int,
        ice: Callable[[str, int], Ice | None] = lambda *_: None,
    ) -> None:
        self._ledger, self._chance, self._life_ms, self._ice = ledger, chance, life_ms, ice
        self._open: dict[str, _Talk] = {}
        self._next: float | None = None

    def __len__(self) -> int:
        """With how many stations."""
        return len(self._open)

    def hear(self, station: str, held: Held, params: Parameters, now: Instant) -> list[Act]:
        """A station says something; returns what is to be done."""
        event = self._event(station, params, now)
        talk = self._open.get(station) or self._begin(station)
        if isinstance(event, Asked | Confirmed):
            talk.doors, acts = hub_hello(talk.doors, held, event, now)
        else:
            talk.round, acts = hub_renewal(talk.round, held, event, now)
        self._tidy(station, talk)
        return acts

    def woke(self, held_of: Callable[[str], Held], now: Instant) -> Iterator[tuple[str, list[Act]]]:
        """End what has gone on for too long."""
        if self._next is None or now.mono < self._next:
            return  # the hub wakes often while it sends lists, and hundreds of stations may be talking then
        for station, talk in list(self._open.items()):
            if talk.until is not None and talk.until <= now.mono:
                held = held_of(station)
                talk.doors, acts = hub_hello(talk.doors, held, Woke(), now)
                talk.round, more = hub_renewal(talk.round, held, Woke(), now)
                self._tidy(station, talk)
                yield station, [*acts, *more]
        self._next = min((until for talk in self._open.values() if (until := talk.until) is not None), default=None)

    def next_end(self) -> float | None:
        """When something may end by itself, monotonic; never too late."""
        return self._next

    def shut_doors(self, station: str) -> None:
        """Whoever is about to prove itself must begin anew; a round of renewal goes on."""
        talk = self._open.get(station)
        if talk is not None:
            talk.doors = replace(talk.doors, open=())
            self._tidy(station, talk)

    def forget(self, station: str) -> None:
        """End everything with a station."""
        self._open.pop(station, None)

    def clear(self) -> None:
        """End everything."""
        self._open.clear()

    def _begin(self, station: str) -> _Talk:
        ledger = self._ledger()
        pair = Pair(ledger.site, station, ledger.members[HUB].kid)
        return _Talk(Doors(pair), Round(pair))

    def _tidy(self, station: str, talk: _Talk) -> None:
        """Keep a talk only while something in it is open."""
        until = talk.until
        if until is None:
            self._open.pop(station, None)
            return
        self._open[station] = talk
        self._next = until if self._next is None else min(self._next, until)

    def _event(self, station: str, params: Parameters, now: Instant) -> object:
        """What it is for the machines."""
        match params:
            case AuthHello():
                return Asked(params, self._chance(TOKEN_BYTES))
            case AuthConfirm():
                member = self._ledger().member(station)
                roles = member.roles if member is not None else ()
                return Confirmed(params, self._chance(SESSION_BYTES), roles, self._ice(station, now.ms))
            case PskHello():
                return Greeted(params, self._chance(TOKEN_BYTES))
            case PskOffer():
                return Offered(params, self._life_ms)
        return _PLAIN[type(params)](params)


_PLAIN: dict[type[Parameters], Callable[[Any], object]] = {PskRequest: Requested, PskUse: Used, PskFailed: Failed}
"""What is passed on as it is."""
