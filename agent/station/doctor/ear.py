"""Listens at the monitor of the default sink, through the programs of PulseAudio that PipeWire has as well."""

import asyncio
import contextlib
import os
import re
import shutil
from array import array
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from agent.ui.sound.base import Played

RATE = 8000
BLOCK = RATE // 100
"""10 ms of samples."""
LOUD = 60
"""Root mean square above which a block counts as heard; a sound at a tenth of its volume still is."""
ENOUGH = 5
"""Blocks that make a sound; one alone may be a click."""
READY_S, HEARD_S, ANSWER_S = 4.0, 4.0, 2.0
"""A sink that slept takes two seconds to wake up."""


@dataclass(frozen=True, slots=True)
class Ear:
    """The default sink; `sink` is "" where there is none."""

    sink: str
    muted: bool = False
    volume_percent: int | None = None

    async def listen(self, play: Callable[[], Awaitable[Played]]) -> tuple[bool | None, Played]:
        """Play and listen; whether it was heard, None if nobody could listen."""
        recorder = await _recorder(f"{self.sink}.monitor")
        if recorder is None:
            return None, await play()
        try:
            if not await _begins(recorder):
                return None, await play()
            played = await play()
            return (await _hears(recorder) if played.ok else None), played
        finally:
            with contextlib.suppress(ProcessLookupError):
                recorder.kill()
            await recorder.wait()


async def find_ear() -> Ear | None:
    """The default sink and its state; None where nobody can be asked."""
    if not (shutil.which("pactl") and shutil.which("parec")):
        return None
    name = await _ask("get-default-sink")
    if name is None:
        return None if await _ask("info") is None else Ear("")
    muted, volume = await asyncio.gather(_ask("get-sink-mute", name), _ask("get-sink-volume", name))
    percents = [int(one) for one in re.findall(r"(\d+)%", volume or "")]
    if muted is None or name == "auto_null":  # PulseAudio's own stand-in for no sink at all
        return Ear("")
    return Ear(name, "yes" in muted, max(percents) if percents else None)


async def _ask(*question: str) -> str | None:
    """What pactl answers, None if it fails."""
    process = await asyncio.create_subprocess_exec(
        "pactl", *question, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, env={**os.environ, "LC_ALL": "C"}
    )
    try:
        said, _ = await asyncio.wait_for(process.communicate(), ANSWER_S)
    except TimeoutError:
        process.kill()
        await process.wait()
        return None
    text = said.decode(errors="replace").strip()
    return text if process.returncode == 0 and text else None


async def _recorder(monitor: str) -> Process | None:
    try:
        return await asyncio.create_subprocess_exec(
            *("parec", f"--device={monitor}", "--format=s16le", f"--rate={RATE}", "--channels=1"),
            *("--latency-msec=20", "--raw"),
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=DEVNULL,
        )
    except OSError:
        return None


async def _begins(recorder: Process) -> bool:
    """Whether samples come at all, silent ones too."""
    assert recorder.stdout is not None
    try:
        await asyncio.wait_for(recorder.stdout.readexactly(2 * BLOCK), READY_S)
    except (TimeoutError, asyncio.IncompleteReadError):
        return False
    return True


async def _hears(recorder: Process) -> bool:
    """Whether enough is loud before the time is over."""
    assert recorder.stdout is not None
    loud = 0
    with contextlib.suppress(TimeoutError, asyncio.IncompleteReadError):
        async with asyncio.timeout(HEARD_S):
            while loud < ENOUGH:
                samples = array("h", await recorder.stdout.readexactly(2 * BLOCK))
                loud += sum(value * value for value in samples) > BLOCK * LOUD**2
    return loud >= ENOUGH
