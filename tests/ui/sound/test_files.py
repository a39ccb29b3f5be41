"""Promises of the sound files themselves and of the program that makes them."""

import io
import math
import wave
from array import array

import pytest

from agent.system.assets import asset
from agent.ui.sound.base import Tone
from installer.make_sounds import RATE, SOUNDS, sine, sound
from tests.servers.recording import Recording


def samples(tone: str) -> "array[int]":
    """What the file holds."""
    with wave.open(io.BytesIO(asset(f"sounds/{tone}.wav").read_bytes())) as file:
        return array("h", file.readframes(file.getnframes()))


def energy(values: "array[int]", hertz: float) -> float:
    """How strong one frequency is."""
    turn = 2 * math.pi * hertz / RATE
    real = sum(value * math.cos(turn * at) for at, value in enumerate(values))
    imaginary = sum(value * math.sin(turn * at) for at, value in enumerate(values))
    return math.hypot(real, imaginary)


def test_every_tone_has_a_sound_and_every_sound_a_tone() -> None:
    assert set(SOUNDS) == {str(tone) for tone in Tone}


@pytest.mark.parametrize("tone", Tone)
def test_the_shipped_file_is_what_the_program_makes(tone: Tone) -> None:
    assert asset(f"sounds/{tone}.wav").read_bytes() == sound(tone)


@pytest.mark.parametrize("tone", Tone)
def test_a_sound_is_small_and_in_a_format_every_player_reads(tone: Tone) -> None:
    file = asset(f"sounds/{tone}.wav")
    assert file.stat().st_size < 60_000
    with wave.open(str(file)) as wav:
        assert (wav.getnchannels(), wav.getsampwidth(), wav.getframerate()) == (1, 2, 22_050)


@pytest.mark.parametrize("tone", Tone)
def test_a_sound_begins_and_ends_without_a_click_and_is_never_clipped(tone: Tone) -> None:
    values = samples(tone)
    assert max(abs(value) for value in (*values[:5], *values[-5:])) < 2_000
    assert max(abs(value) for value in values) < 32_000


@pytest.mark.parametrize(("tone", "hertz"), [("page", 880), ("urgent", 1175), ("order", 660), ("late", 440)])
def test_each_sound_has_its_own_pitch(tone: str, hertz: int) -> None:
    values = samples(tone)
    assert energy(values, hertz) == max(energy(values, other) for other in (440, 660, 880, 1108.73, 1175, 1320, 1760))


def test_insistence_grows_from_an_order_to_a_page_to_an_urgent_page() -> None:
    power = {str(tone): sum(value * value for value in samples(tone)) for tone in Tone}
    assert power["order"] < power["page"] / 5
    assert power["page"] < power["urgent"]


def test_urgent_calls_more_often_than_a_page() -> None:
    def calls(tone: str) -> int:
        block = RATE // 100
        values = samples(tone)
        loud = [max(map(abs, values[at : at + block])) > Recording.LOUD for at in range(0, len(values) - block, block)]
        return sum(now and not before for before, now in zip([False, *loud], loud, strict=False))

    assert (calls("page"), calls("urgent"), calls("order"), calls("late")) == (1, 6, 1, 1)


def test_the_series_is_the_sine() -> None:
    for step in range(-1000, 3000):
        assert sine(step / 997) == pytest.approx(math.sin(2 * math.pi * step / 997), abs=1e-9)
