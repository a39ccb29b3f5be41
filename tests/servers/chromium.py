"""A real Chromium without a window, driven over its DevTools."""

import asyncio
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.programs import Programs
from tests.servers.waiting import eventually

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

START_S, ANSWER_S = 60.0, 60.0

# What it shows is our own page, and root, which tests often are, cannot have its sandbox. It talks to nobody unasked.
_FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-port=0",
    "--disable-background-timer-throttling", "--disable-renderer-backgrounding",
)  # fmt: skip


class PageFailed(Exception):
    """What the page was asked for did not come about; the message is the page's."""


class Page:
    """One page; its scripts are asked by expression."""

    def __init__(self, chromium: "Chromium", session: str) -> None:
        self._chromium, self._session = chromium, session

    async def ask(self, expression: str) -> Any:
        """The value of an expression, waited for if it is a promise; raises PageFailed with what it threw."""
        answer = await self._chromium.ask(
            "Runtime.evaluate", self._session, expression=expression, awaitPromise=True, returnByValue=True
        )
        if "exceptionDetails" in answer:
            thrown = answer["exceptionDetails"]
            raise PageFailed(thrown.get("exception", {}).get("description") or thrown["text"])
        return answer["result"].get("value")


class Chromium:
    """The browser."""

    def __init__(self, line: "ClientConnection") -> None:
        self._line, self._numbers = line, itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}

    async def page(self, file: Path) -> Page:
        """Show a file of this computer."""
        target = await self.ask("Target.createTarget", url=file.as_uri())
        attached = await self.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        page = Page(self, attached["sessionId"])
        shown = f"location.href === {json.dumps(file.as_uri())} && document.readyState === 'complete'"
        await eventually(lambda: page.ask(shown), START_S)
        return page

    async def ask(self, method: str, session: str | None = None, **parameters: object) -> dict[str, Any]:
        """Call one of DevTools' methods; raises PageFailed."""
        number = next(self._numbers)
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        asked = {"id": number, "method": method, "params": parameters} | ({"sessionId": session} if session else {})
        await self._line.send(json.dumps(asked))
        async with asyncio.timeout(ANSWER_S):
            told = await answer
        if "error" in told:
            raise PageFailed(f"{method}: {told['error']}")
        result: dict[str, Any] = told["result"]
        return result

    async def read(self) -> None:
        """Give each answer to who waits for it, until the browser ends."""
        async for text in self._line:
            told = json.loads(text)
            waiting = self._waiting.pop(told.get("id", 0), None)
            if waiting is not None and not waiting.done():
                waiting.set_result(told)


@asynccontextmanager
async def running_chromium(folder: Path, *flags: str) -> AsyncIterator[Chromium]:
    """Run it with everything it keeps in `folder`; skips where it is not installed."""
    from websockets.asyncio.client import connect

    program = shutil.which("chromium")
    if program is None:
        pytest.skip("chromium is not installed (290 MB; python3 installer/dev.py setup installs it)")
    programs, address = Programs(folder), folder / "profile" / "DevToolsActivePort"
    env = {**os.environ, "HOME": str(folder)}
    programs.start("chromium", program, *_FLAGS, f"--user-data-dir={address.parent}", *flags, env=env)
    try:
        await eventually(lambda: _told(address) or not programs.alive("chromium"), START_S)
        assert programs.alive("chromium"), programs.log("chromium")
        port, path = _told(address)
        async with connect(f"ws://127.0.0.1:{port}{path}", proxy=None, compression=None, max_size=None) as line:
            chromium = Chromium(line)
            reading = asyncio.create_task(chromium.read())
            try:
                yield chromium
                await chromium.ask("Browser.close")
                await eventually(lambda: not programs.alive("chromium"), START_S)
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
    finally:
        programs.stop()


def _told(address: Path) -> list[str]:
    """Port and path of its DevTools, or nothing yet."""
    lines = address.read_text().split() if address.exists() else []
    return lines if len(lines) == 2 else []
