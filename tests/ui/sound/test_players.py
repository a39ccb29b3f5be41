"""Promises of the players that are libraries, of several players as one, and of their choice."""

import asyncio
import subprocess
import sys
import threading
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from agent.domain.errors import BadConfiguration
from agent.ui.sound import choose
from agent.ui.sound.base import Played, Player, Tone
from agent.ui.sound.choose import choose_player
from agent.ui.sound.fallback import Fallback
from agent.ui.sound.silent import SilentPlayer
from agent.ui.sound.simpleaudio import SimpleaudioPlayer, check_distribution
from agent.ui.sound.winsound import WinsoundPlayer


class Scripted:
    """A player that writes down what is asked of it and then does as scripted: "plays", "refuses", or raises."""

    def __init__(self, name: str, script: str | Exception, asked: list[str]) -> None:
        self.name, self.script, self._asked = name, script, asked

    async def play(self, tone: Tone) -> Played:
        self._ask(f"play {tone}")
        return Played(ok=self.script == "plays", by=self.name, why="" if self.script == "plays" else "no device")

    async def stop(self) -> None:
        self._ask("stop")

    def _ask(self, what: str) -> None:
        self._asked.append(f"{self.name} {what}")
        if isinstance(self.script, Exception):
            raise self.script


def test_the_first_player_that_can_is_the_only_one_heard() -> None:
    async def test() -> None:
        asked: list[str] = []
        first, second = Scripted("first", "refuses", asked), Scripted("second", "plays", asked)
        fallback = Fallback([first, second])
        assert fallback.name == "first"
        assert await fallback.play(Tone.PAGE) == Played(ok=True, by="second")
        assert fallback.name == "second"
        first.script = "plays"
        asked.clear()
        assert await fallback.play(Tone.PAGE) == Played(ok=True, by="first")
        assert asked == ["first play page", "second stop"], "the sound before must not go on beside the new one"

    asyncio.run(test())


def test_when_nobody_can_play_every_reason_is_told_and_nothing_is_raised() -> None:
    async def test() -> None:
        asked: list[str] = []
        fallback = Fallback([Scripted("a", "refuses", asked), Scripted("b", OSError("gone"), asked)])
        assert await fallback.play(Tone.LATE) == Played(ok=False, by="b", why="a: no device; b: gone")
        await fallback.stop()
        assert asked[-2:] == ["a stop", "b stop"]

    asyncio.run(test())


def test_the_silent_player_never_claims_that_somebody_heard_something() -> None:
    async def test() -> None:
        silent: Player = SilentPlayer()
        assert await silent.play(Tone.PAGE) == Played(ok=False, by="silent", why="sound is switched off")
        await silent.stop()

    asyncio.run(test())


@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_simpleaudio_comes_first(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    assert asyncio.run(choose_player()).name == "simpleaudio"


def test_the_environment_overrides_the_platform_and_the_argument_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(choose.OVERRIDE, "silent")
    assert asyncio.run(choose_player()).name == "silent"
    assert asyncio.run(choose_player(force="aplay, paplay")).name == "aplay"


def test_an_unknown_player_is_told_to_the_person_who_wrote_it() -> None:
    with pytest.raises(BadConfiguration, match="“gramophone”"):
        asyncio.run(choose_player(force="gramophone"))


def test_choosing_loads_no_library() -> None:
    code = (
        "import asyncio, sys; from agent.ui.sound.choose import choose_player; asyncio.run(choose_player());"
        "sys.exit(', '.join({'simpleaudio', 'wave', 'winsound', 'importlib.metadata'} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_original_simpleaudio_is_refused_where_it_crashes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = tmp_path / "simpleaudio-1.0.4.dist-info"
    original.mkdir()
    (original / "METADATA").write_text("Metadata-Version: 2.1\nName: simpleaudio\nVersion: 1.0.4\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    check_distribution((3, 11))
    with pytest.raises(ImportError, match="simpleaudio-patched"):
        check_distribution((3, 12))
    patched = tmp_path / "simpleaudio_patched-1.0.5.dist-info"
    patched.mkdir()
    (patched / "METADATA").write_text("Metadata-Version: 2.1\nName: simpleaudio-patched\nVersion: 1.0.5\n")
    check_distribution((3, 12))


def test_without_simpleaudio_the_reason_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "simpleaudio", None)
    played = asyncio.run(SimpleaudioPlayer().play(Tone.PAGE))
    assert (played.ok, played.by, "simpleaudio" in played.why) == (False, "simpleaudio", True)


def test_a_stop_while_a_device_opens_is_not_overtaken_by_the_sound(monkeypatch: pytest.MonkeyPatch) -> None:
    opening, opened = threading.Event(), threading.Event()
    sounding, in_time = [False], [False]

    class Wave:
        @staticmethod
        def from_wave_file(file: str) -> "Wave":
            return Wave()

        def play(self) -> SimpleNamespace:
            opening.set()
            in_time[0] = opened.wait(timeout=10)  # never, if the loop waited for the device
            sounding[0] = True
            return SimpleNamespace(stop=lambda: sounding.__setitem__(0, False))

    library = ModuleType("simpleaudio")
    vars(library)["WaveObject"] = Wave
    monkeypatch.setitem(sys.modules, "simpleaudio", library)

    async def test() -> None:
        player = SimpleaudioPlayer()
        playing = asyncio.create_task(player.play(Tone.PAGE))
        await asyncio.to_thread(opening.wait, 10)
        stopping = asyncio.create_task(player.stop())
        await asyncio.sleep(0)
        opened.set()
        assert (await playing).ok
        await stopping
        assert (sounding, in_time) == ([False], [True])

    asyncio.run(test())


def test_windows_plays_beside_the_agent_and_is_silenced(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str | None, int]] = []
    library = ModuleType("winsound")
    vars(library).update(SND_FILENAME=0x20000, SND_ASYNC=1, SND_NODEFAULT=2)
    vars(library)["PlaySound"] = lambda file, how: asked.append((file and Path(file).name, how))
    monkeypatch.setitem(sys.modules, "winsound", library)

    async def test() -> None:
        player = WinsoundPlayer()
        assert await player.play(Tone.URGENT) == Played(ok=True, by="winsound")
        await player.stop()
        assert asked == [("urgent.wav", 0x20003), (None, 0x20003)]

    asyncio.run(test())


def test_what_winsound_raises_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(file: str | None, how: int) -> None:
        raise RuntimeError("Failed to play sound")

    library = ModuleType("winsound")
    vars(library).update(SND_FILENAME=0x20000, SND_ASYNC=1, SND_NODEFAULT=2, PlaySound=fails)
    monkeypatch.setitem(sys.modules, "winsound", library)

    async def test() -> None:
        player = WinsoundPlayer()
        assert await player.play(Tone.PAGE) == Played(ok=False, by="winsound", why="Failed to play sound")
        await player.stop()

    asyncio.run(test())
