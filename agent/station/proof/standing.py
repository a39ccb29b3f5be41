"""How the hub's proof stands, as people see it: a state, a notice, and each new kind of failure told once."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.domain.bundle import Bundle
from agent.domain.effects import Effect, Refresh, Tell, Unnotify

KEY = "connection"
"""All notices about the connection are one on the desktop: a new one takes the place of the last."""


@dataclass(slots=True)
class Standing:
    """`state` is unproven, proving, proven, amber (it works, though the hub is silent) or failed.

    `notice` is a key of the texts, `values` fill it; times are ms UTC, those of the last proof in this run.
    """

    state: str = "unproven"
    notice: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    proven_ms: int | None = None
    until_ms: int | None = None
    gen: int | None = None
    not_after: int | None = None
    life_ms: int = 0
    _told: set[str] = field(default_factory=set)

    def know(self, bundle: Bundle) -> None:
        """Note of a key what is no secret."""
        self.gen, self.not_after, self.life_ms = bundle.gen, bundle.not_after, bundle.life_ms

    def say(self, notice: str = "", **values: str) -> list[Effect]:
        """Show this notice from now on, or none."""
        self.notice, self.values = notice, values
        return [Refresh()]

    def fail(self, notice: str, **values: str) -> list[Effect]:
        """Show a failure; a kind that is new since the last proof comes to the desktop as well."""
        new = notice not in self._told
        self._told.add(notice)
        return [*([Tell(notice, values, key=KEY)] if new else []), *self.say(notice, **values)]

    def prove(self, hub_ms: int, until_ms: int) -> list[Effect]:
        """The hub has proven itself: what was said of failures is over."""
        self.state, self.proven_ms, self.until_ms = "proven", hub_ms, until_ms
        told, self._told = self._told, set()
        return [Unnotify(KEY)] if told else []
