"""The stand-ins for PyAV and pylibsrtp: data channels work with them as without, and media fail clearly."""

import importlib.metadata
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.stand_ins import FIRST, ROOT, STAND_INS

PARTS = ("test_link.py", "test_relay_lies.py", "test_servers.py")
HERE = {**os.environ, "PYTHONPATH": os.pathsep.join([*FIRST, str(ROOT)])}


def run(*arguments: str) -> str:
    """What a Python says that finds the stand-ins first."""
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT, env=HERE, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_link_keeps_its_promises_with_it() -> None:
    said = run("-m", "pytest", "-q", "-p", "no:cacheprovider", *(f"tests/links/p2p/{part}" for part in PARTS))
    assert " passed" in said
    assert "failed" not in said


def test_aiortc_finds_them_and_no_library_behind_the_others() -> None:
    code = (
        "import sys, aiortc, av, pylibsrtp\n"
        "print(av.__version__, pylibsrtp.__version__, [n for n in sys.modules if n.endswith(('._core', '._binding'))])"
    )
    assert run("-c", code).split() == ["18.1.0+nomedia", "1.0.0+nomedia", "[]"]


@pytest.mark.parametrize(
    "call",
    [
        "aiortc.contrib.media.MediaPlayer('x.wav')",
        "aiortc.contrib.media.MediaRecorder('x.wav').addTrack(aiortc.AudioStreamTrack())",
        "asyncio.run(aiortc.AudioStreamTrack().recv())",
        "asyncio.run(aiortc.VideoStreamTrack().recv())",
        "av.open('x.wav')",
        "aiortc.codecs.get_decoder(aiortc.RTCRtpCodecParameters('audio/opus', 48000, 2))",
        "pylibsrtp.Session(pylibsrtp.Policy()).protect(b'sound')",
        "pylibsrtp.Session().protect_rtcp(b'a report')",
    ],
)
def test_media_fail_and_say_why(call: str) -> None:
    code = (
        "import asyncio, aiortc, aiortc.contrib.media, aiortc.codecs, av, pylibsrtp\n"
        f"try:\n    {call}\nexcept (av.NoMedia, pylibsrtp.NoMedia) as error:\n    print(error)\n"
    )
    assert "data channels only" in run("-c", code)


def test_media_that_come_in_are_dropped_and_end_nothing() -> None:
    code = (
        "import pylibsrtp\n"
        "for take in (pylibsrtp.Session().unprotect, pylibsrtp.Session().unprotect_rtcp):\n"
        "    try:\n        take(b'sound')\n    except pylibsrtp.Error as error:\n        print(error)\n"
    )
    assert run("-c", code).count("media on a connection that has none") == 2


@pytest.mark.parametrize("name", STAND_INS)
def test_it_is_a_version_that_aiortc_takes(name: str) -> None:
    version = tomllib.loads((STAND_INS[name] / "pyproject.toml").read_text())["project"]["version"]
    wanted = [Requirement(text) for text in importlib.metadata.requires("aiortc") or ()]
    (needed,) = [requirement for requirement in wanted if requirement.name == name]
    assert version in needed.specifier
    assert f'__version__ = "{version}"' in (STAND_INS[name] / name / "__init__.py").read_text()
    assert version.removesuffix("+nomedia") == importlib.metadata.version(name), "what it stands for is what is locked"


@pytest.mark.parametrize("name", STAND_INS)
def test_pip_installs_it_in_the_place_of_the_other(tmp_path: Path, name: str) -> None:
    build = [sys.executable, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--target", str(tmp_path), str(STAND_INS[name])], check=True, stdin=subprocess.DEVNULL)
    assert (tmp_path / name / "__init__.py").read_text() == (STAND_INS[name] / name / "__init__.py").read_text()
    (found,) = [dist for dist in importlib.metadata.distributions(path=[str(tmp_path)]) if dist.name == name]
    assert found.version.endswith("+nomedia")
