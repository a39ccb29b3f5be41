"""The only reconnect loop of the product: it keeps one link up and says at every moment how it stands."""

#   connecting ──▶ up ──▶ down ── a delay, or `again` ──▶ connecting
#        ├── LinkDown, OSError, a defect ──▶ down        (HubUnproven: with slow delays)
#        └── LinkRefused ──▶ refused ── `again` only ──▶ connecting

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from traceback import extract_tb
from typing import Literal

from agent.links.base import Delivery, HubUnproven, Link, LinkDown, LinkRefused, Session

PROVEN_S = 5.0
"""How long a session must have lived for the next delay to be the shortest again, seconds."""

SHORTEST_S, FIRST_BOUND_S, LONGEST_S = 0.1, 0.5, 30.0
SLOW_SHORTEST_S, SLOW_FIRST_BOUND_S, SLOW_LONGEST_S = 5.0, 10.0, 300.0
"""The same after a hub that did not prove itself, which costs it and us a whole handshake."""

Standing = Literal["connecting", "up", "down", "refused"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LinkState:
    """How a link stands; `why` is for people, `since` is seconds of the keeper's clock."""

    name: str
    state: Standing
    why: str
    since: float


class Fate(Enum):
    """What an error means for the link it came from."""

    RETRY = "the world is like that: try again after a delay"
    RETRY_SLOWLY = "the hub did not prove itself: try again after a long delay"
    STOP = "the other side does not want us: wait for a new configuration"
    DEFECT = "a mistake in this program: write it to the log once, then try again"


def retry_or_fatal(error: BaseException) -> Fate:
    """Decide whether the link tries again; the one place of the product where that is decided."""
    if isinstance(error, LinkRefused):
        return Fate.STOP
    if isinstance(error, HubUnproven):
        return Fate.RETRY_SLOWLY
    if isinstance(error, (LinkDown, OSError)):
        return Fate.RETRY
    return Fate.DEFECT


def backoff(chance: Callable[[], float] = random.random) -> Iterator[float]:
    """Seconds to wait before each new attempt: anywhere between 0.1 and a bound that doubles from 0.5 to 30.

    The whole range is used, so that a thousand stations do not return to a restarted broker at one moment.
    """
    return _growing(SHORTEST_S, FIRST_BOUND_S, LONGEST_S, chance)


def slow_backoff(chance: Callable[[], float] = random.random) -> Iterator[float]:
    """Seconds to wait after a hub that did not prove itself: between 5 and a bound that doubles from 10 to 300."""
    return _growing(SLOW_SHORTEST_S, SLOW_FIRST_BOUND_S, SLOW_LONGEST_S, chance)


def _growing(shortest: float, bound: float, longest: float, chance: Callable[[], float]) -> Iterator[float]:
    while True:
        yield shortest + chance() * (bound - shortest)
        bound = min(2 * bound, longest)


async def keep_up(
    link: Link,
    *,
    opened: Callable[[Session], None],
    arrived: Callable[[Delivery], None],
    changed: Callable[[LinkState], None],
    delays: Callable[[], Iterator[float]] = backoff,
    slow_delays: Callable[[], Iterator[float]] = slow_backoff,
    again: asyncio.Event | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Keep `link` up until cancelled.

    `opened` gets each new session, which is good until `changed` says otherwise; `arrived` gets what comes over it.
    `again`, set after sleep, a change of network or of configuration, ends any wait and revives a refused link;
    it belongs to this keeper, which clears it. `slow_delays` are those after HubUnproven; they begin anew only after a
    session that lasted and did not end so.
    """
    again = again or asyncio.Event()
    lives = _Lives(link, opened, arrived, changed, clock)
    waits, slow_waits = delays(), slow_delays()
    while True:
        again.clear()
        fate, lasted = await lives.next()
        if lasted >= PROVEN_S:
            waits = delays()
            slow_waits = slow_waits if fate is Fate.RETRY_SLOWLY else slow_delays()
        match fate:
            case Fate.STOP:
                seconds = None
            case Fate.RETRY_SLOWLY:
                seconds = next(slow_waits)
            case _:
                seconds = next(waits)
        await _pause(again, seconds)


async def _pause(again: asyncio.Event, seconds: float | None) -> None:
    """Wait until `again` is set, at most `seconds`."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await again.wait()


class _Lives:
    """The sessions of one link, one after the other, each told in states."""

    def __init__(
        self,
        link: Link,
        opened: Callable[[Session], None],
        arrived: Callable[[Delivery], None],
        changed: Callable[[LinkState], None],
        clock: Callable[[], float],
    ) -> None:
        self._link = link
        self._opened = opened
        self._arrived = arrived
        self._changed = changed
        self._clock = clock
        self._known_defects: set[str] = set()

    async def next(self) -> tuple[Fate, float]:
        """Connect and carry until it ends; return what the end means and how many seconds the session lived."""
        fate: Fate | None = None
        up_at = None
        self._tell("connecting")
        try:
            async with self._link.connect() as session:
                up_at = self._clock()
                self._opened(session)
                self._tell("up")
                fate = self._end(await self._carry(session))  # told at once: leaving the session may take a while
        except Exception as error:  # noqa: BLE001 - retry_or_fatal knows every kind
            fate = fate or self._end(error)
        return fate, 0.0 if up_at is None else self._clock() - up_at

    async def _carry(self, session: Session) -> Exception:
        """Pass on what arrives; return why it stopped."""
        try:
            async for delivery in session.received():
                self._arrived(delivery)
        except Exception as error:  # noqa: BLE001 - retry_or_fatal knows every kind
            return error
        return LinkDown("the link ended")

    def _end(self, error: Exception) -> Fate:
        fate = retry_or_fatal(error)
        why = str(error) or type(error).__name__
        if fate is Fate.DEFECT:
            self._log_once(error)
            why = f"a mistake in this program, {type(error).__name__}: {error}"
        self._tell("refused" if fate is Fate.STOP else "down", why)
        return fate

    def _log_once(self, error: Exception) -> None:
        """Write the traceback of a defect, but not again every time a retry meets it."""
        place = extract_tb(error.__traceback__)[-1]
        key = f"{type(error).__name__} {place.filename}:{place.lineno}"
        if key not in self._known_defects:
            self._known_defects.add(key)
            _log.error("link %s: a mistake in this program", self._link.name, exc_info=error)

    def _tell(self, state: Standing, why: str = "") -> None:
        _log.info("link %s: %s %s", self._link.name, state, why)
        self._changed(LinkState(self._link.name, state, why, self._clock()))
