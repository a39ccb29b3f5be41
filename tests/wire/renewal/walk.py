"""Every state that both sides and the network between them can reach, and what is wrong with any of them."""

from collections.abc import Hashable, Iterable, Iterator
from typing import Generic, NamedTuple, TypeVar

from agent.domain.bundle import Bundle, Held
from agent.domain.keys import to_b64u
from agent.domain.messages import AuthConfirm, AuthOk, AuthRefused, PskHello, PskProof, PskStored, PskUse
from agent.wire.acts import Say
from tests.wire.renewal.sides import (
    Hub,
    Says,
    Station,
    Wrong,
    accepts,
    ears,
    hub_alone,
    hub_hears,
    hub_is_asked,
    n_s_of,
    station_alone,
    station_hears,
    tidied,
)

Thing = TypeVar("Thing", bound=Hashable)
_ALONE = 0
_BITS = 20  # of the number of a side in the number of a state


class Numbers(Generic[Thing]):
    """Things as small numbers, in the order in which they came."""

    def __init__(self) -> None:
        self.things: list[Thing] = []
        self._number: dict[Thing, int] = {}

    def of(self, thing: Thing) -> int:
        """Return the number of a thing, a new one for a new thing."""
        number = self._number.setdefault(thing, len(self.things))
        if number == len(self.things):
            self.things.append(thing)
        return number


class Move(NamedTuple):
    """What one side may do next: where it is then, the messages it sends, whom it refuses for good."""

    to: int
    sent: int
    refused: Says


class Found(NamedTuple):
    """What a walk has found: how many states, how many of them stuck, and the first broken promise, if any."""

    states: int
    stuck: int
    wrong: str


