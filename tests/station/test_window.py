"""What the agent learns of faults in its window."""

import asyncio
import logging

import pytest

from agent.station.window import _listen

SAID = b"""Exception in Tkinter callback
Traceback (most recent call last):
  File "/x/agent/ui/window/orders.py", line 12, in refresh
    self.show("Table 4 - birthday")
KeyError: 'Table 4 - birthday'
"""


def test_a_fault_is_logged_with_its_place_and_without_anybodys_words(caplog: pytest.LogCaptureFixture) -> None:
    async def listen() -> None:
        stderr = asyncio.StreamReader()
        stderr.feed_data(b"x" * 100_000 + b"\n" + SAID)
        stderr.feed_eof()
        await _listen(stderr)

    with caplog.at_level(logging.ERROR):
        asyncio.run(listen())
    said = [record.__dict__["fields"] for record in caplog.records]
    assert said == [{"at": 'File "/x/agent/ui/window/orders.py", line 12, in refresh'}, {"at": "KeyError"}]
