"""Two negotiations in false time, over a wire that loses, delays and reorders, with connections made of air."""

import heapq
import itertools
from collections.abc import Callable, Iterator
from functools import partial
from random import Random

from agent.links.p2p import events
from agent.links.p2p.events import Effect, Event, Signal
from agent.links.p2p.negotiation import Negotiation

SDP = ("v=0", "m=application 9 UDP/DTLS/SCTP webrtc-datachannel")


def description(fp: str) -> tuple[str, ...]:
    """One that is acceptable."""
    return (*SDP, f"a=fingerprint:sha-256 {fp}")


def fingerprint(number: int = 1) -> str:
    """One of many."""
    return ":".join([f"{number % 256:02X}"] * 32)


class Ids:
    """Names of connections, one after the other."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def __call__(self) -> str:
        """The next."""
        return f"{next(self._numbers):032x}"


class Sky:
    """Two stations, "anna" (polite) and "bert", and all that lies between them.

    `delay` is the longest of a signal, seconds, `loss` the chance that it is lost; `alive` says who still hears.
    """

    def __init__(self, chance: Random, *, delay: float = 0.2, loss: float = 0.0) -> None:
        self.chance, self.delay, self.loss = chance, delay, loss
        self.now, self.sent = 1000.0, 0
        self.refused: list[str] = []
        self.alive = {"anna", "bert"}
        self.here = {"anna", "bert"}
        self.open: dict[str, set[str]] = {}
        self.used: list[tuple[float, str, str | None]] = []
        self._joined: set[str] = set()
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        ids = Ids()
        self.machines = {
            me: Negotiation(me, peer, new_id=ids, delays=self._delays, signaling=True)
            for me, peer in (("anna", "bert"), ("bert", "anna"))
        }

    def tell(self, me: str, event: Event) -> None:
        """Let one machine hear something now, and do what it wants."""
        if me in self.alive:
            for effect in self.machines[me].handle(event, self.now):
                self._do(me, effect)

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self.now + seconds
        while True:
            ticks = [(machine.due(self.now), me) for me, machine in self.machines.items() if me in self.alive]
            tick_at, me = min(ticks, default=(end + 1, ""))
            tick_at = max(tick_at, self.now)
            if self._due and self._due[0][0] <= min(tick_at, end):
                self.now, _, deed = heapq.heappop(self._due)
                deed()
            elif tick_at <= end:
                self.now = tick_at
                self.tell(me, events.Tick())
            else:
                break
        self.now = end

    def at(self, seconds: float, deed: Callable[[], None]) -> None:
        """Do it so much later."""
        heapq.heappush(self._due, (self.now + seconds, next(self._numbers), deed))

    @property
    def connections(self) -> list[str]:
        """Every connection that has not been closed by both."""
        return [pc for pc, sides in self.open.items() if sides]

    @property
    def agreed(self) -> bool:
        """Whether both use the same connection."""
        return self.machines["anna"].use is not None and self.machines["anna"].use == self.machines["bert"].use

    def _delays(self) -> Iterator[float]:
        return (self.chance.uniform(0.1, min(8.0, 0.5 * 2**n)) for n in itertools.count())

    def _do(self, me: str, effect: Effect) -> None:
        match effect:
            case events.Say(signal):
                self._carry(me, signal)
            case events.Call(pc) | events.Take(pc, _):
                self.open.setdefault(pc, set()).add(me)
                self.at(self.chance.uniform(0.005, 0.04), lambda: self._describe(me, pc))
            case events.Join(pc, _):
                self._joined.add(pc)
                for side in self.open[pc]:
                    self.at(self.chance.uniform(0.02, 0.08), partial(self._opened, side, pc))
            case events.Close(pc, after):
                self.at(after, lambda: self._close(me, pc))
            case events.SendBeat(pc, beat):
                self.at(0.001, lambda: self._over(pc, _other(me), events.Heard(pc, beat)))
            case events.Use(pc=used):
                self.used.append((self.now, me, used))
            case events.Refuse(code):
                self.refused.append(code)

    def _carry(self, me: str, signal: Signal) -> None:
        self.sent += 1
        to, at = _other(me), round(self.now * 1000)
        if to not in self.here:
            self.at(0.01, lambda: self.tell(me, events.Gone()))
        elif self.chance.random() >= self.loss:
            self.at(self.chance.uniform(0, self.delay), lambda: self.tell(to, events.Came(signal, at)))

    def _describe(self, me: str, pc: str) -> None:
        if me in self.open[pc]:
            fp = fingerprint(int(pc, 16))
            self.tell(me, events.Described(pc, fp, description(fp)))

    def _opened(self, me: str, pc: str) -> None:
        if self.open[pc] == {"anna", "bert"}:
            self.tell(me, events.Opened(pc))

    def _over(self, pc: str, to: str, event: Event) -> None:
        if to in self.open[pc]:
            self.tell(to, event)

    def _close(self, me: str, pc: str) -> None:
        self.open[pc].discard(me)
        if pc in self._joined:
            self.at(0.005, lambda: self._over(pc, _other(me), events.Failed(pc, "closed by the other side")))


def _other(me: str) -> str:
    return "bert" if me == "anna" else "anna"