class Walk:
    """A walk through all states with so many rounds and so many nonces of the hub.

    A state is one number: the station's, the hub's and a bit for each message that was ever sent. Each step of a side
    is computed once, by the real machine. What can do nothing any more is left out, if `tidy`: doors that wait for
    nothing, and messages that their receiver has no `ears` for. Nonces, rounds and keys are fresh each time, so what
    means nothing now never means anything again. Without `alarms` a hub may refuse for good whom it must not.
    """

    def __init__(self, rounds: int, sessions: int, *, tidy: bool = True, alarms: bool = True) -> None:
        self._rounds, self._sessions, self._tidy, self._alarms = rounds, sessions, tidy, alarms
        self._stations: Numbers[Station] = Numbers()
        self._hubs: Numbers[Hub] = Numbers()
        self._messages: Numbers[Say] = Numbers()
        self._to_hub = 0
        self._about: dict[int, object] = {}
        self._station_steps: dict[tuple[int, int], list[Move]] = {}
        self._hub_steps: dict[tuple[int, int | Bundle], list[Move]] = {}
        self._station_moves: dict[tuple[int, int], list[Move]] = {}
        self._hub_moves: dict[tuple[int, int, Bundle], list[Move]] = {}
        self._alive: dict[tuple[int, int, int], int] = {}
        self._checked: set[int] = set()
        self._accepts: dict[tuple[Held, Bundle], bool] = {}

    def run(self) -> Found:
        """Walk until everything is seen or the first promise is broken."""
        start = self._pack(self._stations.of(Station()), self._hubs.of(Hub()), 0)
        seen, todo = {start}, [start]
        try:
            for state in todo:
                self._check(state)
                fresh = [one for one in dict.fromkeys(self._after(state)) if one not in seen]
                seen.update(fresh)
                todo += fresh
        except Wrong as wrong:
            return Found(len(seen), 0, str(wrong))
        return Found(len(todo), self._stuck(todo), "")

    def _stuck(self, states: list[int]) -> int:
        """How many states within the bounds have no way to agreement."""
        good = {state for state in states if self._agree(state)}
        left = [state for state in reversed(states) if state not in good]
        before = len(left) + 1
        while len(left) < before:
            before, still = len(left), []
            for state in left:
                if good.isdisjoint(self._after(state)):
                    still.append(state)
                else:
                    good.add(state)
            left = still
        return sum(1 for state in left if self._may_go_on(state))

    def _after(self, state: int) -> Iterator[int]:
        net, hub, station = _split(state)
        at = self._stations.things[station]
        for to, sent, _ in self._moves_of_station(station, net & ~self._to_hub):
            yield self._pack(to, hub, net | sent)
        for to, sent, refused in self._moves_of_hub(hub, net & self._to_hub, at.believed):
            for said in refused if self._alarms else ():
                station_hears(at, said)
                if isinstance(said.params, AuthRefused) and said.params.about == to_b64u(n_s_of(at.believed)):
                    raise Wrong(f"false alarm: {said.params.code}")
            yield self._pack(station, to, net | sent)

    def _moves_of_station(self, number: int, net: int) -> list[Move]:
        """Return where a station may go, given what of the network it can hear."""
        moves = self._station_moves.get((number, net))
        if moves is None:
            ways = [self._station_step(number, what) for what in (_ALONE, *_bits(net))]
            self._station_moves[number, net] = moves = _worth(ways, number, net)
        return moves

    def _station_step(self, number: int, what: int) -> list[Move]:
        if (number, what) not in self._station_steps:
            at = self._stations.things[number]
            after = station_alone(at, self._rounds) if what == _ALONE else station_hears(at, self._message(what))
            self._station_steps[number, what] = [
                Move(self._stations.of(to), self._send(says, to.renewal.th), ()) for to, says in after
            ]
        return self._station_steps[number, what]

    def _moves_of_hub(self, number: int, net: int, keys: Bundle) -> list[Move]:
        """Return where a hub may go, given what of the network it can hear and under which keys it is asked."""
        moves = self._hub_moves.get((number, net, keys))
        if moves is None:
            ways = [self._hub_step(number, _ALONE), self._hub_step(number, keys)]
            ways += [self._hub_step(number, bit) for bit in _bits(net)]
            self._hub_moves[number, net, keys] = moves = _worth(ways, number, net)
        return moves

    def _hub_step(self, number: int, what: int | Bundle) -> list[Move]:
        if (number, what) not in self._hub_steps:
            at = self._hubs.things[number]
            if isinstance(what, Bundle):
                after = hub_is_asked(at, what)
            else:
                after = hub_alone(at) if what == _ALONE else hub_hears(at, self._message(what), self._sessions)
            self._hub_steps[number, what] = [
                Move(self._hubs.of(tidied(to) if self._tidy else to), self._send(says, b""), _refused(says))
                for to, says in after
            ]
        return self._hub_steps[number, what]

    def _message(self, bit: int) -> Say:
        return self._messages.things[bit.bit_length() - 1]

    def _send(self, says: Says, th: bytes) -> int:
        """Put messages into the network; a refusal does what waiting too long does as well, a yes does nothing here."""
        sent = 0
        for said in says:
            if not isinstance(said.params, AuthRefused | AuthOk):
                bit = 1 << self._messages.of(said)
                sent |= bit
                self._about[bit] = _about(said.params, th)
                if not isinstance(said.params, PskProof | PskStored):
                    self._to_hub |= bit
        return sent

    def _pack(self, station: int, hub: int, net: int) -> int:
        if self._tidy:
            alive = self._alive.get((station, hub, net))
            if alive is None:
                renewal = self._stations.things[station].renewal  # it hears of its round, and what comes of its offer
                heard = ears(self._hubs.things[hub]) | {renewal.round, renewal.th}
                alive = sum(bit for bit in _bits(net) if self._about[bit] in heard)
                self._alive[station, hub, net] = alive
            net = alive
        return (net << 2 * _BITS) | (hub << _BITS) | station

    def _sides(self, state: int) -> tuple[Station, Hub]:
        _, hub, station = _split(state)
        return self._stations.things[station], self._hubs.things[hub]

    def _check(self, state: int) -> None:
        """The hub accepts what the station has, and its current keys are never ahead of the station's."""
        both = state & ((1 << 2 * _BITS) - 1)
        if both in self._checked:
            return
        self._checked.add(both)
        at, hub = self._sides(state)
        for held in {hub.disk, hub.believed}:
            for keys in {at.disk, at.believed}:
                if (held, keys) not in self._accepts:
                    self._accepts[held, keys] = accepts(held, keys)
                if not self._accepts[held, keys]:
                    raise Wrong("lock-out")
            if held.current.gen > at.disk.gen:
                raise Wrong("the hub is ahead of the station")

    def _agree(self, state: int) -> bool:
        at, hub = self._sides(state)
        return hub.disk == hub.believed == Held(at.disk) and at.believed == at.disk and not hub.writing

    def _may_go_on(self, state: int) -> bool:
        at, hub = self._sides(state)
        return at.rounds < self._rounds and hub.sessions < self._sessions


def _split(state: int) -> tuple[int, int, int]:
    """Return the network, the number of the hub and that of the station."""
    most = (1 << _BITS) - 1
    return state >> 2 * _BITS, (state >> _BITS) & most, state & most


def _about(params: object, th: bytes) -> object:
    """Return what a message is about; an offer about the hash of the station's round, where both nonces are in."""
    match params:
        case PskProof(round=name) | PskStored(round=name):
            return name
        case PskHello(backup_id=id_) | PskUse(psk_id=id_):
            return id_
        case AuthConfirm(n_s=n_s):
            return n_s
    return th


def _bits(net: int) -> Iterator[int]:
    while net:
        lowest = net & -net
        yield lowest
        net ^= lowest


def _worth(ways: Iterable[list[Move]], number: int, net: int) -> list[Move]:
    """Return all moves but those that change nothing."""
    moves = dict.fromkeys(move for way in ways for move in way)
    return [move for move in moves if move.to != number or move.sent & ~net or move.refused]


def _refused(says: Says) -> Says:
    """Return what says that keys are wrong; it must reach nobody whose keys are right."""
    return tuple(said for said in says if isinstance(said.params, AuthRefused) and said.params.code != "again")
