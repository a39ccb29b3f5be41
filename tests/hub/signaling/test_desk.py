"""The signaling server on a real network with TLS: what stations get from it, and what it bears."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.hub.signaling.scene import BIGGEST, Site, end_of, heard, login_frame, run, running, say, until

pytestmark = pytest.mark.servers


def test_two_stations_reach_each_other_and_a_third_hears_nothing(tmp_path: Path) -> None:
    async def walk() -> None:
        site = Site("a", "b", "c")
        async with running(site, tmp_path) as server, server.logged_in("a") as a, server.logged_in("b") as b:
            async with server.logged_in("c") as c:
                sealed = site.sealed("b")
                await server.relay(a, "b", sealed)
                assert await heard(b) == {"from": "a", "sealed": sealed}
                await server.relay(b, "a", BIGGEST)
                assert await heard(a) == {"from": "b", "sealed": BIGGEST}
                await server.relay(a, "nobody", sealed)
                assert await heard(a) == {"gone": "nobody"}
                await server.relay(a, "c", sealed)
                assert (await heard(c))["from"] == "a"  # and nothing before it
            await until(lambda: server.desk.exchange.stations == ["a", "b"], "c is away")
            await server.relay(a, "c", sealed)
            assert await heard(a) == {"gone": "c"}

    run(walk())
    assert {path.name for path in tmp_path.iterdir()} == {"tls", "signaling.port"}  # nothing is kept


def test_the_newest_socket_wins_and_a_thief_gets_nothing(tmp_path: Path) -> None:
    async def walk() -> None:
        site = Site("a", "b")
        async with AsyncExitStack() as stack:
            server = await stack.enter_async_context(running(site, tmp_path))
            older, newer, b = [await stack.enter_async_context(server.logged_in(name)) for name in "aab"]
            assert await end_of(older) == ("replaced", 1008)
            thief = await stack.enter_async_context(server.dialled())
            challenge = (await heard(thief))["challenge"]
            await say(thief, {"login": login_frame(site.keys["b"], challenge, server.host, sender="a")})
            assert await end_of(thief) == ("name", 1008)
            await server.relay(b, "a")
            assert (await heard(newer))["from"] == "b"

    run(walk())


def test_a_login_that_was_relayed_from_another_server_is_refused(tmp_path: Path) -> None:
    async def walk() -> None:
        site = Site("a")
        async with running(site, tmp_path) as server, server.dialled() as middle:
            challenge = (await heard(middle))["challenge"]
            await say(middle, {"login": login_frame(site.keys["a"], challenge, "fake.example:8443")})
            assert await end_of(middle) == ("host", 1008)

    run(walk())


def test_the_revoked_are_closed_and_stay_out(tmp_path: Path) -> None:
    async def walk() -> None:
        site = Site("a", "b")
        async with running(site, tmp_path) as server, server.logged_in("a") as a, server.logged_in("b") as b:
            site.revoke("a")
            server.desk.revoked("a")
            assert await end_of(a) == ("revoked", 1008)
            async with server.dialled() as again:
                challenge = (await heard(again))["challenge"]
                await say(again, {"login": login_frame(site.keys["a"], challenge, server.host)})
                assert await end_of(again) == ("revoked", 1008)
            site.revoke("b")
            server.desk.ledger_changed()
            assert await end_of(b) == ("revoked", 1008)

    run(walk())


def test_whoever_does_not_log_in_is_closed(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running(Site("a"), tmp_path, login_s=0.2) as server, server.dialled() as idle:
            assert "challenge" in await heard(idle)
            assert await end_of(idle) == ("login-late", 1008)
            async with server.logged_in("a") as a:
                await asyncio.sleep(0.4)  # its time to log in passes without anything happening
                await server.relay(a, "b", BIGGEST)
                assert await heard(a) == {"gone": "b"}

    run(walk())


@pytest.mark.parametrize(
    ("sent", "ends"), [("?", "login"), (b"\x00\x01", "form"), ('{"to":"a","sealed":"x"}', "login")]
)
def test_nonsense_is_answered_with_a_reason(tmp_path: Path, sent: str | bytes, ends: str) -> None:
    async def walk() -> None:
        async with running(Site("a"), tmp_path) as server, server.dialled() as stranger:
            await heard(stranger)
            await stranger.send(sent)
            assert await end_of(stranger) == (ends, 1008)

    run(walk())


def test_a_message_that_is_too_large_is_not_even_read(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running(Site("a"), tmp_path) as server, server.logged_in("a") as a:
            await say(a, {"to": "b", "sealed": "A" * 70_000})
            with pytest.raises(ConnectionClosed) as closed:
                await heard(a)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1009
            await until(lambda: not server.desk.exchange.stations, "a is forgotten")

    run(walk())


def test_no_other_path_is_there(tmp_path: Path) -> None:
    async def walk() -> None:
        async with running(Site("a"), tmp_path) as server:
            with pytest.raises(InvalidStatus):
                async with connect(f"wss://{server.host}/other", ssl=server.context, proxy=None):
                    pass

    run(walk())


def test_after_a_restart_stations_log_in_again_at_the_same_address(tmp_path: Path) -> None:
    async def walk() -> None:
        site = Site("a", "b")
        async with running(site, tmp_path) as first, first.logged_in("a") as a:
            old = first.host
            await asyncio.sleep(0)
            first.web._server.should_exit = True
            with pytest.raises(ConnectionClosed) as closed:
                await heard(a)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 1012
        async with running(site, tmp_path) as second, second.logged_in("a") as a, second.logged_in("b") as b:
            assert second.host == old
            await second.relay(a, "b")
            assert (await heard(b))["from"] == "a"

    run(walk())
