"""The example of the document runs as it stands there, and so does a program in the seed's shape."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stand_ins import ROOT, STAND_INS

DOCUMENT = (ROOT / "docs" / "p2p-api.md").read_text(encoding="utf-8")
PATHS = {"PyAV": [ROOT], "the stand-ins": [*STAND_INS.values(), ROOT]}

SEED_SHAPED = """
import asyncio
from agent.p2p_api import (
    initialize_p2p_listener, connect_to_user, send_message_to_user, close_all_p2p_connections
)

async def main():
    anna_ready, bob_ready = asyncio.Event(), asyncio.Event()

    async def on_anna_ready():
        anna_ready.set()

    async def on_bob_ready():
        bob_ready.set()

    async def on_open(peer_id):
        await send_message_to_user('Anna_1', peer_id, 'Good morning!')

    async def on_message(sender_id, message):
        print(sender_id, message, flush=True)

    anna = asyncio.create_task(initialize_p2p_listener(
        user_id='Anna_1', event_handlers={'on_connection_ready': on_anna_ready, 'on_datachannel_open': on_open}))
    bob = asyncio.create_task(initialize_p2p_listener(
        user_id='Bob', event_handlers={'on_connection_ready': on_bob_ready, 'on_message': on_message}))
    await asyncio.gather(anna_ready.wait(), bob_ready.wait())
    await connect_to_user(user_id='Anna_1', peer_id='Bob')
    for _ in range(2):
        await asyncio.sleep(1)
    anna.cancel()
    bob.cancel()
    await close_all_p2p_connections()

asyncio.run(main())
"""
"""The order of calls of the seed's own script."""


def block(language: str) -> str:
    """The one code block of a language in the document."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    return str(found)


def at_a_demo_site(program: str, users: list[str], paths: list[Path]) -> str:
    """What a program prints, started as the document says."""
    done = subprocess.run(
        [sys.executable, "-m", "agent.demo.p2p_site", *users, "--", sys.executable, "-W", "error", "-c", program],
        capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths))},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


@pytest.mark.servers
@pytest.mark.parametrize("media", PATHS)
def test_the_document_s_example_prints_what_the_document_says(media: str) -> None:
    assert at_a_demo_site(block("python"), ["Alice", "Bob"], PATHS[media]) == block("text")


@pytest.mark.servers
@pytest.mark.parametrize("media", PATHS)
def test_a_program_in_the_seed_s_shape_runs(media: str) -> None:
    assert at_a_demo_site(SEED_SHAPED, ["Anna_1", "Bob"], PATHS[media]) == "Anna_1 Good morning!\n"


@pytest.mark.servers
def test_the_api_keeps_its_promises_with_the_stand_in() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/p2p_api/test_talking.py"],
        capture_output=True, text=True, stdin=subprocess.DEVNULL, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, PATHS["the stand-ins"]))},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_every_public_name_is_in_the_document() -> None:
    from agent import p2p_api

    assert [name for name in p2p_api.__all__ if name not in DOCUMENT] == []
    table = set(re.findall(r"^\| `(\w+)` \|", DOCUMENT, re.MULTILINE))
    errors = {name for name in p2p_api.__all__ if issubclass(type(getattr(p2p_api, name)), type)} & set(dir(p2p_api))
    assert errors - {"P2pError", "IceServer"} <= table
