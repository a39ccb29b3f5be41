"""Both real sides with their disks and a network that remembers everything: whoever tests decides what happens next."""

from collections import deque
from collections.abc import Sequence
from functools import cache

from msgspec.structs import replace

from agent.domain.bundle import Bundle, Held
from agent.domain.envelope import DAY_MS
from agent.domain.events import Instant, Woke
from agent.domain.keys import from_b64u, to_b64u
from agent.domain.messages import (
    AuthConfirm,
    AuthHello,
    AuthOk,
    AuthProof,
    AuthRefused,
    Parameters,
    PskFailed,
    PskHello,
    PskOffer,
    PskProof,
    PskReady,
    PskRequest,
    PskStored,
    PskUse,
)
from agent.wire.acts import Act, Admitted, Entered, Fail, Hold, Listen, Lost, Renewed, Save, Say
from agent.wire.hello.hub import Asked, Confirmed, Doors, hub_hello
from agent.wire.hello.station import Begin, Hello, hello
from agent.wire.renewal.hub import Failed, Greeted, Offered, Requested, Round, Used, hub_renewal
from agent.wire.renewal.station import Listening, NotSaved, Renew, Renewal, Saved, renewal
from tests.wire.renewal.sides import FIRST, accepts
from tests.wire.symbols import NOW_MS, PAIR, chance

ACCEPTS = cache(accepts)
"""What the machines as they are accept; to be cleared when others are put in their place."""
TO_HUB = (AuthHello, AuthConfirm, PskRequest, PskHello, PskOffer, PskUse, PskFailed)


