"""What is really heard: each player's sounds recorded from a sink, their length and their pitch measured."""

import asyncio
import shutil
import wave
from array import array
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import pytest

from agent.system.assets import asset
from agent.ui.sound.base import Played, Tone
from agent.ui.sound.choose import choose_player
from tests.servers.desktop import Desktop, Recording

pytestmark = pytest.mark.desktop

PITCH = {Tone.PAGE: 880, Tone.URGENT: 1175, Tone.ORDER: 660, Tone.LATE: 440}
PLAYERS = ("simpleaudio", "paplay", "aplay")
"""Not pw-play, which plays to PipeWire only, and the test desktop has PulseAudio."""


def available(player: str) -> bool:
    """Whether this computer has the player."""
    return bool(find_spec(player) if player == "simpleaudio" else shutil.which(player))


@pytest.fixture(params=PLAYERS)
def name(request: pytest.FixtureRequest, desktop: Desktop, monkeypatch: pytest.MonkeyPatch) -> str:
    """Each player that is installed, with the test desktop's sink in its environment."""
    player: str = request.param
    if not available(player):
        pytest.skip(f"not installed: {player}")
    for variable in ("PULSE_SERVER", "PULSE_COOKIE", "ALSA_CONFIG_PATH", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(variable, desktop.env[variable])
    return player


@pytest.fixture(scope="module")
def ear(desktop: Desktop) -> Iterator[Recording]:
    """A recording of the sink that runs during all tests."""
    with desktop.record() as recording:
        yield recording


def loud_seconds(tone: Tone) -> float:
    """How long the file itself is loud, measured as Recording does."""
    with wave.open(str(asset(f"sounds/{tone}.wav"))) as file:
        rate, samples = file.getframerate(), array("h", file.readframes(file.getnframes()))
    block = rate // 100
    blocks = (samples[at : at + block] for at in range(0, len(samples) - block + 1, block))
    loud = [sum(value * value for value in part) > block * Recording.LOUD**2 for part in blocks]
    return loud.count(True) / 100


async def until(condition: Callable[[], bool], what: str, seconds: float = 20.0) -> None:
    """Return as soon as `condition` holds; raise TimeoutError naming `what` after `seconds`."""
    end = asyncio.get_running_loop().time() + seconds
    while not condition():
        if asyncio.get_running_loop().time() > end:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        await asyncio.sleep(0.05)


async def silence(recording: Recording, seconds: float = 0.4) -> None:
    """Return when nothing was loud for so long."""
    loud, since = recording.loud_seconds(), recording.seconds

    def quiet() -> bool:
        nonlocal loud, since
        if (now := recording.loud_seconds()) != loud:
            loud, since = now, recording.seconds
        return recording.seconds - since >= seconds

    await until(quiet, "silence")


@pytest.mark.parametrize("tone", Tone)
def test_a_sound_is_heard_in_full_and_at_its_pitch(name: str, tone: Tone, ear: Recording) -> None:
    async def test() -> None:
        player = await choose_player(force=name)
        recording = ear.from_here()
        assert await player.play(tone) == Played(ok=True, by=name)
        await until(lambda: recording.loud_seconds() > 0.1, "the sound")
        await silence(recording)
        assert recording.loud_seconds() == pytest.approx(loud_seconds(tone), abs=0.06)
        assert recording.strongest() == pytest.approx(PITCH[tone], abs=5)
        await player.stop()

    asyncio.run(test())


def test_stop_makes_it_silent(name: str, ear: Recording) -> None:
    async def test() -> None:
        player = await choose_player(force=name)
        recording = ear.from_here()
        assert (await player.play(Tone.LATE)).ok
        await until(lambda: recording.loud_seconds() > 0, "the sound")
        await player.stop()
        await silence(recording)
        assert recording.loud_seconds() < loud_seconds(Tone.LATE) - 0.1

    asyncio.run(test())


def test_another_sound_takes_the_place_of_the_one_before(name: str, ear: Recording) -> None:
    async def test() -> None:
        player = await choose_player(force=name)
        recording = ear.from_here()
        await player.play(Tone.LATE)
        await until(lambda: recording.loud_seconds() > 0, "the first sound")
        assert (await player.play(Tone.LATE)).ok
        await silence(recording)
        assert loud_seconds(Tone.LATE) <= recording.loud_seconds() + 0.06
        assert recording.loud_seconds() < 2 * loud_seconds(Tone.LATE) - 0.1
        await player.stop()

    asyncio.run(test())


def test_with_no_device_the_player_says_why(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SERVER", "unix:/nonexistent")
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/nonexistent")

    async def test() -> None:
        player = await choose_player(force=name)
        played = await player.play(Tone.PAGE)
        assert (played.ok, played.by) == (False, name)
        assert "refused" in played.why or "Host is down" in played.why
        await player.stop()

    asyncio.run(test())
