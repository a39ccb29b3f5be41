"""What does not work is an exception with a reason, in time, and names are nobody else's."""

import asyncio
import signal
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from agent import p2p_api
from agent.links.base import Session
from agent.p2p_api.peer import Peer
from agent.system.lock import ProfileLock
from agent.system.paths import Profile
from agent.wire.keys import Identity
from tests.p2p_api.scene import User, at_site, lone, run, until
from tests.servers.waiting import lateness

pytestmark = pytest.mark.servers

Ending = Callable[[asyncio.subprocess.Process], None]


def test_whoever_does_not_listen_can_do_nothing(tmp_path: Path) -> None:
    async def walk() -> None:
        async with at_site(tmp_path, "anna", "bob"):
            deeds: list[Coroutine[Any, Any, None]] = [User("anna").connect("bob"), User("anna").say("bob", "x")]
            for deed in deeds:
                with pytest.raises(p2p_api.NotListening, match=r"anna.*initialize_p2p_listener"):
                    await deed
            with pytest.raises(ValueError, match="no event on_mesage"):
                await p2p_api.initialize_p2p_listener("anna", {"on_mesage": print})
            await p2p_api.close_all_p2p_connections()  # of nobody

    run(walk())


def test_unknown_users_and_peers_are_named(tmp_path: Path) -> None:
    async def walk() -> None:
        async with at_site(tmp_path, "anna") as site:
            anna = User("anna")
            await anna.listen()
            for user, says in (("carl", "It has those of anna"), ("…", "no name")):
                with pytest.raises(p2p_api.UnknownUser, match=says):
                    await User(user).listen()
            for peer, says in (("dora", "no member"), ("Anna", "this user itself")):
                with pytest.raises(p2p_api.UnknownUser, match=says):
                    await anna.connect(peer)
            site.enrol("dora")
            p2p_api.configure(*site.profiles, signaling=site.url)
            await User("dora").listen()
            await anna.connect("dora")  # known as soon as the list is

    run(walk())


def test_a_peer_that_is_not_there_is_an_error_after_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.p2p_api.listener.CONNECT_S", 1.0)

    async def walk() -> None:
        anna = User("anna")
        async with at_site(tmp_path, "anna", "bob"):
            await anna.listen()
            with pytest.raises(p2p_api.NotConnected, match=r"bob.*Does its program listen"):
                await anna.connect("bob")
            with pytest.raises(p2p_api.NotConnected, match="connect_to_user"):
                await anna.say("bob", "x")

    run(walk())


def test_without_a_signaling_server_listening_fails_and_may_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agent.p2p_api.listener.START_S", 1.0)

    async def walk() -> None:
        async with at_site(tmp_path, "anna") as site:
            p2p_api.configure(*site.profiles, signaling="wss://127.0.0.1:9/signal")
            for _ in range(2):
                with pytest.raises(p2p_api.SignalingDown, match=r"127\.0\.0\.1:9"):
                    await User("anna").listen()
            p2p_api.configure(*site.profiles, signaling=site.url)
            await User("anna").listen()

    run(walk())


def test_a_name_is_taken_once_in_this_program_and_on_this_computer(tmp_path: Path) -> None:
    async def walk() -> None:
        async with at_site(tmp_path, "anna") as site:
            await User("anna").listen()
            with pytest.raises(p2p_api.NameTaken, match="once in a program"):
                await User("Anna").listen()
            await p2p_api.close_all_p2p_connections()
            elsewhere = ProfileLock(Profile.at(site.profile("anna")).data_folder / "p2p.lock")
            assert elsewhere.acquire(), "closing lets others have the name"
            with pytest.raises(p2p_api.NameTaken, match="Another program"):
                await User("anna").listen()
            elsewhere.release()
            await User("anna").listen()

    run(walk())


def test_a_thief_of_a_name_is_refused_here_and_by_the_server(tmp_path: Path) -> None:
    async def walk() -> None:
        bob = User("bob")
        async with at_site(tmp_path, "anna", "bob") as site:
            await bob.listen()
            thief = Identity.of("demo", "bob", *site.keys["anna"].private_keys())
            site.write("thief", thief)
            profile = Profile.at(site.profile("thief"))
            p2p_api.configure(site.profile("thief"), signaling=site.url)
            await p2p_api.close_all_p2p_connections()
            with pytest.raises(p2p_api.NameTaken, match="somebody else"):
                await bob.listen()
            profile.data_file.unlink()  # who has no list asks the server
            with pytest.raises(p2p_api.SignalingRefused, match="belongs to another station"):
                await bob.listen()

    run(walk())


def test_whoever_is_revoked_is_closed_and_not_heard_any_more(tmp_path: Path) -> None:
    async def walk() -> None:
        anna, bob = User("anna"), User("bob")
        async with at_site(tmp_path, "anna", "bob") as site:
            await asyncio.gather(anna.listen(), bob.listen())
            await anna.connect("bob")
            await bob.say("anna", "before")
            site.revoke("bob")
            await asyncio.sleep(1.1)  # the list is looked at once a second
            with pytest.raises(p2p_api.SignalingRefused, match="no longer a member"):
                await bob.say("anna", "after")
            with pytest.raises(p2p_api.UnknownUser, match="no member"):
                await anna.say("bob", "after")
            assert anna.came == [("bob", "before")]
            await p2p_api.close_all_p2p_connections()
            with pytest.raises(p2p_api.SignalingRefused, match="no longer a member"):
                await bob.listen()

    run(walk())


def test_a_program_that_confirms_nothing_is_an_error_and_the_next_message_arrives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    confirm, silent = Peer.confirm, asyncio.Event()

    async def confirm_later(peer: Peer, session: Callable[[], Session | None]) -> None:
        await silent.wait()
        await confirm(peer, session)

    monkeypatch.setattr("agent.p2p_api.peer.CONFIRM_S", 0.5)
    monkeypatch.setattr(Peer, "confirm", confirm_later)

    async def walk() -> None:
        anna, bob = User("anna"), User("bob")
        async with at_site(tmp_path, "anna", "bob"):
            await anna.listen()
            await bob.listen()
            await anna.connect("bob")
            with pytest.raises(p2p_api.NotDelivered, match=r"silent for 0\.5 s") as raised:
                await anna.say("bob", "x" * 40_000)
            assert raised.value.code == "p2p-not-delivered"
            silent.set()
            await anna.say("bob", "next")
            assert [len(text) for _, text in bob.came] == [40_000, 4]

    run(walk())


@pytest.mark.skipif(sys.platform == "win32", reason="stops a process with a signal")
@pytest.mark.parametrize("end", [signal.SIGSTOP, signal.SIGKILL])
def test_a_peer_that_is_gone_is_an_exception_within_12_seconds(tmp_path: Path, end: signal.Signals) -> None:
    async def walk() -> None:
        anna = User("anna")
        async with at_site(tmp_path, "anna", "bob") as site:
            await anna.listen()
            async with lone(site, tmp_path) as bob:
                await anna.connect("bob")
                await anna.say("bob", "hello")
                await until(lambda: anna.came == [("bob", "HELLO")])
                bob.process.send_signal(end)
                async with lateness() as late:
                    began = time.monotonic()
                    with pytest.raises((p2p_api.NotDelivered, p2p_api.NotConnected)):
                        await asyncio.gather(*(anna.say("bob", f"{number}") for number in range(20)))
                    first = time.monotonic() - began
                    assert first < 12 + late()
                    with pytest.raises(p2p_api.NotConnected):
                        await anna.say("bob", "at once now")
                    assert time.monotonic() - began - first < 2.5 + late()

    run(walk())