class World:
    """A station and a hub. `said` is every message ever sent, `fresh` those that nobody has taken yet."""

    def __init__(self) -> None:
        self.mono, self._count = 0.0, 0
        self.disk = self.believed = FIRST
        self.file: Bundle | None = None
        self.subscribing = False
        self.hub_disk = self.hub_believed = Held(FIRST)
        self.writes: deque[tuple[Held, list[Act]]] = deque()
        self.said: list[Parameters] = []
        self.fresh: deque[Parameters] = deque()
        self.outcomes: list[Act] = []
        self.crash_station()
        self.crash_hub()

    @property
    def now(self) -> Instant:
        """The moment it is, for both."""
        return Instant(self.mono, NOW_MS + round(self.mono * 1000))

    @property
    def agree(self) -> bool:
        """Whether both have the same keys and know it."""
        return Held(self.disk) == self.hub_disk == self.hub_believed and self.believed == self.disk

    @property
    def accepted(self) -> bool:
        """Whether the hub, as it is and as it would be after a crash, takes what the station has on disk."""
        return ACCEPTS(self.hub_disk, self.disk) and ACCEPTS(self.hub_believed, self.disk)

    # the station

    def crash_station(self) -> None:
        """Memory is gone, the disk stays."""
        self.hello, self.renewal = Hello(PAIR), Renewal(PAIR)
        self.believed, self.file, self.subscribing = self.disk, None, False

    def prove(self) -> None:
        """Begin a handshake."""
        self._greeting(Begin(self.believed, self._chance()))

    def renew(self) -> None:
        """Begin a round."""
        keys = (self._chance(8), self._chance(), 0, self._chance(8), self._chance())
        fresh = Bundle(self.believed.gen + 1, *keys)
        self._renewing(Renew(self.believed, self._chance(16).hex(), self._chance(), fresh))

    def lose(self) -> None:
        """The connection is gone."""
        self.subscribing = False
        self._greeting(Lost())
        self._renewing(Lost())

    def subscribe(self) -> None:
        """The channel of the round is heard."""
        if self.subscribing:
            self.subscribing = False
            self._renewing(Listening())

    def write(self, *, ok: bool, told: bool = True) -> None:
        """The file is replaced or not; a station that is not told crashes."""
        if self.file is None:
            return
        if ok:
            self.disk = self.file
        if not told:
            self.crash_station()
            return
        self.file = None
        self._renewing(Saved() if ok else NotSaved())

    def _greeting(self, event: object) -> None:
        self.hello, acts = hello(self.hello, event, self.now)
        self._station_does(acts)

    def _renewing(self, event: object) -> None:
        self.renewal, acts = renewal(self.renewal, event, self.now)
        self._station_does(acts)

    def _station_does(self, acts: Sequence[Act]) -> None:
        for act in acts:
            match act:
                case Say():
                    self._send(act)
                case Listen():
                    self.subscribing = True
                case Save(bundle):
                    self.file = bundle
                case Renewed():
                    self.believed = self.disk
                    self.prove()
                case Fail() | Admitted():
                    self.outcomes.append(act)

    # the hub

    def crash_hub(self) -> None:
        """Memory is gone, and what is not on disk yet."""
        self.doors, self.round = Doors(PAIR), Round(PAIR)
        self.hub_believed = self.hub_disk
        self.writes.clear()

    def commit(self, *, ok: bool = True) -> None:
        """The oldest write is on disk, and what waited for it is done; or the disk does not take it."""
        if self.writes:
            held, behind = self.writes.popleft()
            if ok:
                self.hub_disk = held
                self._hub_does(behind)

    def _hub_does(self, acts: Sequence[Act]) -> None:
        for i, act in enumerate(acts):
            match act:
                case Say():
                    self._send(act)
                case Hold(current, pending):
                    self.hub_believed = Held(current, pending)
                    self.writes.append((self.hub_believed, list(acts[i + 1 :])))
                    return
                case Entered():
                    self.outcomes.append(act)

    # time and the network

    def cut_power(self) -> None:
        """Both crash, just when the station has written its file."""
        self.write(ok=True, told=False)
        self.crash_station()
        self.crash_hub()

    def wait(self, seconds: float) -> None:
        """Time passes, and both hear of it."""
        self.mono += seconds
        self._greeting(Woke())
        self._renewing(Woke())
        self.doors, acts = hub_hello(self.doors, self.hub_believed, Woke(), self.now)
        self._hub_does(acts)
        self.round, acts = hub_renewal(self.round, self.hub_believed, Woke(), self.now)
        self._hub_does(acts)

    def sleep(self) -> None:
        """Keys expire."""
        self.wait(31 * DAY_MS / 1000)

    def go_on(self, steps: int, disks: str = "both", *, doubled: bool = False) -> None:
        """Let everybody do what is next, as if nothing ever went wrong.

        Disks that are not named take their time; what comes `doubled` comes once more at the end.
        """
        came: list[Parameters] = []
        for _ in range(steps):
            if self.subscribing:
                self.subscribe()
            elif self.file is not None and disks == "both":
                self.write(ok=True)
            elif self.writes and disks != "none":
                self.commit()
            elif self.fresh:
                came.append(self.fresh.popleft())
                self.deliver(came[-1])
        for message in came if doubled else ():
            self.deliver(message)

    def drop(self) -> None:
        """What nobody has taken is lost for now; it may still be sent again by somebody else."""
        self.fresh.clear()

    def deliver(self, params: Parameters) -> None:
        """A message comes to whom it is for."""
        if isinstance(params, TO_HUB):
            self._hub_hears(params)
            return
        if isinstance(params, AuthProof | AuthOk | AuthRefused):
            self._greeting(params)
        if isinstance(params, PskReady | PskProof | PskStored | AuthRefused):
            self._renewing(params)

    def _hub_hears(self, params: Parameters) -> None:
        held = self.hub_believed
        if isinstance(params, AuthHello | AuthConfirm):
            asked = Asked(params, self._chance()) if isinstance(params, AuthHello) else None
            confirmed = Confirmed(params, self._chance(16), ("cook",)) if isinstance(params, AuthConfirm) else None
            self.doors, acts = hub_hello(self.doors, held, asked or confirmed, self.now)
        else:
            self.round, acts = hub_renewal(self.round, held, self._event(params), self.now)
        self._hub_does(acts)

    def _event(self, params: Parameters) -> object:
        match params:
            case PskRequest():
                return Requested(params)
            case PskHello():
                return Greeted(params, self._chance())
            case PskOffer():
                return Offered(params)
            case PskUse():
                return Used(params)
        assert isinstance(params, PskFailed)
        return Failed(params)

    def _send(self, say: Say) -> None:
        self.said.append(say.params)
        self.fresh.append(say.params)

    def _chance(self, count: int = 32) -> bytes:
        self._count += 1
        return chance(str(self._count), count)


def damaged(params: Parameters) -> Parameters:
    """Return a message with another MAC, or another code where there is none."""
    if isinstance(params, AuthRefused | PskFailed):
        return replace(params, code="invalid")
    if isinstance(params, PskRequest | PskReady):
        return replace(params, round=params.round[::-1])
    given: str = params.mac  # type: ignore[attr-defined]  # all others have one
    return replace(params, mac=to_b64u(bytes(byte ^ 1 for byte in from_b64u(given))))
