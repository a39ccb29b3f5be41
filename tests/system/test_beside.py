"""What is done beside the loop comes back to it, and nobody waits at the end for what may take hours."""

import asyncio
import subprocess
import sys
from typing import Any

import pytest

from agent.system.beside import aside, beside


@pytest.mark.parametrize("how", [beside, aside])
def test_what_is_returned_and_what_is_raised_comes_back(how: Any) -> None:
    async def walk() -> None:
        assert await how(lambda: 7) == 7
        with pytest.raises(KeyError):
            await how(lambda: dict[str, int]()["nothing"])

    asyncio.run(walk())


@pytest.mark.parametrize(("how", "ends"), [("aside", True), ("beside", False)])
def test_a_process_that_ends_does_not_wait_for_what_is_aside(how: str, *, ends: bool) -> None:
    program = f"""
import asyncio, threading
from agent.system.beside import {how}
begun = threading.Event()
async def walk():
    asyncio.create_task({how}(lambda: (begun.set(), threading.Event().wait())))
    await asyncio.sleep(0)
    begun.wait()
asyncio.run(walk())
"""
    running = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.DEVNULL)
    try:
        if ends:
            assert running.wait(60) == 0
        else:
            with pytest.raises(subprocess.TimeoutExpired):
                running.wait(3)
    finally:
        running.kill()
        running.wait()
