"""Users of the API talk to each other, with aiortc and a signaling server for real."""

import asyncio
import logging
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from agent import p2p_api
from agent.demo.p2p_site import P2pSite, signaling
from tests.p2p_api.scene import User, at_site, held, lone, run, until

pytestmark = pytest.mark.servers


def test_several_users_in_one_process_all_talk_to_each_other(tmp_path: Path) -> None:
    async def walk() -> None:
        users = [User(name) for name in ("Anna", "Bob", "Front Desk")]
        async with at_site(tmp_path, *(user.name for user in users)):
            await asyncio.gather(*(user.listen() for user in users))
            pairs = [(a, b) for a in users for b in users if a is not b]
            await asyncio.gather(*(a.connect(b.name) for a, b in pairs))  # each pair from both sides at once
            await asyncio.gather(*(a.say(b.name, f"{a.name} to {b.name}") for a, b in pairs))
            await until(lambda: all(len(user.came) == 2 for user in users))
            for user in users:
                others = [other.name for other in users if other is not user]
                assert sorted(user.came) == sorted((name, f"{name} to {user.name}") for name in others)
                assert sorted(user.opened) == sorted(others)
                assert user.ready == 1

    run(walk())


def test_either_side_may_send_and_a_handler_may_answer(tmp_path: Path) -> None:
    async def walk() -> None:
        anna, bob = User("anna"), User("bob")

        async def echo(sender_id: str, message: str) -> None:
            await bob.say(sender_id, message[::-1])

        async with at_site(tmp_path, "anna", "bob"):
            await bob.listen(on_message=echo)
            await anna.listen(on_connection_ready=lambda: anna.connect("bob"))  # before initialising returns, even
            await until(lambda: anna.opened == ["bob"] and bob.opened == ["anna"])
            for text in ("one", "two"):
                await anna.say("bob", text)
            await until(lambda: anna.came == [("bob", "eno"), ("bob", "owt")])

    run(walk())


def test_texts_of_any_kind_and_length_arrive_as_they_are_and_in_order(tmp_path: Path) -> None:
    odd = ["", "a\nb\tc\x00\x7f", "e\u0301 is not é", '{"json": [1, 2]}', "🦊" * 16_384, "x" * 65_536]

    async def walk() -> None:
        anna, bob = User("anna"), User("bob")
        async with at_site(tmp_path, "anna", "bob"):
            await anna.listen()
            await bob.listen()
            await anna.connect("bob")
            texts = [*odd, *map(str, range(300))]
            await asyncio.gather(*(anna.say("bob", text) for text in texts))
            await until(lambda: len(bob.came) == len(texts))
            assert [text for _, text in bob.came] == texts
            for text in ("x" * 65_537, "🦊" * 16_385):
                with pytest.raises(p2p_api.MessageTooLong, match="bytes of 65536"):
                    await anna.say("bob", text)
            with pytest.raises(TypeError, match="not bytes"):
                await anna.say("bob", b"bytes")  # type: ignore[arg-type]
            await anna.say("bob", "still here")
            await until(lambda: bob.came[-1] == ("anna", "still here"))

    run(walk())


def test_a_long_queue_is_no_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.p2p_api.peer.CONFIRM_S", silence := 5.0)
    monkeypatch.setattr("agent.links.p2p.peer.PATIENCE_S", 0.01)  # as on a line that is slow

    async def walk() -> None:
        anna, bob = User("anna"), User("bob")
        async with at_site(tmp_path, "anna", "bob"):
            await anna.listen()
            await bob.listen()
            await anna.connect("bob")

            async def said(texts: Iterable[str]) -> float:
                began = time.monotonic()
                await asyncio.gather(*(anna.say("bob", text) for text in texts))
                return time.monotonic() - began

            few = [str(number) for number in range(500)]
            many = [f"and {number}" for number in range(int(len(few) * 2 * silence / await said(few)))]
            assert await said(many) > silence, "send more, or this shows nothing"
            await until(lambda: [text for _, text in bob.came] == few + many)

    run(walk())


