"""Who a message is for: a station, a person, a role, everybody, or the hub."""

from dataclasses import dataclass
from typing import Literal

from agent.domain.errors import BadInput
from agent.domain.names import is_name

Kind = Literal["station", "person", "role", "all", "hub"]
NAMED: tuple[Kind, ...] = ("station", "person", "role")


@dataclass(frozen=True, slots=True)
class Audience:
    """An AUDIENCE ID; `name` is empty for everybody and for the hub.

    On the wire: {"station": "desk-1"} {"person": "anna"} {"role": "kitchen"} {"all": true} {"hub": true}
    """

    kind: Kind
    name: str = ""

    def to_wire(self) -> dict[str, str | bool]:
        """Return the JSON object for the envelope's `to`."""
        return {self.kind: self.name if self.kind in NAMED else True}

    @classmethod
    def from_wire(cls, wire: object) -> "Audience | None":
        """Return the audience, or None for anything that is not exactly one."""
        if not isinstance(wire, dict) or len(wire) != 1:
            return None
        ((kind, value),) = wire.items()
        if kind in NAMED and isinstance(value, str) and is_name(value):
            return cls(kind, value)
        if kind in ("all", "hub") and value is True:
            return cls(kind)
        return None

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}" if self.name else self.kind


EVERYBODY = Audience("all")
THE_HUB = Audience("hub")


def parse_audience(text: str) -> Audience:
    """Read what people type: `role:kitchen`, `person:anna`, `station:desk-1`, `all`; raises BadInput."""
    kind, _, name = text.strip().partition(":")
    wire: dict[str, str | bool] = {kind: True} if kind == "all" and not name else {kind: name}
    audience = Audience.from_wire(wire)
    if audience is None:
        raise BadInput(
            "No such audience",
            f"“{text}” is no audience; write role:kitchen, person:anna, station:desk-1 or all",
            code="no-such-audience",
            field="to",
        )
    return audience
