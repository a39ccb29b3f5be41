"""Make the four sounds the agent plays, the same bytes on every computer: python installer/make_sounds.py."""

import io
import sys
import wave
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

RATE = 22_050
"""Samples a second; mono, 16 bit."""
FADE = 0.006
"""Seconds in which a note comes and goes, so that it does not click."""
PI = 3.141592653589793
HERE = Path(__file__).resolve().parent.parent / "assets" / "sounds"


@dataclass(frozen=True, slots=True)
class Note:
    """One tone: `at` and `seconds` in time, `hertz` high, `loud` from 0 to 1.

    `fall` is how many times a second it loses half of its loudness; `bright` is the share of the octave above,
    which small speakers carry better than the tone itself.
    """

    at: float
    seconds: float
    hertz: float
    loud: float
    fall: float = 0.0
    bright: float = 0.15


SOUNDS = {
    # a doorbell asking: the second note is shorter and softer, so 880 Hz stays the strongest
    "page": (Note(0.0, 0.34, 880, 0.85, fall=2.0), Note(0.33, 0.27, 1108.73, 0.45, fall=2.0)),
    # two times three short calls
    "urgent": tuple(Note(at, 0.1, 1175, 0.8) for at in (0.0, 0.15, 0.3, 0.55, 0.7, 0.85)),
    # one soft note that does not call anybody
    "order": (Note(0.0, 0.4, 660, 0.35, fall=8.0, bright=0.05),),
    # low and long; its octave makes it audible on a laptop
    "late": (Note(0.0, 0.6, 440, 0.7, fall=2.0, bright=0.3),),
}


def sine(turns: float) -> float:
    """The sine of so many full turns, by its series.

    Only additions and multiplications: the sines of C libraries differ in the last bit, and so would the files.
    """
    angle = (turns % 1.0 - 0.5) * 2 * PI
    square, term, total = angle * angle, angle, angle
    for odd in range(3, 24, 2):
        term *= -square / (odd * (odd - 1))
        total += term
    return -total


def samples(note: Note) -> Iterator[float]:
    """The note as numbers between -1 and 1."""
    count = round(note.seconds * RATE)
    loud, half = note.loud / (1 + note.bright), 1 - 0.6931471805599453 * note.fall / RATE
    for step in range(count):
        turns = note.hertz * step / RATE
        edge = min(1.0, step / (FADE * RATE), (count - step) / (FADE * RATE))
        yield edge * loud * (sine(turns) + note.bright * sine(2 * turns))
        loud *= half


def sound(name: str) -> bytes:
    """The WAV file of one sound."""
    notes = SOUNDS[name]
    track = [0.0] * round(max(note.at + note.seconds for note in notes) * RATE)
    for note in notes:
        start = round(note.at * RATE)
        for step, value in enumerate(samples(note)):
            if start + step < len(track):
                track[start + step] += value
    pcm = array("h", (round(max(-1.0, min(1.0, value)) * 32_767) for value in track))
    if sys.byteorder == "big":
        pcm.byteswap()
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE)
        wav.writeframes(pcm.tobytes())
    return file.getvalue()


def main() -> None:
    """Write every sound to assets/sounds."""
    HERE.mkdir(parents=True, exist_ok=True)
    for name in SOUNDS:
        data = sound(name)
        (HERE / f"{name}.wav").write_bytes(data)
        print(f"{name}.wav: {len(data)} bytes")


if __name__ == "__main__":
    main()
