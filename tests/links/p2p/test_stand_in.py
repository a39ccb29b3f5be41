"""The stand-in for PyAV: what opens data channels works with it as without, and media fail clearly."""

import importlib.metadata
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[3]
STAND_IN = ROOT / "installer" / "stub_av"
PARTS = ("test_link.py", "test_relay_lies.py", "test_servers.py")
HERE = {**os.environ, "PYTHONPATH": os.pathsep.join([str(STAND_IN), str(ROOT)])}


def run(*arguments: str) -> str:
    """What a Python says that finds the stand-in first."""
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT, env=HERE, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_link_keeps_its_promises_with_it() -> None:
    said = run("-m", "pytest", "-q", "-p", "no:cacheprovider", *(f"tests/links/p2p/{part}" for part in PARTS))
    assert " passed" in said
    assert "failed" not in said


def test_aiortc_finds_it_and_no_ffmpeg() -> None:
    code = "import sys, aiortc, av; print(av.__version__, any('av.' in n and n.endswith('_core') for n in sys.modules))"
    assert run("-c", code).split() == ["18.1.0+nomedia", "False"]


@pytest.mark.parametrize(
    "call",
    [
        "aiortc.contrib.media.MediaPlayer('x.wav')",
        "aiortc.contrib.media.MediaRecorder('x.wav').addTrack(aiortc.AudioStreamTrack())",
        "asyncio.run(aiortc.AudioStreamTrack().recv())",
        "asyncio.run(aiortc.VideoStreamTrack().recv())",
        "av.open('x.wav')",
        "aiortc.codecs.get_decoder(aiortc.RTCRtpCodecParameters('audio/opus', 48000, 2))",
    ],
)
def test_media_fail_and_say_why(call: str) -> None:
    code = (
        "import asyncio, aiortc, aiortc.contrib.media, aiortc.codecs, av\n"
        f"try:\n    {call}\nexcept av.NoMedia as error:\n    print(error)\n"
    )
    assert "data channels only" in run("-c", code)


def test_it_is_a_version_that_aiortc_takes() -> None:
    version = tomllib.loads((STAND_IN / "pyproject.toml").read_text())["project"]["version"]
    wanted = [Requirement(text) for text in importlib.metadata.requires("aiortc") or ()]
    (av,) = [requirement for requirement in wanted if requirement.name == "av"]
    assert version in av.specifier
    assert f'__version__ = "{version}"' in (STAND_IN / "av" / "__init__.py").read_text()


def test_pip_installs_it_in_the_place_of_the_other(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--target", str(tmp_path), str(STAND_IN)], check=True, stdin=subprocess.DEVNULL)
    assert (tmp_path / "av" / "video" / "codeccontext.py").exists()
    (found,) = [dist for dist in importlib.metadata.distributions(path=[str(tmp_path)]) if dist.name == "av"]
    assert found.version == "18.1.0+nomedia"
