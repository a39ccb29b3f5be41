"""The peer-to-peer link for real: aiortc on this computer, real keys, and a relay of the tests."""

import asyncio
import time

import pytest

from agent.domain.envelope import SEALED_BYTES
from agent.links.base import LinkDown, LinkRefused
from tests.links.contract import kept_and_up
from tests.links.p2p.place import Place, is_open, met, place
from tests.links.taking import take, take_all, until


def test_messages_go_both_ways_and_name_their_sender() -> None:
    async def walk() -> None:
        async with (
            place("anna", "bert") as here,
            here.link("anna").connect() as a,
            here.link("bert").connect() as b,
        ):
            began = time.monotonic()
            await met(a, b, ("anna", "bert"))
            took = time.monotonic() - began
            at_a, at_b = a.received(), b.received()
            await a.send("bert", b"there")
            there = await take(at_b)
            await b.send("anna", b"and back")
            back = await take(at_a)
            there.accept()
            (state,) = a.peers()
            assert (there.sealed, there.sender, there.link) == (b"there", "anna", "p2p")
            assert (back.sealed, back.sender) == (b"and back", "bert")
            assert (state.station, state.state, state.route) == ("bert", "open", "direct")
            assert state.rtt_ms is not None
            assert state.rtt_ms < 2000
            assert took < 15

    asyncio.run(walk())


def test_without_a_channel_sending_fails_at_once_and_opens_one() -> None:
    async def walk() -> None:
        async with (
            place("anna", "bert") as here,
            here.link("anna").connect() as a,
            here.link("bert").connect() as b,
        ):
            with pytest.raises(LinkDown, match="no channel to bert"):
                await a.send("bert", b"too early")
            assert not is_open(a, "bert"), "it waited"
            await until(lambda: is_open(a, "bert") and is_open(b, "anna"))
            await a.send("bert", b"now")
            assert (await take(b.received())).sealed == b"now"

    asyncio.run(walk())


def test_a_big_message_passes_and_a_bigger_one_is_refused_here() -> None:
    async def walk() -> None:
        async with (
            place("anna", "bert") as here,
            here.link("anna").connect() as a,
            here.link("bert").connect() as b,
        ):
            await met(a, b, ("anna", "bert"))
            stream = b.received()
            for size in (1, 40_000, SEALED_BYTES):
                await a.send("bert", b"x" * size)
                assert len((await take(stream)).sealed) == size
            with pytest.raises(ValueError, match="40961 bytes"):
                await a.send("bert", b"x" * (SEALED_BYTES + 1))
            with pytest.raises(ValueError, match="channel 'auth'"):
                await a.send("bert", b"x", "auth")
            await a.send("bert", b"still up")
            assert (await take(stream)).sealed == b"still up"

    asyncio.run(walk())


def test_two_thousand_messages_at_once_all_arrive_in_order() -> None:
    async def walk() -> None:
        sent = [b"%d " % number + b"x" * 300 for number in range(2000)]
        async with (
            place("anna", "bert") as here,
            here.link("anna").connect() as a,
            here.link("bert").connect() as b,
        ):
            await met(a, b, ("anna", "bert"))

            async def send_all() -> None:
                for message in sent:
                    await a.send("bert", message)

            sending = asyncio.create_task(send_all())
            assert await take_all(b.received(), sent, within=30) == sent
            await sending

    asyncio.run(walk())


def test_a_stranger_is_refused_for_good() -> None:
    async def walk() -> None:
        async with place("anna", "bert") as here:
            with pytest.raises(LinkRefused, match="no member"):
                async with here.stranger("anna").connect():
                    pytest.fail("let in")

    asyncio.run(walk())


def test_without_a_signaling_server_the_link_is_down() -> None:
    async def walk() -> None:
        async with place("anna") as here:
            await here.relay.stop()
            with pytest.raises(LinkDown):
                async with here.link("anna").connect():
                    pytest.fail("connected to nothing")

    asyncio.run(walk())


def test_a_restart_of_signaling_keeps_the_channel_and_the_session() -> None:
    async def walk() -> None:
        async with (
            place("anna", "bert", "carl") as here,
            kept_and_up(here.link("anna")) as kept,
            here.link("bert").connect() as b,
        ):
            a = kept.sessions[0]
            await met(a, b, ("anna", "bert"))  # type: ignore[arg-type]
            await here.relay.stop()
            await until(lambda: not here.relay.sockets)
            await a.send("bert", b"meanwhile")
            assert (await take(b.received())).sealed == b"meanwhile"
            with pytest.raises(LinkDown):
                await a.send("carl", b"nobody tells the way")
            await here.relay.start()
            await until(lambda: set(here.relay.sockets) == {"anna", "bert"})
            async with here.link("carl").connect() as c:
                await met(c, a, ("carl", "anna"))  # type: ignore[arg-type]
            assert kept.names == ["connecting", "up"]
            assert len(kept.sessions) == 1

    asyncio.run(walk())


def test_without_server_and_channels_the_session_ends_and_a_keeper_brings_it_back() -> None:
    async def walk() -> None:
        async with place("anna", "bert") as here, kept_and_up(here.link("anna")) as kept:
            await here.relay.stop()
            await until(lambda: kept.now == "down")
            with pytest.raises(LinkDown):
                await kept.sessions[0].send("bert", b"down")
            await here.relay.start()
            await until(lambda: kept.now == "up")
            async with here.link("bert").connect() as b:
                await met(b, kept.sessions[-1], ("bert", "anna"))  # type: ignore[arg-type]
                await b.send("anna", b"again")
                await until(lambda: b"again" in kept.came)

    asyncio.run(walk())


def test_a_warm_station_is_connected_without_a_message_and_again_after_it_returns() -> None:
    async def walk() -> None:
        async with place("anna", "bert") as here, here.link("anna", warm=lambda: ["anna", "bert"]).connect() as a:
            async with here.link("bert").connect() as b:
                await until(lambda: is_open(a, "bert") and is_open(b, "anna"))
            await until(lambda: not is_open(a, "bert"))
            async with here.link("bert").connect() as b:
                await until(lambda: is_open(a, "bert") and is_open(b, "anna"))

    asyncio.run(walk())


def test_twenty_real_pairs_that_call_at_once_have_one_channel_each() -> None:
    async def walk() -> None:
        names = [f"{side}{number}" for number in range(20) for side in "ab"]
        async with place(*names) as here, asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(_glare(here, f"a{number}", f"b{number}"))

    asyncio.run(walk())


async def _glare(here: Place, first: str, second: str) -> None:
    async with here.link(first).connect() as a, here.link(second).connect() as b:
        a.want(second)
        b.want(first)
        await until(lambda: is_open(a, second) and is_open(b, first), 20)
        await asyncio.sleep(2.5)
        used = [next(iter(session._board._peers.values())).machine.use for session in (a, b)]
        held = [list(next(iter(session._board._peers.values())).connections) for session in (a, b)]
        assert used[0] == used[1] is not None
        assert held == [[used[0]], [used[0]]]
