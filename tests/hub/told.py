"""What a hub's core is told in tests: messages of members, and an answer taken apart."""

from itertools import count
from secrets import token_bytes
from typing import Any

from msgspec import to_builtins

from agent.domain.audience import EVERYBODY, THE_HUB, Audience
from agent.domain.effects import Effect, Keep, Post
from agent.domain.envelope import Envelope
from agent.domain.events import Arrived, Instant
from agent.domain.keys import to_b64u
from agent.domain.ledger import Ledger
from agent.domain.messages import OrderPart, OrderPut, Parameters
from agent.hub.core import Appended, Core, Kept
from agent.hub.entries import genesis_value, make_entry, member_value
from agent.wire.keys import Identity
from agent.wire.ledger import read_entry

START_MS = 1_750_000_000_000

_numbers = count(1)


def an_id() -> str:
    """A fresh message id."""
    return f"{next(_numbers):032x}"


def at(seconds: float = 0.0) -> Instant:
    """So many seconds after the start."""
    return Instant(1000.0 + seconds, START_MS + round(seconds * 1000))


class Site:
    """A hub's core with members, whose keys the test has."""

    def __init__(self, *stations: str, kept: Kept | None = None) -> None:
        self.me = Identity.new("s1", "hub")
        self.core = Core(kept=kept or Kept(Ledger("s1")), new_id=an_id, now=at(), chance=token_bytes)
        self.keys: dict[str, Identity] = {}
        self.append("genesis", "hub", genesis_value(self.me))
        for station in stations:
            self.add(station)

    def append(self, op: str, subject: str, value: dict[str, object]) -> list[Effect]:
        """Append an entry as the publisher does."""
        frame = make_entry(self.core.ledger, self.me, op, subject, value, id_=an_id(), at=START_MS)
        return self.core.handle(Appended(frame, read_entry(self.core.ledger, frame)), at())

    def add(self, station: str, *roles: str) -> list[Effect]:
        """A new member."""
        keys = self.keys[station] = Identity.new("s1", station)
        value = member_value(station, roles, to_b64u(keys.sign), to_b64u(keys.receive))
        return self.append("member.add", station, value)

    def tell(
        self, sender: str, type_: str, params: Parameters, *, now: float = 0.0, id_: str = "", re: str | None = None,
        to: Audience | None = None, link: str = "memory",
    ) -> list[Effect]:  # fmt: skip
        """A message of a member."""
        to = to or (EVERYBODY if type_.startswith("order.put") else THE_HUB)
        moment = at(now)
        envelope = Envelope(
            v=1, site="s1", id=id_ or an_id(), sender=sender, to=to.to_wire(), type=type_, at=moment.ms,
            exp=moment.ms + 60_000, re=re, want=0, prio=0, head=None, p=to_builtins(params),
        )  # fmt: skip
        return self.core.handle(Arrived(envelope, params, link), moment)


def put(n: int, title: str = "", *, ms: int = START_MS, counter: int = 0, by: str = "anna", **fields: Any) -> OrderPut:
    """Order number `n`, or a change of it."""
    values = {"title": title or f"order {n}", **fields}
    stamped = {name: (value, (ms, counter, by)) for name, value in values.items()}
    return OrderPut(uuid=f"{n:032x}", kind="order", fields=stamped)


def posts(effects: list[Effect], type_: str = "") -> list[Post]:
    """The messages among effects."""
    return [effect for effect in effects if isinstance(effect, Post) and type_ in ("", effect.type)]


def keeps(effects: list[Effect], kind: str) -> list[Keep]:
    """What is to be written among effects."""
    return [effect for effect in effects if isinstance(effect, Keep) and effect.kind == kind]


def parts(effects: list[Effect]) -> list[OrderPart]:
    """The parts of a list among effects."""
    return [post.params for post in posts(effects, "order.part") if isinstance(post.params, OrderPart)]
