"""What a test desktop played: samples from the sink's monitor, and how loud and how high they were."""

import cmath
from array import array
from pathlib import Path


class Recording:
    """Mono 16-bit samples that a recorder is writing to `file`; grows while it runs."""

    RATE = 48_000
    LOUD = 100
    """Root mean square above which 10 ms of sound count as heard."""

    def __init__(self, file: Path) -> None:
        self._file = file

    @property
    def seconds(self) -> float:
        """How much was recorded so far."""
        return self._file.stat().st_size / 2 / self.RATE if self._file.exists() else 0.0

    def samples(self) -> "array[int]":
        """All samples so far."""
        data = self._file.read_bytes()
        return array("h", data[: len(data) // 2 * 2])

    def loud_seconds(self) -> float:
        """How long something could be heard, in steps of 10 ms."""
        block = self.RATE // 100
        samples = self.samples()
        blocks = (samples[at : at + block] for at in range(0, len(samples) - block + 1, block))
        return sum(sum(value * value for value in part) > block * self.LOUD**2 for part in blocks) / 100

    def strongest(self, lowest: int = 100, highest: int = 4000, step: int = 5) -> int:
        """The frequency in Hz that carries most energy, to the nearest `step`."""
        samples = self.samples()
        start = next((at for at, value in enumerate(samples) if abs(value) > self.LOUD), 0)
        samples = samples[start : start + self.RATE // 8]

        def energy(hertz: int) -> float:
            turn = cmath.exp(-2j * cmath.pi * hertz / self.RATE)
            total, factor = 0j, 1 + 0j
            for value in samples:
                total += value * factor
                factor *= turn
            return abs(total)

        return max(range(lowest, highest, step), key=energy)
