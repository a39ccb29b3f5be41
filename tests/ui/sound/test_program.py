"""Promises of a player that runs a program, with programs of our own that end in every way."""

import asyncio
import logging
import os
import stat
from pathlib import Path

import psutil
import pytest

from agent.system.assets import asset
from agent.ui.sound.base import Played, Tone
from agent.ui.sound.program import ProgramPlayer


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that is PATH; the programs of the system stay reachable behind it."""
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    return tmp_path


def write(folder: Path, name: str, script: str) -> ProgramPlayer:
    """A player whose program is this shell script."""
    file = folder / name
    file.write_text(f"#!/bin/sh\n{script}\n")
    file.chmod(file.stat().st_mode | stat.S_IXUSR)
    return ProgramPlayer(name)


def sleepers() -> list[psutil.Process]:
    """The programs that run now and play until they are stopped."""
    return [child for child in psutil.Process().children() if child.name() == "sleep"]


@pytest.mark.parametrize(("name", "options"), [("pw-play", ""), ("paplay", ""), ("aplay", "-q ")])
def test_the_program_gets_the_file_and_quiet_surroundings(name: str, options: str, programs: Path) -> None:
    async def test() -> None:
        said = programs / "said"
        player = write(programs, name, f'echo "$@ $LC_ALL" >{said}; read -r line || echo "no input" >>{said}')
        assert await player.play(Tone.URGENT) == Played(ok=True, by=name)
        assert said.read_text() == f"{options}{asset('sounds/urgent.wav')} C\nno input\n"

    asyncio.run(test())


def test_a_program_that_fails_at_once_is_quoted_with_its_last_line(programs: Path) -> None:
    async def test() -> None:
        player = write(programs, "paplay", 'echo "Trying"; echo "No such device" >&2; echo >&2; exit 1')
        assert await player.play(Tone.PAGE) == Played(ok=False, by="paplay", why="No such device")

    asyncio.run(test())


def test_a_program_that_fails_without_a_word_is_told_by_its_number(programs: Path) -> None:
    async def test() -> None:
        assert (await write(programs, "aplay", "exit 3").play(Tone.PAGE)).why == "ended with 3"
        assert (await write(programs, "aplay", "kill -SEGV $$").play(Tone.PAGE)).why == "ended with -11"

    asyncio.run(test())


def test_a_program_that_is_not_there_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    played = asyncio.run(ProgramPlayer("pw-play").play(Tone.PAGE))
    assert played == Played(ok=False, by="pw-play", why="not installed")


def test_a_missing_sound_is_not_called_a_missing_program(programs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def test() -> None:
        player = write(programs, "paplay", "exit 0")
        monkeypatch.setattr("agent.system.assets._PLACES", (programs,))
        played = await player.play(Tone.PAGE)
        assert (played.ok, "sounds/page.wav" in played.why) == (False, True)

    asyncio.run(test())


def test_a_program_that_may_not_run_is_a_reason(programs: Path) -> None:
    async def test() -> None:
        (programs / "paplay").mkdir()
        played = await ProgramPlayer(str(programs / "paplay")).play(Tone.PAGE)
        assert (played.ok, "Permission denied" in played.why) == (False, True)

    asyncio.run(test())


def test_a_very_short_sound_that_ends_well_was_played(programs: Path) -> None:
    assert asyncio.run(write(programs, "paplay", "exit 0").play(Tone.ORDER)).ok


def test_only_one_program_runs_and_none_after_stop(programs: Path) -> None:
    async def test() -> None:
        player = write(programs, "paplay", "trap '' TERM; exec sleep 61")  # deaf to polite requests
        for _ in range(3):
            assert (await player.play(Tone.PAGE)).ok
            assert len(sleepers()) == 1
        await player.stop()
        assert sleepers() == []
        await player.stop()

    asyncio.run(test())


def test_a_stop_while_a_sound_starts_is_not_overtaken_by_it(programs: Path) -> None:
    async def test() -> None:
        player = write(programs, "paplay", "exec sleep 61")
        playing = asyncio.create_task(player.play(Tone.PAGE))
        await asyncio.sleep(0)
        await player.stop()
        assert (await playing).ok
        assert sleepers() == []

    asyncio.run(test())


def test_a_sound_that_breaks_off_is_logged_and_one_that_was_stopped_is_not(
    programs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def test() -> None:
        go = programs / "go"
        os.mkfifo(go)
        player = write(programs, "paplay", f'read -r line <{go}; echo "Broken pipe" >&2; exit 1')
        assert (await player.play(Tone.PAGE)).ok
        await asyncio.to_thread(go.write_text, "now\n")
        while not caplog.records:  # pytest-timeout is the limit
            await asyncio.sleep(0.01)
        assert [record.getMessage() for record in caplog.records] == ["paplay broke off: Broken pipe"]
        assert (await player.play(Tone.PAGE)).ok
        await player.stop()
        assert len(caplog.records) == 1

    with caplog.at_level(logging.WARNING):
        asyncio.run(test())