def test_a_handler_that_raises_is_logged_and_disturbs_nobody(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def walk() -> None:
        anna, bob = User("anna"), User("bob")
        heard: list[str] = []

        async def bad(*_: str) -> None:
            raise ZeroDivisionError

        def picky(_: str, message: str) -> None:  # a plain function will do
            heard.append(message)
            if message == "bad":
                raise RuntimeError("no")

        async with at_site(tmp_path, "anna", "bob"):
            await anna.listen(on_connection_ready=bad, on_datachannel_open=bad)
            await bob.listen(on_message=picky)
            await anna.connect("bob")
            for message in ("good", "bad", "good again"):
                await anna.say("bob", message)
            await until(lambda: heard == ["good", "bad", "good again"])

    with caplog.at_level(logging.ERROR, "agent.p2p_api"):
        run(walk())
    raised = sorted((record.getMessage(), type((record.exc_info or (0, 0, 0))[1])) for record in caplog.records)
    assert raised == [
        ("p2p api: on_connection_ready of anna raised", ZeroDivisionError),
        ("p2p api: on_datachannel_open of anna raised", ZeroDivisionError),
        ("p2p api: on_message of bob raised", RuntimeError),
    ]


def test_a_handler_that_does_not_keep_up_lets_the_sender_know(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent.p2p_api.peer.MOST_WAITING", 3)

    async def walk() -> None:
        anna, bob = User("anna"), User("bob")
        go_on, heard = asyncio.Event(), list[str]()

        async def slow(_: str, message: str) -> None:
            await go_on.wait()
            heard.append(message)

        async with at_site(tmp_path, "anna", "bob"):
            await anna.listen()
            await bob.listen(on_message=slow)
            await anna.connect("bob")
            for number in range(4):  # one with the handler, three behind it
                await anna.say("bob", str(number))
            with pytest.raises(p2p_api.NotDelivered, match="does not keep up"):
                await anna.say("bob", "too much")
            go_on.set()
            await until(lambda: len(heard) == 4)
            await anna.say("bob", "again")
            await until(lambda: heard == ["0", "1", "2", "3", "again"])

    run(walk())


def test_a_restart_of_signaling_costs_no_channel_and_the_listener_returns(tmp_path: Path) -> None:
    async def walk() -> None:
        anna, bob, carl = User("anna"), User("bob"), User("carl")
        site = P2pSite(tmp_path)
        for user in (anna, bob, carl):
            site.enrol(user.name)
        async with signaling(site):
            p2p_api.configure(*site.profiles, signaling=site.url)
            await asyncio.gather(anna.listen(), bob.listen())
            await anna.connect("bob")
        await anna.say("bob", "meanwhile")
        with pytest.raises(p2p_api.NotConnected):
            await anna.say("carl", "no way there")
        async with signaling(site):  # at the same port
            await carl.listen()
            await until(lambda: site.desk and "anna" in site.desk.exchange.stations)
            await carl.connect("anna")
            await carl.say("anna", "hello")
            await until(lambda: anna.came == [("carl", "hello")])
            assert (bob.came, anna.opened) == ([("anna", "meanwhile")], ["bob", "carl"])
            await p2p_api.close_all_p2p_connections()

    run(walk())


def test_a_peer_that_left_and_returns_is_connected_again_by_itself(tmp_path: Path) -> None:
    async def walk() -> None:
        anna = User("anna")
        async with at_site(tmp_path, "anna", "bob") as site:
            await anna.listen()
            for times in (1, 2):
                async with lone(site, tmp_path) as bob:
                    if times == 1:
                        await anna.connect("bob")
                    await until(lambda: anna.opened == ["bob"] * times, 20)  # noqa: B023 - within this turn
                    await anna.say("bob", str(times))
                    assert [await bob.line(), await bob.line()] == ["open anna", f"came {times}"]
                    await until(lambda: anna.came[-1:] == [("bob", str(times))])  # noqa: B023 - the same
                    await bob.leave()

    run(walk())


def test_a_peer_that_was_killed_and_returns_gets_messages_again(tmp_path: Path) -> None:
    async def walk() -> None:
        anna = User("anna")
        async with at_site(tmp_path, "anna", "bob") as site:
            await anna.listen()
            async with lone(site, tmp_path) as bob:
                await anna.connect("bob")
                await anna.say("bob", "first")
                bob.process.kill()
            async with lone(site, tmp_path) as bob:
                lost = 0
                while True:
                    try:
                        await anna.say("bob", "second")
                        break
                    except (p2p_api.NotDelivered, p2p_api.NotConnected):
                        lost += 1
                        await asyncio.sleep(0.2)
                assert lost, "nobody confirms what a dead program got"
                assert [await bob.line(), await bob.line()] == ["open anna", "came second"]

    run(walk())


@pytest.mark.skipif(sys.platform != "linux", reason="counts in /proc")
def test_closing_leaves_no_task_descriptor_or_thread(tmp_path: Path) -> None:
    async def walk() -> None:
        anna, bob = User("anna"), User("bob")

        async def cycle() -> None:
            await asyncio.gather(anna.listen(), bob.listen())
            await anna.connect("bob")
            await anna.say("bob", "hello")
            await p2p_api.close_all_p2p_connections()

        async with at_site(tmp_path, "anna", "bob") as site:
            await cycle()
            assert site.desk is not None
            await until(lambda: site.desk and not site.desk.exchange.stations)
            before = held()
            for _ in range(3):
                await cycle()
            await until(lambda: site.desk and not site.desk.exchange.stations)
            await until(lambda: held() <= before, 5)
            assert not [task for task in asyncio.all_tasks() if task.get_name().startswith("p2p ")]

    run(walk())


def test_a_handler_may_close_everything(tmp_path: Path) -> None:
    async def walk() -> None:
        anna, bob, closed = User("anna"), User("bob"), asyncio.Event()

        async def goodbye(*_: str) -> None:
            await p2p_api.close_all_p2p_connections()
            closed.set()

        async with at_site(tmp_path, "anna", "bob"):
            await anna.listen()
            await bob.listen(on_message=goodbye)
            await anna.connect("bob")
            with suppress(p2p_api.NotListening):  # if it is closed before the receipt has come
                await anna.say("bob", "goodbye")
            await asyncio.wait_for(closed.wait(), 10)
            await until(lambda: not [t for t in asyncio.all_tasks() if t.get_name().startswith("p2p ")])
            await asyncio.gather(anna.listen(), bob.listen())  # and begin anew

    run(walk())
