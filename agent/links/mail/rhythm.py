"""How often the reader asks while something urgent is awaited."""

from collections.abc import Iterator

SHORTEST_S, LONGEST_S, GROWTH = 0.05, 1.0, 1.25


def pauses() -> Iterator[float]:
    """Seconds between questions: 50 ms at first, a second in the end.

    Many servers tell what comes only half a second later (Dovecot 2.3: always), but answer at once when asked.
    """
    pause = SHORTEST_S
    while True:
        yield pause
        pause = min(LONGEST_S, pause * GROWTH)
