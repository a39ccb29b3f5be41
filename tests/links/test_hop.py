"""The way from a thread of a link into the loop keeps the order and loses nothing."""

import asyncio
import threading

import pytest

from agent.links.hop import Hop
from tests.links.taking import until


def test_calls_from_another_thread_are_made_in_order_and_none_is_stranded() -> None:
    async def walk() -> None:
        hop, made = Hop(asyncio.get_running_loop()), list[int]()

        def post_all() -> None:
            for number in range(20_000):
                hop.post(made.append, number)

        thread = threading.Thread(target=post_all)
        thread.start()
        await until(lambda: len(made) == 20_000)
        thread.join()
        assert made == list(range(20_000))

    asyncio.run(walk())


def test_a_call_to_a_closed_loop_is_given_up_quietly() -> None:
    loop = asyncio.new_event_loop()
    hop = Hop(loop)
    loop.close()
    hop.post(pytest.fail, "called")
    assert hop.closed
