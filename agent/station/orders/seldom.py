"""When a station that nothing but mail reaches asks for the list of orders: once, and then seldom."""

PATIENCE_S = 60.0
"""How long a faster link that may come up is waited for."""
FIRST_S, LONGEST_S = 600.0, 6 * 3600.0
"""The pause after a question that is not answered, doubled each time, and the longest; after an answer it is that."""


class Seldom:
    """Monotonic seconds."""

    def __init__(self) -> None:
        self._not_before, self._pause = 0.0, FIRST_S
        self.at: float | None = None

    def begin(self, now: float, *, hopeful: bool) -> None:
        """Mail is all there is; `hopeful` if a faster link may come up yet."""
        self.at = max(self._not_before, now + PATIENCE_S if hopeful else now)

    def stop(self) -> None:
        """There is something faster, or nothing at all."""
        self.at = None

    def due(self, now: float) -> bool:
        """Whether to ask now; then the next time is set."""
        if self.at is None or now < self.at:
            return False
        self.at = self._not_before = now + self._pause
        self._pause = min(LONGEST_S, 2 * self._pause)
        return True

    def answered(self, now: float) -> None:
        """All of the list has come, whichever way it took."""
        self._pause, self._not_before = FIRST_S, now + LONGEST_S
        self.at = None if self.at is None else self._not_before
