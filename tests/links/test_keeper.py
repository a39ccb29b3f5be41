"""The only reconnect loop: what it makes of every error, and that it neither hammers nor gives up."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count, islice, repeat

import pytest

from agent.links.base import Delivery, HubUnproven, LinkDown, LinkRefused
from agent.links.keeper import (
    LONGEST_S,
    PROVEN_S,
    SHORTEST_S,
    SLOW_LONGEST_S,
    SLOW_SHORTEST_S,
    Fate,
    backoff,
    retry_or_fatal,
    slow_backoff,
)
from tests.links.taking import Kept, kept_up, until

NEVER = 3600.0


class Scripted:
    """A link whose attempts end as written: an error on connecting, or a session and how that ends."""

    name = "scripted"

    def __init__(self, *script: "Exception | ScriptedSession") -> None:
        self.script = list(script)
        self.attempts = 0

    @asynccontextmanager
    async def connect(self) -> AsyncIterator["ScriptedSession"]:
        self.attempts += 1
        step = self.script.pop(0) if self.script else ScriptedSession(None)
        if isinstance(step, Exception):
            raise step
        try:
            yield step
        finally:
            step.closed = True


class ScriptedSession:
    """Brings some messages, then ends with an error, or stays for ever if that is None."""

    def __init__(self, end: Exception | None, *messages: bytes, wait: asyncio.Event | None = None) -> None:
        self.end, self.messages, self.wait, self.closed = end, messages, wait, False

    async def send(self, to: str, sealed: bytes, channel: str = "") -> None:
        raise AssertionError("nobody sends here")

    async def received(self) -> AsyncIterator[Delivery]:
        for message in self.messages:
            yield Delivery("scripted", "a", message, lambda: None)
        if self.wait is not None:
            await self.wait.wait()
        if self.end is None:
            await asyncio.Event().wait()
        else:
            raise self.end


@pytest.mark.parametrize(
    ("error", "fate"),
    [
        (LinkDown("gone"), Fate.RETRY),
        (HubUnproven("wrong key"), Fate.RETRY_SLOWLY),
        (OSError("no route to host"), Fate.RETRY),
        (ConnectionRefusedError(), Fate.RETRY),
        (TimeoutError(), Fate.RETRY),
        (ssl.SSLError("handshake"), Fate.RETRY),
        (LinkRefused("wrong password"), Fate.STOP),
        (ValueError("bad"), Fate.DEFECT),
        (KeyError("bad"), Fate.DEFECT),
        (RuntimeError("bad"), Fate.DEFECT),
        (AssertionError("bad"), Fate.DEFECT),
        (MemoryError(), Fate.DEFECT),
    ],
)
def test_every_error_has_one_fate(error: Exception, fate: Fate) -> None:
    assert retry_or_fatal(error) is fate


def test_delays_grow_from_a_tenth_to_thirty_seconds_and_use_the_whole_range() -> None:
    assert list(islice(backoff(lambda: 0.0), 12)) == [SHORTEST_S] * 12
    highest = list(islice(backoff(lambda: 1.0), 12))
    assert highest[:3] == [0.5, 1.0, 2.0]
    assert highest == sorted(highest)
    assert highest[-1] == LONGEST_S


def test_delays_after_an_unproven_hub_grow_from_five_seconds_to_five_minutes() -> None:
    assert list(islice(slow_backoff(lambda: 0.0), 8)) == [SLOW_SHORTEST_S] * 8 == [5.0] * 8
    highest = list(islice(slow_backoff(lambda: 1.0), 8))
    assert highest[:5] == [10.0, 20.0, 40.0, 80.0, 160.0]
    assert highest[-1] == SLOW_LONGEST_S == 300.0


def test_the_states_tell_the_whole_story_and_messages_are_passed_on() -> None:
    async def walk() -> None:
        link = Scripted(LinkDown("no network"), ScriptedSession(LinkDown("cable"), b"one", b"two"))
        clock = count()
        async with kept_up(link, delays=lambda: repeat(0.0), clock=lambda: float(next(clock))) as kept:
            await until(lambda: len(kept.sessions) == 2)
        assert kept.names == ["connecting", "down", "connecting", "up", "down", "connecting", "up"]
        assert [state.why for state in kept.states if state.state == "down"] == ["no network", "cable"]
        assert {state.name for state in kept.states} == {"scripted"}
        assert [state.since for state in kept.states] == sorted({state.since for state in kept.states})
        assert kept.came == [b"one", b"two"]

    asyncio.run(walk())


def test_a_link_that_is_down_is_tried_again_after_the_given_delays() -> None:
    async def walk() -> None:
        link, drawn = Scripted(*[LinkDown("down")] * 3), list[int]()

        def delays() -> Iterator[float]:
            for number in count():
                drawn.append(number)
                yield 0.0

        async with kept_up(link, delays=delays) as kept:
            await until(lambda: kept.now == "up")
        assert drawn == [0, 1, 2]

    asyncio.run(walk())


@pytest.mark.parametrize(("lived", "drawn"), [(PROVEN_S - 1, [0, 1, 2]), (PROVEN_S, [0, 0, 0])])
def test_delays_begin_anew_only_after_a_session_that_lasted(lived: float, drawn: list[int]) -> None:
    async def walk() -> None:
        now, seen = [0.0], list[int]()
        link = Scripted(*[ScriptedSession(LinkDown("short")) for _ in range(3)])

        def delays() -> Iterator[float]:
            for number in count():
                seen.append(number)
                yield 0.0

        def arrive(kept: Kept) -> None:
            now[0] += lived

        async with kept_up(link, delays=delays, clock=lambda: now[0], opened=arrive) as kept:
            await until(lambda: link.attempts == 4 and kept.now == "up")
        assert seen == drawn

    asyncio.run(walk())


class Drawn:
    """Delays that take no time and write down how far they have come."""

    def __init__(self) -> None:
        self.numbers: list[int] = []

    def __call__(self) -> Iterator[float]:
        for number in count():
            self.numbers.append(number)
            yield 0.0


def drawn_by(*ends: tuple[Exception, float]) -> tuple[list[int], list[int]]:
    """The quick and the slow delays a keeper draws for sessions that end so after so many seconds."""

    async def walk() -> tuple[list[int], list[int]]:
        now, lasts = [0.0], [lasted for _, lasted in ends]
        link = Scripted(*[ScriptedSession(error) for error, _ in ends])
        quick, slow = Drawn(), Drawn()

        def live(_: object) -> None:
            now[0] += lasts.pop(0) if lasts else 0.0

        async with kept_up(link, delays=quick, slow_delays=slow, clock=lambda: now[0], opened=live) as kept:
            await until(lambda: link.attempts == len(ends) + 1 and kept.now == "up")
        return quick.numbers, slow.numbers

    return asyncio.run(walk())


def test_an_unproven_hub_is_asked_again_after_slow_delays_and_a_lost_cable_after_quick_ones() -> None:
    unproven, cable = (HubUnproven("wrong key"), 0.0), (LinkDown("cable"), 0.0)
    assert drawn_by(unproven, cable, unproven, cable, unproven) == ([0, 1], [0, 1, 2])


def test_slow_delays_grow_although_waiting_for_the_proof_took_minutes() -> None:
    silent = (HubUnproven("no answer"), 120.0)
    assert drawn_by(silent, silent, silent) == ([], [0, 1, 2])


def test_slow_delays_begin_anew_after_a_session_that_was_proven() -> None:
    unproven, proven = (HubUnproven("wrong key"), 0.0), (LinkDown("cable"), PROVEN_S)
    assert drawn_by(unproven, unproven, proven, unproven) == ([0], [0, 1, 0])


def test_again_cuts_a_wait_short() -> None:
    async def walk() -> None:
        link = Scripted(LinkDown("down"))
        async with kept_up(link, delays=lambda: repeat(NEVER)) as kept:
            await until(lambda: kept.now == "down")
            kept.again.set()
            await until(lambda: kept.now == "up", within=10)

    asyncio.run(walk())


def test_again_revives_a_refused_link_and_nothing_else_does() -> None:
    async def walk() -> None:
        link = Scripted(LinkRefused("wrong password"))
        async with kept_up(link, delays=lambda: repeat(0.0)) as kept:
            await until(lambda: kept.now == "refused")
            await asyncio.sleep(0.05)
            assert link.attempts == 1
            kept.again.set()
            await until(lambda: kept.now == "up", within=10)
        assert kept.names == ["connecting", "refused", "connecting", "up"]

    asyncio.run(walk())


def test_again_during_an_attempt_counts_for_the_wait_after_it() -> None:
    async def walk() -> None:
        cable = asyncio.Event()
        link = Scripted(ScriptedSession(LinkDown("cable"), wait=cable))
        async with kept_up(link, delays=lambda: repeat(NEVER)) as kept:
            await until(lambda: kept.now == "up")
            kept.again.set()
            cable.set()
            await until(lambda: len(kept.sessions) == 2, within=10)

    asyncio.run(walk())


def test_down_is_told_before_the_session_is_left() -> None:
    async def walk() -> None:
        session, told = ScriptedSession(LinkDown("cable")), list[tuple[str, bool]]()
        link = Scripted(session)
        async with kept_up(
            link, delays=lambda: repeat(NEVER), changed=lambda state: told.append((state.state, session.closed))
        ):
            await until(lambda: session.closed)
        assert told == [("connecting", False), ("up", False), ("down", False)]

    asyncio.run(walk())


def test_a_mistake_is_logged_once_with_its_traceback_and_the_link_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    async def walk() -> Kept:
        def arrived(delivery: Delivery) -> None:
            raise ZeroDivisionError("my mistake")

        link = Scripted(*[ScriptedSession(None, b"poison") for _ in range(3)])
        async with kept_up(link, delays=lambda: repeat(0.0), arrived=arrived) as kept:
            await until(lambda: link.attempts == 4 and kept.now == "up")
        return kept

    kept = asyncio.run(walk())
    errors = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(errors) == 1
    assert errors[0].exc_info is not None
    assert "ZeroDivisionError: my mistake" in next(state.why for state in kept.states if state.state == "down")


def test_a_stream_that_just_ends_is_a_link_that_is_down() -> None:
    class Ending(ScriptedSession):
        async def received(self) -> AsyncIterator[Delivery]:
            return
            yield

    async def walk() -> None:
        link = Scripted(Ending(None))
        async with kept_up(link, delays=lambda: repeat(0.0)) as kept:
            await until(lambda: len(kept.sessions) == 2)
        assert kept.names[:3] == ["connecting", "up", "down"]

    asyncio.run(walk())


def test_cancelling_leaves_the_session() -> None:
    async def walk() -> None:
        session = ScriptedSession(None)
        async with kept_up(Scripted(session)) as kept:
            await until(lambda: kept.now == "up")
        assert session.closed

    asyncio.run(walk())
