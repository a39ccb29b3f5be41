"""What a test desktop played: samples from the sink's monitor, and how loud and how high they were."""

import cmath
from array import array
from pathlib import Path

THIN = 6
"""Samples added up before a frequency is sought: six times quicker, and enough for 4 kHz."""


class Recording:
    """Mono 16-bit samples that a recorder is writing to `file`; grows while it runs."""

    RATE = 48_000
    LOUD = 100
    """Root mean square above which 10 ms of sound count as heard."""

    def __init__(self, file: Path, start: int = 0) -> None:
        self._file, self._start = file, start

    @property
    def _size(self) -> int:
        return self._file.stat().st_size // 2 * 2 if self._file.exists() else 0

    @property
    def seconds(self) -> float:
        """How much was recorded so far."""
        return (self._size - self._start) / 2 / self.RATE

    def from_here(self) -> "Recording":
        """The same recording without what it holds by now; a sink takes two seconds to begin a new one."""
        return Recording(self._file, self._size)

    def samples(self) -> "array[int]":
        """All samples so far."""
        data = self._file.read_bytes()[self._start :]
        return array("h", data[: len(data) // 2 * 2])

    def loud_at(self) -> list[float]:
        """When something could be heard, in seconds, in steps of 10 ms."""
        block = self.RATE // 100
        samples = self.samples()
        blocks = (samples[at : at + block] for at in range(0, len(samples) - block + 1, block))
        loud = [sum(value * value for value in part) > block * self.LOUD**2 for part in blocks]
        return [at / 100 for at, is_loud in enumerate(loud) if is_loud]

    def loud_seconds(self) -> float:
        """How long something could be heard, in steps of 10 ms."""
        return len(self.loud_at()) / 100

    def strongest(self, lowest: int = 100, highest: int = 4000, step: int = 5) -> int:
        """The frequency in Hz that carries most energy, to the nearest `step`."""
        samples = self.samples()
        start = next((at for at, value in enumerate(samples) if abs(value) > self.LOUD), 0)
        samples = samples[start : start + self.RATE // 8]
        thin = [sum(samples[at : at + THIN]) for at in range(0, len(samples), THIN)]

        def energy(hertz: int) -> float:
            turn = cmath.exp(-2j * cmath.pi * hertz * THIN / self.RATE)
            total, factor = 0j, 1 + 0j
            for value in thin:
                total += value * factor
                factor *= turn
            return abs(total)

        return max(range(lowest, highest, step), key=energy)
